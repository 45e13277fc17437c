"""Read the config of a sweep from its directory."""

from pathlib import Path
from typing import Annotated

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from imaging.errors import ImagingError, brief
from imaging.places import command_line
from imaging.runs.config import reading
from imaging.runs.names import swept_keys
from imaging.runs.overrides import sweep_overrides
from imaging.runs.status import read_status
from imaging.settings import Limit, check, within

SWEEP_RECORD = "multirun.yaml"  # Hydra writes it into a sweep's directory
MOST_SEEDS = 100  # limits the simulation of `imaging.evaluation.statistics.intervals.level_of_a_look`


def read_record(directory: Path) -> DictConfig:
    """The config of a sweep, with a valid command line and sweeper.

    Raises:
        ImagingError: the config cannot be read.
    """
    path = directory / SWEEP_RECORD
    with reading(path, "the config of a sweep", "start a new sweep"):
        record = OmegaConf.load(path)
        OmegaConf.to_container(record)  # raises if it contains itself
        words = OmegaConf.select(record, "hydra.overrides.task")
        if not isinstance(words, ListConfig) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"hydra.overrides.task is {brief(words)}; expected a list of words")
        sweeper = OmegaConf.select(record, "hydra.sweeper")
        if not isinstance(sweeper, DictConfig):
            raise ValueError(f"hydra.sweeper is {brief(sweeper)}; expected a mapping")
        params = sweeper.get("params")
        if not isinstance(params, DictConfig | None):
            raise ValueError(f"hydra.sweeper.params is {brief(params)}; expected a mapping")
        swept_keys(params, words)  # raises for an invalid override
        "".join(words).encode()  # raises for surrogates, which cannot be written to a file
        assert isinstance(record, DictConfig)  # it has keys
    return record


def decision(directory: Path) -> tuple[float, int] | None:
    """The settings with which a sweep with `decide` chooses its number of seeds.

    Args:
        directory: the directory of the sweep.

    Returns:
        the margin in dB and the largest number of seeds; None for a sweep without `decide` or with an
        unreadable record.
    """
    try:
        record = read_record(directory)
        numbers = record.get("decide"), record.get("decide_max_seeds")
        check_decide_settings(*numbers)
    except (ImagingError, OmegaConfBaseException):
        return None
    return numbers


def sweep_command(directory: Path) -> str:
    """The command that started a sweep."""
    return command_line("train", "-m", *sweep_overrides(read_record(directory)))


def about_sweep(directory: Path) -> tuple[dict[str, str], list[str]]:
    """The states and commits of a sweep's runs, and the commands that reproduce it, for its report.

    If the record of the sweep is damaged, a comment replaces its command.
    """
    statuses = [read_status(path.parent) for path in sorted(directory.glob("*/status.json"))]
    commits = dict.fromkeys(status["commit"] or "unknown" for status in statuses)
    states = [status["state"] for status in statuses]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    facts = {"Runs": counts, "Commit": ", ".join(commits)}
    try:
        command = sweep_command(directory)
    except ImagingError as error:
        command = f"# the command of this sweep is unknown: {error}"
    return facts, [command, command_line("evaluate", f"run={directory}")]


def check_decide_settings(margin, max_seeds) -> None:
    """Raise an ImagingError for an invalid value of `decide` or `decide_max_seeds`."""
    check("decide", margin, Annotated[float, Limit("a positive number, in dB", lambda dB: dB > 0)])
    check("decide_max_seeds", max_seeds, Annotated[int, within(2, MOST_SEEDS)])


def nothing_swept(margin) -> ImagingError:
    """The error for a command with `decide` but nothing to compare."""
    return ImagingError(
        f"decide={margin} adds seeds to a sweep, but nothing is swept: add sweep=…, or -m and a key with "
        "several values, or leave decide out"
    )
