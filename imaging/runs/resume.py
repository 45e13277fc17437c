"""Choose a run's config: the composed one, or the saved one of a run that is resumed."""

from pathlib import Path
from shlex import quote

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from imaging.errors import ImagingError
from imaging.places import command_line
from imaging.runs.config import (
    CONFIG,
    as_dict,
    check_config,
    differences,
    leaf,
    read_config,
    read_config_here,
)
from imaging.runs.overrides import COMMAND_SETTINGS
from imaging.runs.record import SWEEP_RECORD, nothing_swept, sweep_command
from imaging.runs.status import read_status
from imaging.settings import Count, check


def open_config(config: DictConfig) -> tuple[dict, Path]:
    """The resolved config as plain data, and the run's directory.

    A run that is already in the directory is resumed with its own config; settings on the command line must
    then equal the saved ones.

    Raises:
        ImagingError: there is no such run, it is completed, or its config differs; or `decide` is set for a
            single run.
    """
    plain = as_dict(config)
    check_config(plain)
    check("decide_max_seeds", plain.get("decide_max_seeds", 1), Count)
    hydra = HydraConfig.get()
    refuse_chdir(hydra)
    single = hydra.mode != RunMode.MULTIRUN
    resume, decide, *_ = (plain.pop(key, None) for key in COMMAND_SETTINGS)
    # A job of a sweep may be a single run with the sweep's file, and that file may set `decide`.
    typed = any(word.lstrip("+").startswith("decide=") for word in hydra.overrides.task)
    if single and typed and decide is not None:
        raise nothing_swept(decide)
    directory = Path(hydra.runtime.output_dir)
    if directory.is_relative_to(Path.cwd()):
        directory = directory.relative_to(Path.cwd())  # shorter in messages
    if single and resume is not None:
        check("resume", resume, str)
        directory = Path(resume)
        _refuse_sweep(directory)
        read_config(directory)
    if in_this_process(hydra) and not single:
        refuse_devices(plain["trainer"]["devices"], 1)  # here too, since the sweep may vary it
    if not (directory / CONFIG).is_file():
        return plain, directory
    saved = read_config_here(directory, plain)
    check_config(saved, directory / CONFIG)
    missing = [module for module in saved["imports"] if module not in plain["imports"]]
    if missing:
        raise ImagingError(
            f"{directory} was started with imports=[{','.join(missing)}]: give it again, since modules named "
            "in a file are not imported"
        )
    words = [word.lstrip("+") for word in hydra.overrides.task]
    words = [word for word in words if not word.startswith(("resume=", "imports=", "dry="))]
    # What was typed beside resume= is compared, unless it chooses whole groups, which have many settings.
    keys = [word.partition("=")[0] for word in words]
    if not single or any("." not in key or "@" in key or key.startswith("~") for key in keys):
        refuse_changes(directory, saved, plain)
    else:
        refuse_changes(directory, *({key: leaf(config, key) for key in keys} for config in (saved, plain)))
    if single and read_status(directory)["state"] == "completed":
        raise ImagingError(
            f"{directory} is completed; to test it again: {command_line('evaluate', f'run={directory}')}"
        )
    return saved, directory


def refuse_changes(directory: Path, saved: dict, now: dict) -> None:
    """Check that the config of a resumed run or sweep is the saved one.

    Raises:
        ImagingError: they differ; the message names the settings.
    """
    changed = differences(saved, now)
    if changed:
        raise ImagingError(
            f"the config differs from that of {directory}: {'; '.join(changed)} (saved -> now); resume with "
            f"the saved settings, or with {quote(f'resume={directory}')} alone, or start a new one"
        )


def _refuse_sweep(directory: Path) -> None:
    if (directory / SWEEP_RECORD).is_file():
        raise ImagingError(
            f"{directory} is a sweep: {sweep_command(directory)} {quote(f'resume={directory}')}"
        )
    if not directory.is_dir() or not any(directory.iterdir()):
        if directory.is_dir():
            directory.rmdir()  # Hydra has just made it
        raise ImagingError(f"{directory} is not a run directory: it is empty or does not exist")


def in_this_process(hydra: HydraConf) -> bool:
    # With this launcher, `trainer=ddp` would run the whole sweep again in its second process.
    return hydra.launcher.get("_target_", "").endswith(".BasicLauncher")


def refuse_chdir(hydra: HydraConf) -> None:
    """Raise an ImagingError if Hydra changes the working directory."""
    if hydra.job.chdir:
        raise ImagingError("hydra.job.chdir is true; expected false: paths are relative to where you started")


def refuse_devices(devices, available: int) -> None:
    """Check that a job of a sweep uses the number of devices of its launcher.

    Raises:
        ImagingError: `devices` is another number.
    """
    if devices not in (available, str(available)):
        raise ImagingError(
            f"trainer.devices is {devices}, but a job of this sweep has {available}: set "
            f"trainer.devices={available}; with launcher=slurm it is hydra.launcher.tasks_per_node"
        )
