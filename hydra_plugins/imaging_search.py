"""Hydra's `sweep=search`: search hyper-parameters with Optuna for the highest validation PSNR."""

import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig

from imaging.errors import ImagingError
from imaging.places import command_line
from imaging.runs.overrides import run_overrides
from imaging.runs.status import final_psnr, is_over, read_status
from imaging.sweeps.jobs import plan_jobs

DATABASE = "search.db"
STATES = {
    "COMPLETE": "completed",
    "PRUNED": "pruned",
    "FAIL": "without result",
    "RUNNING": "open",
    "WAITING": "open",
}


class Search(Sweeper):
    """Search with the tree-structured Parzen estimator (Bergstra et al., NIPS 2011), one trial per job.

    A trial has the number of its job, a directory and a row in the database. `resume=` continues the trials
    that were running and starts new ones up to `n_trials`. Unlike the plugin hydra-optuna-sweeper, it
    resumes, works with current versions of Optuna, and starts a trial as soon as one slot is free.

    Args:
        n_trials: total number of trials, including pruned ones. A failed trial stays open; `resume=` runs it
            again.
        startup: number of random trials before the estimator is used.
        seed: seed of the search.
        params: Hydra's sweep syntax by key: choice(…), glob(…), range(…), interval(…),
            tag(log, interval(…)), or a value for all trials.
    """

    def __init__(self, n_trials: int, startup: int, seed: int, params: DictConfig):
        self.n_trials, self.startup, self.seed, self.params = n_trials, startup, seed, params

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.config, self.loader = config, hydra_context.config_loader
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> None:
        try:
            import optuna
        except ImportError:
            raise ImagingError("sweep=search needs Optuna: pip install -r requirements-cluster.txt") from None
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.fixed, self.space = self._parse(arguments)
        self.directory = Path(self.config.hydra.sweep.dir)
        path = self.directory / DATABASE
        try:
            self.study = optuna.create_study(
                study_name="search", storage=f"sqlite:///{path}", direction="maximize", load_if_exists=True
            )
        except Exception as error:  # of Optuna, SQLAlchemy or SQLite
            reason = str(error).split("\n")[0][:160]
            raise ImagingError(f"{path} cannot be opened as a study ({reason}); start a new sweep") from error
        trials = self._trials()
        if hasattr(self.launcher, "stream"):
            self._stream(trials)
        else:
            for number, overrides in trials:
                self.launcher.launch([overrides], initial_job_idx=number)
                self._report(number)
        self._print_best()

    def _parse(self, arguments: list[str]) -> tuple[list[str], dict]:
        """The overrides common to all trials, and the distributions of the other settings by key."""
        words = [f"{key}={value}" for key, value in self.params.items()] + arguments
        parsed = OverridesParser.create(self.loader).parse_overrides(words)  # which lists the names of a glob
        last = {override.get_key_element(): override for override in parsed}
        space = {key: distribution(o) for key, o in last.items() if o.is_sweep_override()}
        if not space:
            raise ImagingError("sweep=search has nothing to search: set a key to interval(…) or choice(…)")
        return [o.input_line for o in last.values() if not o.is_sweep_override()], space

    def _trials(self) -> Iterator[tuple[int, list[str]]]:
        """Numbers and overrides, first of the trials of an interrupted search, then of new ones."""
        import optuna

        for trial in self.study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            yield trial.number, self._overrides(trial.params)
        while len(self.study.trials) < self.n_trials:
            number = len(self.study.trials)
            # One seed per trial, so that a resumed search does not repeat the first draws.
            digest = hashlib.blake2b(repr((self.seed, number)).encode(), digest_size=4).digest()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # constant_liar
                self.study.sampler = optuna.samplers.TPESampler(
                    n_startup_trials=self.startup, seed=int.from_bytes(digest, "little"), constant_liar=True
                )
            trial = self.study.ask(self.space)
            yield trial.number, self._overrides(trial.params)

    def _overrides(self, params: dict) -> list[str]:
        return [*self.fixed, *(f"{key}={value}" for key, value in params.items())]

    def _stream(self, trials: Iterator) -> None:
        numbers = {}

        def next_job():
            number, overrides = next(trials, (None, None))
            if number is None:
                return None
            (job,) = plan_jobs(self.loader, self.config, [overrides], number)
            numbers[job.directory] = number
            return job

        self.launcher.stream(next_job, lambda job: self._report(numbers[job.directory]), self.n_trials)

    def _report(self, number: int) -> None:
        """Report the validations and the outcome of a trial to the study, as its directory has them."""
        from optuna.trial import Trial, TrialState

        directory = next(iter(self.directory.glob(f"{number}-*")), None)
        status = read_status(directory or self.directory)
        trial = Trial(self.study, self.study.trials[number]._trial_id)
        reported = self.study.trials[number].intermediate_values
        for step, value in status["validation"].items():
            if value is not None and int(step) not in reported:
                trial.report(value, int(step))
        if directory is None or not is_over(directory):
            return  # failed: the trial stays open, and resume= runs it again
        if final_psnr(directory) is None:
            self.study.tell(number, state=TrialState.FAIL)
        elif status["state"] == "pruned":
            self.study.tell(number, state=TrialState.PRUNED)
        else:
            self.study.tell(number, final_psnr(directory))

    def _print_best(self) -> None:
        from optuna.trial import TrialState

        completed = self.study.get_trials(states=[TrialState.COMPLETE])
        states = [STATES[trial.state.name] for trial in self.study.trials]
        counts = ", ".join(f"{states.count(name)} {name}" for name in dict.fromkeys(states))
        print(f"\nsearch   {counts}; {self.directory / DATABASE}")
        if completed:
            best = self.study.best_trial
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
            last = value.start + (value.stop - 1 - value.start) // value.step * value.step
            return IntDistribution(value.start, last, step=value.step)
        return CategoricalDistribution(list(override.sweep_iterator(transformer=Transformer.identity)))
    log = "log" in value.tags
    if isinstance(value.start, int) and isinstance(value.end, int):
        return IntDistribution(value.start, value.end, log=log)
    return FloatDistribution(value.start, value.end, log=log)
