"""The config that a sweep was started with, in its directory."""

from pathlib import Path
from typing import Annotated

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from imaging.errors import ImagingError, brief
from imaging.places import command_line
from imaging.runs.config import readable_as
from imaging.runs.names import swept
from imaging.runs.status import read_status
from imaging.settings import Limit, check, within

SWEEP_RECORD = "multirun.yaml"  # Hydra writes it into a sweep's directory
MOST_SEEDS = 100  # the level of a look is simulated for all of them


def read_record(directory: Path) -> DictConfig:
    """The config that a sweep was started with, with a command line and a sweeper that can be relied on.

    Raises:
        ImagingError: it cannot be read.
    """
    path = directory / SWEEP_RECORD
    with readable_as(path, "the config of a sweep", "start anew"):
        record = OmegaConf.load(path)
        OmegaConf.to_container(record)  # whole: not nested in itself
        words = OmegaConf.select(record, "hydra.overrides.task")
        if not isinstance(words, ListConfig) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"hydra.overrides.task is {brief(words)}; expected a list of words")
        sweeper = OmegaConf.select(record, "hydra.sweeper")
        if not isinstance(sweeper, DictConfig):
            raise ValueError(f"hydra.sweeper is {brief(sweeper)}; expected a mapping")
        params = sweeper.get("params")
        if not isinstance(params, DictConfig | None):
            raise ValueError(f"hydra.sweeper.params is {brief(params)}; expected a mapping")
        swept(params, words)  # raises for what is no override
        "".join(words).encode()  # and this for halves of characters, which no file takes
        assert isinstance(record, DictConfig)  # it has keys
    return record


def decision(directory: Path) -> tuple[float, int] | None:
    """By what a sweep with `decide` chooses how many seeds it has.

    Args:
        directory: of the sweep.

    Returns:
        the margin in dB and the largest number of seeds; None if `decide` was not asked for, or the record of
        the sweep is not readable.
    """
    try:
        record = read_record(directory)
        numbers = record.get("decide"), record.get("decide_max_seeds")
        check_numbers(*numbers)
    except (ImagingError, OmegaConfBaseException):
        return None
    return numbers


def sweep_command(directory: Path) -> str:
    """The command that a sweep was started with."""
    words = read_record(directory).hydra.overrides.task
    return command_line("train", "-m", *(word for word in words if not word.startswith("resume=")))


def about_sweep(directory: Path) -> tuple[dict[str, str], list[str]]:
    """For a sweep's page: how many runs of which commit, and the commands that make it again.

    If the record of the sweep is damaged, a comment in place of its command says so.
    """
    statuses = [read_status(path.parent) for path in sorted(directory.glob("*/status.json"))]
    commits = dict.fromkeys(status["commit"] or "unknown" for status in statuses)
    states = [status["state"] for status in statuses]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    facts = {"Runs": counts, "Commit": ", ".join(commits)}
    try:
        command = sweep_command(directory)
    except ImagingError as error:
        command = f"# the command of this sweep is not known: {error}"
    return facts, [command, command_line("evaluate", f"run={directory}")]


def check_numbers(margin, max_seeds) -> None:
    """See that `decide` and `decide_max_seeds` can be what they are.

    Raises:
        ImagingError: they cannot.
    """
    check("decide", margin, Annotated[float, Limit("a positive number, in dB", lambda dB: dB > 0)])
    check("decide_max_seeds", max_seeds, Annotated[int, within(2, MOST_SEEDS)])


def nothing_swept(margin) -> ImagingError:
    """The error of a command that has `decide`, but nothing to compare."""
    return ImagingError(
        f"decide={margin} adds seeds to a sweep, but nothing is swept: add sweep=…, or -m and a key with "
        "several values, or leave decide out"
    )
