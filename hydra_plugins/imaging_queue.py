"""Hydra's `launcher=gpus`: run jobs in a queue over the GPUs or shares of the CPU cores of one machine."""

from collections.abc import Callable, Sequence

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from imaging.sweeps.children import prepare
from imaging.sweeps.jobs import Job, job_returns, plan_jobs


class QueueLauncher(Launcher):
    """Run each job as a child process in the first free slot.

    Args:
        devices, jobs_per_gpu: see `imaging.sweeps.slots.find_slots`.
    """

    plans = True

    def __init__(self, devices="auto", jobs_per_gpu: int = 1):
        self.devices, self.jobs_per_gpu = devices, jobs_per_gpu

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        from imaging.sweeps.slots import advice_on_sharing, find_slots

        self.loader, self.config = hydra_context.config_loader, config
        # Here, so that an error is raised before anything is written.
        self.slots = find_slots(self.devices, self.jobs_per_gpu)
        if self.jobs_per_gpu > 1 and self.slots[0].is_gpu and (advice := advice_on_sharing()):
            print(advice, flush=True)

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        """Run all jobs; a job that fails returns None, and the others continue."""
        prepare()
        jobs = plan_jobs(self.loader, self.config, job_overrides, initial_job_idx)
        waiting = iter(jobs)
        self.stream(lambda: next(waiting, None), total=len(jobs))
        return job_returns(jobs)

    def stream(
        self,
        next_job: Callable[[], Job | None],
        ended: Callable[[Job], None] = lambda job: None,
        total: int | None = None,
    ) -> None:
        """Run jobs as slots become free; see `imaging.sweeps.queue.Queue.run`."""
        from imaging.sweeps.live_table import Watcher
        from imaging.sweeps.queue import Queue

        with Watcher(total) as watcher:
            Queue(self.slots, watcher).run(next_job, ended)
