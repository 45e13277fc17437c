"""Hydra's launcher of a sweep with `dry=…`: it plans the jobs, and starts none."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from imaging.sweeps.dry import Planned
from imaging.sweeps.jobs import plan


class DryLauncher(Launcher):
    """Collect the jobs of a sweep.

    Args:
        launcher: the settings of the launcher that would start them.
        directory: of the sweep; `hydra.sweep.dir` is a temporary one.
    """

    plans = True

    def __init__(self, launcher: DictConfig, directory: str):
        self.launcher, self.directory = OmegaConf.to_container(launcher), Path(directory)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader, self.config = hydra_context.config_loader, config
        self.planned = task_function.planned = Planned.sweep(config, self.launcher, self.directory)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        devices = self.planned.places.devices
        self.planned.plans += plan(self.loader, self.config, job_overrides, initial_job_idx, devices)
        return [JobReturn(status=JobStatus.COMPLETED) for _ in job_overrides]
