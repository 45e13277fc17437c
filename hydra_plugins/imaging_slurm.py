"""Hydra's `launcher=slurm` and `launcher=slurm_script`: the jobs of a sweep as a job array of Slurm."""

from collections.abc import Sequence
from pathlib import Path
from shlex import quote

from hydra.core.utils import JobReturn
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

from imaging.runs.status import describe_end, is_over, mark_ended, read_status
from imaging.sweeps import slurm
from imaging.sweeps.jobs import job_returns, plan_jobs
from imaging.sweeps.queue import LOG, last_line
from imaging.sweeps.sbatch import ArrayTask, check_settings, write_script


class Slurm(Launcher):
    """Run each job of a sweep as a task of one job array, from `submit.sh` in the sweep's directory.

    Args:
        wait: submit the script, and wait until all tasks have ended; else only write it.
        settings: see `conf/launcher/slurm.yaml`.
    """

    plans = True

    def __init__(self, wait: bool, **settings):
        self.wait = wait
        self.settings = {
            k: OmegaConf.to_container(v) if OmegaConf.is_config(v) else v for k, v in settings.items()
        }
        check_settings(self.settings)
        if wait:
            slurm.refuse_without_slurm()

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.loader, self.config = hydra_context.config_loader, config
        self.unfinished: list[str] = task_function.unfinished

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[JobReturn]:
        self.wait_for_earlier()
        devices = self.settings["tasks_per_node"]
        jobs = plan_jobs(self.loader, self.config, job_overrides, initial_job_idx, devices)
        waiting = {i: job for i, job in enumerate(jobs, initial_job_idx) if not is_over(job.directory)}

        def ended(index: int, state: str) -> None:
            job = waiting[index]
            reason = f"Slurm reports {state}: {last_line(job.directory / LOG)}"
            if read_status(job.directory)["state"] == "unknown":
                self.unfinished.append(f"{job.name} {describe_end(job.directory)}")
            mark_ended(job.directory, "failed", reason)  # unless the run has written how it ended
            print(f"{job.name}: {describe_end(job.directory)}", flush=True)

        tasks = {i: ArrayTask(job.command, job.directory / LOG) for i, job in waiting.items()}
        self.run(tasks, "job", ended)
        return job_returns(jobs)

    def wait_for_earlier(self) -> None:
        """Wait for a job array of this sweep that was submitted before."""
        sweep = Path(self.config.hydra.sweep.dir)
        if self.wait and (array := slurm.earlier_array(sweep)):
            print(f"job array {array} of this sweep has not ended; waiting for it", flush=True)
            slurm.wait(array, slurm.task_states(array))

    def run(self, tasks: dict[int, ArrayTask], noun: str, ended=lambda index, state: None) -> None:
        """Write the script of some tasks; if this launcher waits, submit it and wait for them.

        Args:
            tasks: tasks by their index in the array.
            noun: what a task is, for the message.
            ended: see `imaging.sweeps.slurm.wait`.
        """
        if not tasks:
            return
        count = f"{len(tasks)} {noun}{'' if len(tasks) == 1 else 's'}"
        path = write_script(Path(self.config.hydra.sweep.dir), tasks, self.settings)
        if not self.wait:
            print(f"{count}; to start them: sbatch {quote(str(path))}")
            return
        array = slurm.submit(path)
        print(f"job array {array}, {count}: squeue -j {array}", flush=True)
        slurm.wait(array, tasks, ended)
