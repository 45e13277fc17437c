"""Which config a run has: composed anew, or that of the run or sweep it goes on with."""

from pathlib import Path
from shlex import quote

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from imaging.errors import ImagingError, brief
from imaging.files import write_text
from imaging.places import command_line
from imaging.runs.config import CONFIG, check_config, differences, read_config, readable_as
from imaging.runs.decide import check_decide, check_numbers, nothing_swept
from imaging.runs.lock import lock
from imaging.runs.names import concrete, swept
from imaging.runs.overrides import NO_SETTINGS_OF_RUNS
from imaging.runs.status import read_status

SWEEP_RECORD = "multirun.yaml"  # Hydra writes it into a sweep's directory


def open_config(config: DictConfig) -> tuple[dict, Path]:
    """The resolved config as plain data, and the run's directory.

    If there is a run in the directory already, it goes on with its own config. Other settings on the command
    line may only repeat what it was started with.

    Raises:
        ImagingError: no such run, a completed one, or a config that has changed meanwhile; `decide` for a
            single run.
    """
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    hydra = HydraConfig.get()
    single = hydra.mode != RunMode.MULTIRUN
    resume, decide, _ = (plain.pop(key) for key in NO_SETTINGS_OF_RUNS)
    # By the words, since a job of a sweep may be a single run with the sweep's file, which may have `decide`.
    asked = any(word.lstrip("+").startswith("decide=") for word in hydra.overrides.task)
    if single and asked and decide is not None:
        raise nothing_swept(decide)
    directory = Path(hydra.runtime.output_dir)
    if directory.is_relative_to(Path.cwd()):
        directory = directory.relative_to(Path.cwd())  # shorter to read and to type
    if single and resume is not None:
        directory = Path(resume)
        _refuse_sweep(directory)
        read_config(directory)
    if _in_this_process(hydra) and not single:
        refuse_devices(plain["trainer"]["devices"], 1)  # it may be what the sweep varies
    if not (directory / CONFIG).is_file():
        return plain, directory
    saved = read_config(directory)
    check_config(saved, directory / CONFIG)
    if not single or [o for o in hydra.overrides.task if not o.startswith("resume=")]:
        refuse_changes(directory, saved, plain)
    if single and read_status(directory)["state"] == "completed":
        raise ImagingError(
            f"{directory} is completed; to test it again: {command_line('evaluate', f'run={directory}')}"
        )
    return saved, directory


def refuse_changes(directory: Path, saved: dict, now: dict) -> None:
    """Say in which settings a run or sweep differs from what it shall go on as.

    Raises:
        ImagingError: there are such.
    """
    changed = differences(saved, now)
    if changed:
        raise ImagingError(
            f"the config is not that of {directory}: {'; '.join(changed)} (there -> here); resume with the "
            f"settings that it was started with, or with none but {quote(f'resume={directory}')}, "
            "or start anew"
        )


def _refuse_sweep(directory: Path) -> None:
    if (directory / SWEEP_RECORD).is_file():
        raise ImagingError(f"{directory} is a sweep: {_command(directory)} {quote(f'resume={directory}')}")
    if not directory.is_dir() or not any(directory.iterdir()):
        if directory.is_dir():
            directory.rmdir()  # Hydra has just made it
        raise ImagingError(f"{directory} is not a run directory: there is nothing in it")


def _command(directory: Path) -> str:
    """The command that a sweep was started with."""
    words = read_record(directory).hydra.overrides.task
    return command_line("train", "-m", *(word for word in words if not word.startswith("resume=")))


def begin_sweep(config: DictConfig) -> int | None:
    """Make a sweep's directory, or go on with one; refuse what cannot be, before any job starts.

    Args:
        config: the composed config of a multirun, `hydra` included; names in it become concrete.

    Returns:
        its lock, for `imaging.runs.lock.unlock`.

    Raises:
        ImagingError: `resume` is not a sweep, or the settings are not those of that sweep; more than one
            device a job with a launcher that runs them in this process; `decide` where it cannot be, or for
            another number of looks than there were to be.
    """
    check_decide(config)
    if _in_this_process(config.hydra):
        refuse_devices(config.trainer.devices, 1)
    directory = Path(config.hydra.sweep.dir)
    concrete(config)
    if config.resume is not None:
        if not (directory / SWEEP_RECORD).is_file():
            raise ImagingError(f"{directory} is not a sweep directory: it has no {SWEEP_RECORD}")
        before = read_record(directory)
        there, here = _varied(before), _varied(config)
        if there != here:
            raise ImagingError(
                f"{directory} varies {there or 'nothing more than its file'}, this command "
                f"{here or 'nothing more than its file'}: resume with what it was started with, or start anew"
            )
        refuse_changes(directory, _essence(before), _essence(config))
        begun, most = before.get("decide_max_seeds"), config.decide_max_seeds
        if config.decide is not None and most != begun:
            raise ImagingError(
                f"{directory} has decide_max_seeds={begun}, and the level of its intervals is for that: "
                f"resume with it, or start anew with decide_max_seeds={most}"
            )
    directory.mkdir(parents=True, exist_ok=True)
    handle = lock(directory)
    write_text(directory / SWEEP_RECORD, OmegaConf.to_yaml(config))
    return handle


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


def _in_this_process(hydra: DictConfig) -> bool:
    # There `trainer=ddp` would run the whole sweep again in its second process.
    return hydra.launcher.get("_target_", "").endswith(".BasicLauncher")


def refuse_devices(asked, possible: int) -> None:
    """One device a job of a sweep, unless its launcher can do more.

    Raises:
        ImagingError: more are asked for.
    """
    if asked not in (possible, str(possible)):
        raise ImagingError(
            f"trainer.devices is {asked}, but a job of this sweep has {possible}: leave it away, or take "
            "launcher=slurm with hydra.launcher.tasks_per_node and hydra.launcher.gpus_per_node"
        )


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
        command = _command(directory)
    except ImagingError as error:
        command = f"# the command of this sweep is not known: {error}"
    return facts, [command, command_line("evaluate", f"run={directory}")]


def _essence(config: DictConfig) -> dict:
    """What makes a sweep the same sweep: all but where, when, how long and by which launcher it runs."""
    plain = OmegaConf.to_container(config)
    sweeper = {k: v for k, v in plain.pop("hydra")["sweeper"].items() if k in ("params", "startup", "seed")}
    for key in NO_SETTINGS_OF_RUNS:
        plain.pop(key, None)  # old records lack some
    return plain | {"hydra": {"sweeper": sweeper}}


def _varied(config: DictConfig) -> str:
    """What the command line of a sweep varies: 'seed=0,1', or 'seed by decide'."""
    words = config.hydra.overrides.task
    keys = swept(None, words)
    told = sorted(word for word in words if word.lstrip("+~").partition("=")[0] in keys)
    return " ".join([*told, "seed by decide"] if config.get("decide") is not None else told)
