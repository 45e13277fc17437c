"""Which config a run has: composed anew, or that of the run or sweep it goes on with."""

from pathlib import Path
from shlex import quote

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from imaging.errors import ImagingError
from imaging.places import command_line
from imaging.runs.config import CONFIG, as_dict, at_places, check_config, differences, read_config
from imaging.runs.overrides import NO_SETTINGS_OF_RUNS
from imaging.runs.record import SWEEP_RECORD, nothing_swept, sweep_command
from imaging.runs.status import read_status


def open_config(config: DictConfig) -> tuple[dict, Path]:
    """The resolved config as plain data, and the run's directory.

    If there is a run in the directory already, it goes on with its own config. Other settings on the command
    line may only repeat what it was started with.

    Raises:
        ImagingError: no such run, a completed one, or a config that has changed meanwhile; `decide` for a
            single run.
    """
    plain = as_dict(config)
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
    if in_this_process(hydra) and not single:
        refuse_devices(plain["trainer"]["devices"], 1)  # it may be what the sweep varies
    if not (directory / CONFIG).is_file():
        return plain, directory
    saved = at_places(read_config(directory), plain["paths"])
    check_config(saved, directory / CONFIG)
    missing = [module for module in saved["imports"] if module not in plain["imports"]]
    if missing:
        raise ImagingError(
            f"{directory} was started with imports=[{','.join(missing)}]: give it again, since a file "
            "does not decide what is imported"
        )
    if not single or [o for o in hydra.overrides.task if not o.startswith(("resume=", "imports="))]:
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
        raise ImagingError(
            f"{directory} is a sweep: {sweep_command(directory)} {quote(f'resume={directory}')}"
        )
    if not directory.is_dir() or not any(directory.iterdir()):
        if directory.is_dir():
            directory.rmdir()  # Hydra has just made it
        raise ImagingError(f"{directory} is not a run directory: there is nothing in it")


def in_this_process(hydra: HydraConf) -> bool:
    # There `trainer=ddp` would run the whole sweep again in its second process.
    return hydra.launcher.get("_target_", "").endswith(".BasicLauncher")


def refuse_devices(asked, possible: int) -> None:
    """One device a job of a sweep, unless its launcher can do more.

    Raises:
        ImagingError: more are asked for.
    """
    if asked not in (possible, str(possible)):
        raise ImagingError(
            f"trainer.devices is {asked}, but a job of this sweep has {possible}: leave it out, or take "
            "launcher=slurm with hydra.launcher.tasks_per_node and hydra.launcher.gpus_per_node"
        )
