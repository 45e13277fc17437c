"""Which config a run has: composed anew, or that of the run or sweep it goes on with."""

import shlex
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from imaging.errors import ImagingError
from imaging.files import write_text
from imaging.runs.lock import lock
from imaging.runs.names import concrete, swept
from imaging.runs.run import differences, read_config, read_status

SWEEP_RECORD = "multirun.yaml"  # Hydra writes it into a sweep's directory


def open_config(config: DictConfig) -> tuple[dict, Path]:
    """The resolved config as plain data, and the run's directory.

    If there is a run in the directory already, it goes on with its own config. Other settings on the command
    line may only repeat what it was started with.

    Raises:
        ImagingError: no such run, a completed one, or a config that has changed meanwhile.
    """
    plain = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    hydra = HydraConfig.get()
    single = hydra.mode != RunMode.MULTIRUN
    resume = plain.pop("resume")
    directory = Path(hydra.runtime.output_dir)
    if directory.is_relative_to(Path.cwd()):
        directory = directory.relative_to(Path.cwd())  # shorter to read and to type
    if single and resume is not None:
        directory = Path(resume)
        _refuse_sweep(directory)
        read_config(directory)
    if _in_this_process(hydra) and not single:
        refuse_devices(plain["trainer"]["devices"], 1)  # it may be what the sweep varies
    if not (directory / "config.yaml").is_file():
        return plain, directory
    saved = read_config(directory)
    if not single or [o for o in hydra.overrides.task if not o.startswith("resume=")]:
        refuse_changes(directory, saved, plain)
    if single and read_status(directory)["state"] == "completed":
        raise ImagingError(f"{directory} is completed; to test it again: python evaluate.py run={directory}")
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
            f"settings that it was started with, or with none but resume={directory}, or start anew"
        )


def _refuse_sweep(directory: Path) -> None:
    if (directory / SWEEP_RECORD).is_file():
        raise ImagingError(f"{directory} is a sweep: {_command(directory)} resume={directory}")
    if not directory.is_dir() or not any(directory.iterdir()):
        if directory.is_dir():
            directory.rmdir()  # Hydra has just made it
        raise ImagingError(f"{directory} is not a run directory: there is nothing in it")


def _command(directory: Path) -> str:
    """The command that a sweep was started with."""
    words = read_record(directory).hydra.overrides.task
    return f"python train.py -m {shlex.join(word for word in words if not word.startswith('resume='))}"


def begin_sweep(config: DictConfig) -> int | None:
    """Make a sweep's directory, or go on with one; refuse what cannot be, before any job starts.

    Args:
        config: the composed config of a multirun, `hydra` included; names in it become concrete.

    Returns:
        its lock, for `imaging.runs.lock.unlock`.

    Raises:
        ImagingError: `resume` is not a sweep, or the settings are not those of that sweep; more than one
            device a job with a launcher that runs them in this process.
    """
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
    directory.mkdir(parents=True, exist_ok=True)
    handle = lock(directory)
    write_text(directory / SWEEP_RECORD, OmegaConf.to_yaml(config))
    return handle


def read_record(directory: Path) -> DictConfig:
    """The config that a sweep was started with.

    Raises:
        ImagingError: it cannot be read.
    """
    path = directory / SWEEP_RECORD
    try:
        record = OmegaConf.load(path)
        record.hydra.overrides.task, record.hydra.sweeper  # noqa: B018
    except (OmegaConfBaseException, AttributeError, YAMLError, OSError, UnicodeDecodeError):
        raise ImagingError(f"{path} cannot be read as the config of a sweep; start anew") from None
    return record


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
    """For a sweep's page: how many runs of which commit, and the commands that make it again."""
    statuses = [read_status(path.parent) for path in sorted(directory.glob("*/status.json"))]
    commits = dict.fromkeys(str(status.get("commit")) for status in statuses)
    states = [status["state"] for status in statuses]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    facts = {"Runs": counts, "Commit": ", ".join(commits)}
    return facts, [_command(directory), f"python evaluate.py run={shlex.quote(str(directory))}"]


def _essence(config: DictConfig) -> dict:
    """What makes a sweep the same sweep: everything but where, when and by which launcher it runs."""
    plain = OmegaConf.to_container(config)
    sweeper = {k: v for k, v in plain.pop("hydra")["sweeper"].items() if k in ("params", "startup", "seed")}
    del plain["resume"]
    return plain | {"hydra": {"sweeper": sweeper}}


def _varied(config: DictConfig) -> str:
    """What the command line of a sweep varies: 'seed=0,1'."""
    words = config.hydra.overrides.task
    keys = swept(None, words)
    return " ".join(sorted(word for word in words if word.lstrip("+~").partition("=")[0] in keys))
