"""Hydra's `launcher=slurm`, which uses submitit, and `launcher=slurm_script`, which does not."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from unittest import mock

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from imaging.errors import ImagingError
from imaging.runs.interrupts import Interrupted
from imaging.runs.status import describe_end, is_over, mark_ended
from imaging.sweeps.jobs import Job, job_returns, plan_jobs
from imaging.sweeps.sbatch import check_settings, write_script

try:
    from hydra_plugins.hydra_submitit_launcher.submitit_launcher import SlurmLauncher
except ImportError:
    SlurmLauncher = None

Returns = Sequence[JobReturn]


if SlurmLauncher is None:

    class Slurm(Launcher):
        """Raise an error that names the missing package."""

        def __init__(self, **settings):
            raise ImagingError("launcher=slurm needs submitit: pip install -r requirements-cluster.txt")

        setup = launch = None

else:

    class Slurm(SlurmLauncher):
        """Launch jobs with submitit, wait for all of them and skip completed ones.

        The plugin's launcher stops waiting at the first failure.
        """

        plans = True

        def __init__(self, **settings):
            super().__init__(**settings)
            check_settings(self.params)

        def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Returns:
            import submitit

            devices = self.params["tasks_per_node"]
            jobs = plan_jobs(
                self.hydra_context.config_loader, self.config, job_overrides, initial_job_idx, devices
            )

            class Executor(submitit.AutoExecutor):
                def map_array(self, function, *columns):
                    rows = zip(jobs, *columns, strict=True)
                    rows = [row for row in rows if not is_over(row[0].directory)]
                    if not rows:
                        return [SlurmJob(job, None) for job in jobs]
                    submitted = super().map_array(function, *list(zip(*rows, strict=True))[1:])
                    array = submitted[0].job_id.split("_")[0]
                    print(f"job array {array}, {len(rows)} jobs: squeue -j {array}", flush=True)
                    by_directory = {r[0].directory: s for r, s in zip(rows, submitted, strict=True)}
                    return [SlurmJob(job, by_directory.get(job.directory)) for job in jobs]

            with mock.patch.object(submitit, "AutoExecutor", Executor):
                try:
                    super().launch(job_overrides, initial_job_idx)
                except (KeyboardInterrupt, Interrupted):
                    raise Interrupted("the jobs continue in Slurm; cancel them with scancel") from None
            return job_returns(jobs)


class SlurmJob:
    """A submitted job whose failure is written to its status instead of raised; `submitted` may be None."""

    def __init__(self, job: Job, submitted):
        self.job, self.submitted = job, submitted

    def results(self) -> list:
        if self.submitted is None:
            return [None]
        try:
            self.submitted.results()
        except Exception:  # any exception of the job, or a job that the cluster lost
            error = f"Slurm reports {self.submitted.state}; see {self.submitted.paths.stdout}"
            mark_ended(self.job.directory, "failed", error)
        print(f"{self.job.name}: {describe_end(self.job.directory)}", flush=True)
        return [None]


class SlurmScript(Launcher):
    """Write `submit.sh` into the sweep's directory.

    Args:
        settings: see `conf/launcher/slurm_script.yaml`.
    """

    plans = True

    def __init__(self, **settings):
        self.settings = {
            k: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for k, v in settings.items()
        }
        check_settings(self.settings)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader, self.config = hydra_context.config_loader, config

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Returns:
        jobs = plan_jobs(
            self.loader, self.config, job_overrides, initial_job_idx, self.settings["tasks_per_node"]
        )
        waiting = {i: job for i, job in enumerate(jobs, initial_job_idx) if not is_over(job.directory)}
        if waiting:
            path = write_script(Path(self.config.hydra.sweep.dir), waiting, self.settings)
            print(f"{len(waiting)} jobs; to start them: sbatch {quote(str(path))}")
        return job_returns(jobs)
