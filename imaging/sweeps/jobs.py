"""The jobs of a sweep: each a plain single run with a directory and a command of its own."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import DictConfig, open_dict

from imaging.runs.config import CONFIG, as_dict, at_places, read_config
from imaging.runs.lock import refuse_locked
from imaging.runs.names import quoted
from imaging.runs.overrides import NO_SETTINGS_OF_RUNS, passed
from imaging.runs.resume import refuse_changes, refuse_devices
from imaging.runs.run import enqueue
from imaging.runs.status import final_psnr, is_over


@dataclass(frozen=True)
class Job:
    """A run to be started.

    Args:
        directory: of the run, absolute.
        command: runs it, or goes on with it, in the directory that the sweep was started in.
    """

    directory: Path
    command: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.directory.name


def plan_jobs(
    loader, master: DictConfig, overrides: Sequence[Sequence[str]], first: int, devices: int = 1
) -> list[Job]:
    """Compose all jobs, refuse what cannot be run, and write down each as queued.

    Args:
        loader: Hydra's config loader.
        master: the config of the sweep.
        overrides: of each job.
        first: the number of the first job.
        devices: how many a job may have.

    Raises:
        ImagingError: a job asks for more devices, or has a directory with another config, or is running.
    """
    jobs = []
    for number, words in enumerate(overrides, start=first):
        config = compose(loader, master, words, number)
        HydraConfig.instance().set_config(config)
        directory = Path(config.hydra.sweep.dir, config.hydra.sweep.subdir).absolute()
        with open_dict(config):
            for key in ("hydra", *NO_SETTINGS_OF_RUNS):
                del config[key]
        plain = as_dict(config)
        refuse_devices(plain["trainer"]["devices"], devices)
        refuse_locked(directory)
        if (directory / CONFIG).is_file():
            refuse_changes(directory, at_places(read_config(directory), plain["paths"]), plain)
        jobs.append((directory, plain, words))
    for directory, plain, _ in jobs:
        if not is_over(directory):
            enqueue(directory, plain)
    return [Job(directory, (*_script(), *passed(words), *_alone(directory))) for directory, _, words in jobs]


def compose(loader, master: DictConfig, words: Sequence[str], number: int) -> DictConfig:
    """The config of one job, `hydra` included."""
    config = loader.load_sweep_config(master, list(words))
    with open_dict(config):
        config.hydra.job.id = config.hydra.job.num = number
    return config


def _script() -> tuple[str, str]:
    return sys.executable, str(Path(sys.argv[0]).absolute())


def _alone(directory: Path) -> tuple[str, ...]:
    return "hydra.mode=RUN", f"hydra.run.dir={quoted(str(directory))}"


def returned(jobs: Sequence[Job]) -> list[JobReturn]:
    """What Hydra gets, read from the jobs' directories. Failures are named by the end of the sweep."""
    values = (final_psnr(job.directory) if is_over(job.directory) else None for job in jobs)
    return [JobReturn(status=JobStatus.COMPLETED, _return_value=value) for value in values]
