"""Hydra's `sweep=search`: search hyper-parameters with Optuna for the highest validation PSNR."""

import sys
import time
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from imaging.errors import ImagingError
from imaging.places import command_line
from imaging.runs.names import quoted
from imaging.runs.overrides import run_overrides, sweep_overrides
from imaging.runs.status import STATUS, is_over
from imaging.sweeps.jobs import Job, plan_jobs
from imaging.sweeps.sbatch import ArrayTask, check_workers

LAUNCHER = ("launcher=", "hydra.launcher.")


class Search(Sweeper):
    """Search for the best settings, one trial per job; see `imaging.sweeps.search`.

    `resume=` goes on with the open trials and starts new ones up to `n_trials`. Unlike the plugin
    hydra-optuna-sweeper, it resumes, works with current versions of Optuna, starts a trial as soon as one
    slot is free, and runs as any number of processes.

    Args:
        n_trials: total number of trials, including pruned ones. A failed trial stays open; `resume=` runs it
            again.
        startup: number of random trials before the estimator is used.
        seed: seed of the search.
        params: Hydra's sweep syntax by key: choice(…), glob(…), range(…), interval(…),
            tag(log, interval(…)), or a value for all trials.
        storage: Optuna's URL of a database; None: a journal in the sweep's directory.
        worker: work on the trials of a search that another process has started, given by `resume=`.
    """

    def __init__(
        self,
        n_trials: int,
        startup: int,
        seed: int,
        params: DictConfig,
        storage: str | None = None,
        worker: bool = False,
    ):
        self.n_trials, self.startup, self.seed, self.params = n_trials, startup, seed, params
        self.storage, self.worker = storage, worker

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.loader = config, hydra_context.config_loader
        self.unfinished: list[str] = task_function.unfinished
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        # Here, because Hydra loads each of its plugins again after this one.
        from hydra_plugins.imaging_dry import DryLauncher
        from hydra_plugins.imaging_queue import QueueLauncher
        from hydra_plugins.imaging_slurm import Slurm

        try:
            from imaging.sweeps.search import Trials, random_trials
        except ImportError:
            raise ImagingError("sweep=search needs Optuna: pip install -r requirements-search.txt") from None
        self.fixed, self.space = self._parse(arguments)
        self.directory = Path(self.config.hydra.sweep.dir).absolute()
        if isinstance(self.launcher, DryLauncher):
            known = [path.parent for path in self.launcher.directory.glob(f"*/{STATUS}")]
            left = max(0, self.n_trials - sum(map(is_over, known)))
            drawn = random_trials(self.space, range(len(known), len(known) + left), self.seed)
            self.launcher.launch([self._overrides(params) for params in drawn], len(known))
            return
        on_slurm = isinstance(self.launcher, Slurm)
        if on_slurm and self.worker:
            raise ImagingError(
                "a worker works on this machine: leave launcher=slurm and the settings hydra.launcher.… out"
            )
        if on_slurm:
            self.launcher.wait_for_earlier()
        self.trials = Trials(
            self.directory,
            self.storage,
            self.space,
            self.n_trials,
            self.startup,
            self.seed,
            shared=self.worker or on_slurm,
        )
        if not self.worker:
            for trial in self.trials.failed():
                self._plan(trial.number, trial.params)  # which queues it again
        if on_slurm:
            self._submit_workers()
        elif isinstance(self.launcher, QueueLauncher):
            self._stream()
        else:
            while (trial := self.trials.next()) is not None:
                number, params = trial
                self.launcher.launch([self._overrides(params)], initial_job_idx=number)
                self.trials.ended(number)
        try:
            self._print_best()
        except OSError as error:  # its directory is gone
            raise ImagingError(f"{self.trials.name} cannot be read: {error.strerror}") from error

    def _parse(self, arguments: list[str]) -> tuple[list[str], dict]:
        """The overrides common to all trials, and the distributions of the other settings by key."""
        words = [f"{key}={value}" for key, value in self.params.items()] + arguments
        parsed = OverridesParser.create(self.loader).parse_overrides(words)  # which lists the names of a glob
        last = {override.get_key_element(): override for override in parsed}
        space = {key: distribution(o) for key, o in last.items() if o.is_sweep_override()}
        if not space:
            raise ImagingError("sweep=search has nothing to search: set a key to interval(…) or choice(…)")
        return [o.input_line for o in last.values() if not o.is_sweep_override()], space

    def _overrides(self, params: dict) -> list[str]:
        return [*self.fixed, *(f"{key}={value}" for key, value in params.items())]

    def _plan(self, number: int, params: dict) -> Job:
        (job,) = plan_jobs(self.loader, self.config, [self._overrides(params)], number)
        return job

    def _stream(self) -> None:
        numbers = {}

        def next_job() -> Job | None:
            trial = self.trials.next()
            if trial is None:
                return None
            job = self._plan(*trial)
            numbers[job.directory] = trial[0]
            return job

        while True:
            self.launcher.stream(
                next_job, lambda job: self.trials.ended(numbers[job.directory]), self.n_trials
            )
            if not self.trials.orphans():
                return
            time.sleep(1)

    def _submit_workers(self) -> None:
        """Run a job array, each task of which works on trials until there are no more."""
        settings = self.launcher.settings
        count = min(settings["array_parallelism"], self.trials.remaining())
        check_workers(settings)
        words = [
            *(w for w in sweep_overrides(self.config) if not w.lstrip("+~").startswith(LAUNCHER)),
            "launcher=queue",
            f"hydra.launcher.jobs_per_gpu={settings['jobs_per_gpu']}",
            "hydra.sweeper.worker=true",
            f"resume={quoted(str(self.directory))}",
        ]
        command = (sys.executable, str(Path(sys.argv[0]).absolute()), "-m", *words)
        logs = self.directory / "workers"
        logs.mkdir(exist_ok=True)
        tasks = {i: ArrayTask(command, logs / f"{i}.log") for i in range(count)}
        states: dict[int, str] = {}
        self.launcher.run(tasks, "worker", states.__setitem__)
        if states and (left := self.trials.remaining()):
            ends = ", ".join(f"{i} {state}" for i, state in sorted(states.items()) if state != "COMPLETED")
            told = f"{left} of {self.n_trials} trials" + (f" (workers: {ends}; see {logs})" if ends else "")
            self.unfinished.append(told)

    def _print_best(self) -> None:
        print(f"\nsearch   {self.trials.counts()}; {self.trials.name}")
        best = self.trials.best()
        if best is not None:
            words = [w for w in run_overrides(self._overrides(best.params)) if not w.startswith("sweep=")]
            print(f"best     {best.value:.2f} dB, trial {best.number}: {command_line('train', *words)}")


def distribution(override: Override):
    """Optuna's distribution for one of Hydra's sweeps: a choice or glob, a range, or an interval."""
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    if override.is_choice_sweep():
        return CategoricalDistribution(list(override.sweep_iterator(transformer=Transformer.encode)))
    if override.is_range_sweep():
        if all(isinstance(v, int) for v in (value.start, value.stop, value.step)):
            # Hydra excludes the end of a range, Optuna includes it.
            values = range(value.start, value.stop, value.step)
            if not values:
                raise ImagingError(f"{override.input_line} has no value; expected range(start,stop,step)")
            low, high = sorted((values[0], values[-1]))
            return IntDistribution(low, high, step=abs(value.step))
        return CategoricalDistribution(list(override.sweep_iterator(transformer=Transformer.identity)))
    log = "log" in value.tags
    if isinstance(value.start, int) and isinstance(value.end, int):
        return IntDistribution(value.start, value.end, log=log)
    return FloatDistribution(value.start, value.end, log=log)
