"""The files of a run against its ledger: the lines, the config, the checkpoints."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imaging.errors import ImagingError, brief
from imaging.runs.checkpoints import BEST, LAST, PREVIOUS, kept_checkpoints, read_checkpoint
from imaging.runs.config import CONFIG, PLACES, differences, upgrade_config
from imaging.runs.ledger import NEAR, Ledger, Line, file_hash, has_line
from imaging.runs.status import METRICS, read_status
from imaging.training.callbacks import CALLBACKS
from imaging.training.fingerprints import describe, digest, is_near, states_of
from imaging.verification.check import Check, short


@dataclass
class Recorded:
    """A run with its ledger.

    Args:
        directory: of the run.
        config: of the run, with the paths of this machine.
        ledger: without damage.
        starts: paths of the checkpoints that are as the ledger says, by step; None stands for the beginning.
    """

    directory: Path
    config: dict
    ledger: Ledger
    starts: dict[int, Path | None] = field(default_factory=lambda: {0: None})

    @property
    def last_step(self) -> int:
        return max(self.ledger.steps)


def check_lines(run: Recorded) -> Check:
    """Whether there is a line of each step of which there should be one."""
    settings = run.config.get("callbacks", {})
    given = next((one for one in settings.values() if one["name"] == "ledger"), None)
    if given is None:
        return Check(False, f"{CONFIG} has no ledger among its callbacks")
    every, keep = CALLBACKS.build(given).every_n_steps, given.get("keep", 8)
    steps, last = run.ledger.steps, run.last_step
    places = (step for first in range(0, last + 1, every) for step in (first, first + NEAR) if step <= last)
    expected = {last, *(step for step in places if has_line(step, every, keep))}
    if wrong := expected ^ steps.keys():
        step = min(wrong)
        there = "a line of step {}, where none should be" if step in steps else "no line of step {}"
        return Check(False, f"the ledger has {there.format(step)}")
    completed = read_status(run.directory)["state"] == "completed" or (run.directory / METRICS).exists()
    if completed and run.ledger.end is None:
        return Check(False, "the run is completed, but the ledger has no closing line")
    unclosed = "" if completed else "; the run is not completed, and what there is is verified"
    return Check(True, f"{len(run.ledger.lines)} lines, each follows from the one before{unclosed}")


def check_config_hash(run: Recorded) -> Check:
    """Whether `config.yaml` is the file with which the run began."""
    before, now = run.ledger.lines[0].facts.get("config", ""), file_hash(run.directory / CONFIG)
    if before != now:
        return Check(False, f"{CONFIG} was changed (ledger {short(before)}, here {short(now)})")
    return Check(True, f"{CONFIG} is that with which the run began")


def check_checkpoints(run: Recorded) -> Iterator[Check]:
    """Whether the checkpoints have the states of their steps; fills `run.starts`."""
    place = run.directory / "checkpoints"
    named = [place / name for name in (LAST, PREVIOUS, BEST)]
    kept = {path: step for step, path in kept_checkpoints(place).items()}
    right, unlisted = [], []
    for path in [*(path for path in named if path.exists()), *kept]:
        try:
            step, line = _read(run, path)
            if kept.get(path, step) != step:
                raise ImagingError(f"{path.name} is of step {step}")
        except ImagingError as error:
            yield Check(False, str(error))
            continue
        if line is None:
            unlisted.append(f"{path.name} (step {step})")
            continue
        right.append(path.name)
        run.starts.setdefault(step, path)
    if not named[0].exists():
        yield Check(False, f"there is no {named[0]}, which has the weights that were tested")
    if unlisted:
        yield Check(None, f"not verified, since the ledger has no line of their steps: {', '.join(unlisted)}")
    if right:
        yield Check(True, f"{len(right)} checkpoints have the weights and optimisers of their lines")


def _read(run: Recorded, path: Path) -> tuple[int, Line | None]:
    """The step of a checkpoint and its line, which may not exist for the best one.

    Raises:
        ImagingError: the checkpoint cannot be read, or is not that of its line.
    """
    checkpoint = read_checkpoint(path)
    step = checkpoint.get("global_step") if isinstance(checkpoint, dict) else None
    if type(step) is not int or not isinstance(checkpoint.get("config"), dict):
        raise ImagingError(f"{path.name} is not the checkpoint of a training")
    changed = differences(_placeless(upgrade_config(checkpoint["config"])), _placeless(run.config))
    if changed:
        raise ImagingError(f"{path.name} has another config than {CONFIG}: {brief('; '.join(changed))}")
    line = run.ledger.steps.get(step)
    if line is None:
        if path.name == BEST and step < run.last_step:
            return step, None
        raise ImagingError(f"{path.name} is of step {step}, of which the ledger has no line")
    try:
        here = describe(step, *states_of(checkpoint))
    except (ImagingError, TypeError, ValueError, RuntimeError) as error:
        raise ImagingError(f"{path.name}: {brief(str(error))}") from None
    if difference := differing(line, here):
        raise ImagingError(f"{path.name}, step {step}: {difference}")
    if not is_near(line.sketch, here.sketch):
        raise ImagingError(f"step {step}: the sketch in the ledger is not that of the weights")
    end = run.ledger.end
    if path.name == LAST and end is not None:
        if step != end.step:
            raise ImagingError(f"{path.name} is of step {step}, and the tested weights of step {end.step}")
        if (tested := digest(checkpoint["state_dict"])) != end.weights:
            raise ImagingError(
                f"{path.name} does not have the tested weights (ledger {short(end.weights)}, here "
                f"{short(tested)})"
            )
    return step, line


def differing(line: Line, here: Line) -> str | None:
    """How the bits of a ledger's line and of a state here differ; None if they do not."""
    for what in ("weights", "average", "optimizer"):
        before, now = getattr(line, what), getattr(here, what)
        if before != now:
            noun = {"average": "the averaged weights differ", "optimizer": "the optimiser's state differs"}
            return f"{noun.get(what, 'the weights differ')} (ledger {short(before)}, here {short(now)})"
    return None


def _placeless(config: dict) -> dict:
    """A config without the paths of a machine, which are no part of what a run is."""
    config = {key: value for key, value in config.items() if key != "paths"}
    data = config.get("data")
    if isinstance(data, dict) and isinstance(data.get("source"), dict):
        keys = {place.rpartition(".")[2] for place in PLACES}
        source = {key: value for key, value in data["source"].items() if key not in keys}
        config["data"] = {key: value for key, value in data.items() if key != "cache"} | {"source": source}
    return config
