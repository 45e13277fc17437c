"""The jobs of a sweep: single runs, each with its own directory and command."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, open_dict

from imaging.runs.config import CONFIG, as_dict, check_config, read_config_here
from imaging.runs.lock import refuse_locked
from imaging.runs.names import quoted
from imaging.runs.overrides import COMMAND_SETTINGS, run_overrides
from imaging.runs.resume import refuse_changes, refuse_devices
from imaging.runs.run import enqueue
from imaging.runs.status import final_psnr, is_over


@dataclass(frozen=True)
class Job:
    """A run to start.

    Args:
        directory: absolute path of the run directory.
        command: starts or resumes the run, from the directory where the sweep was started.
    """

    directory: Path
    command: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.directory.name


@dataclass(frozen=True)
class Plan:
    """A run of a sweep before it is queued.

    Args:
        directory: absolute path of the run directory.
        config: resolved, plain data.
        words: the overrides of the job.
    """

    directory: Path
    config: dict
    words: tuple[str, ...]


def plan_jobs(
    loader, master: DictConfig, overrides: Sequence[Sequence[str]], first: int, devices: int = 1
) -> list[Job]:
    """Compose and check all jobs, and write each to its directory as queued.

    Args:
        loader: Hydra's config loader.
        master: the config of the sweep.
        overrides: the overrides of each job.
        first: the number of the first job.
        devices: number of devices of a job.

    Raises:
        ImagingError: a job has another number of devices, or another config than its directory, or it is
            running.
    """
    plans = plan(loader, master, overrides, first, devices)
    for one in plans:
        if not is_over(one.directory):
            enqueue(one.directory, one.config)
    return [job_of(one.directory, *run_overrides(one.words)) for one in plans]


def job_of(directory: Path, *words: str) -> Job:
    """The job of a single run in a directory, with these arguments."""
    return Job(directory, (*_script(), *words, "hydra.mode=RUN", f"hydra.run.dir={quoted(str(directory))}"))


def plan(
    loader, master: DictConfig, overrides: Sequence[Sequence[str]], first: int, devices: int = 1
) -> list[Plan]:
    """Compose and check all jobs, and write nothing; the arguments and errors are those of `plan_jobs`."""
    plans = []
    for number, words in enumerate(overrides, start=first):
        config = compose(loader, master, words, number)
        HydraConfig.instance().set_config(config)
        directory = Path(config.hydra.sweep.dir, config.hydra.sweep.subdir).absolute()
        with open_dict(config):
            for key in ("hydra", *COMMAND_SETTINGS):
                config.pop(key, None)
        plain = as_dict(config)
        check_config(plain)
        refuse_devices(plain["trainer"]["devices"], devices)
        refuse_locked(directory)
        if (directory / CONFIG).is_file():
            refuse_changes(directory, read_config_here(directory, plain), plain)
        plans.append(Plan(directory, plain, tuple(words)))
    return plans


def compose(loader, master: DictConfig, words: Sequence[str], number: int) -> DictConfig:
    """Compose the config of one job, including `hydra`."""
    config = loader.load_sweep_config(master, list(words))
    with open_dict(config):
        config.hydra.job.id = config.hydra.job.num = number
    return config


def _script() -> tuple[str, str]:
    return sys.executable, str(Path(sys.argv[0]).absolute())


def job_returns(jobs: Sequence[Job]) -> list[JobReturn]:
    """The jobs' final PSNR for Hydra, None for a failed job; the end of the sweep reports the failures."""
    values = (final_psnr(job.directory) if is_over(job.directory) else None for job in jobs)
    return [JobReturn(status=JobStatus.COMPLETED, _return_value=value) for value in values]
