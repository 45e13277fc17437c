"""Hydra's `sweep=search`: hyper-parameters by Optuna, for the highest validation PSNR."""

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
from imaging.runs.overrides import passed
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
    """Tree-structured Parzen estimator (Bergstra et al., NIPS 2011), one trial a job.

    A trial is a job's number, its directory and its row in the database. With `resume=` the trials that were
    running go on, and there are `n_trials` in the end. Unlike the plugin hydra-optuna-sweeper it resumes, is
    for current Optuna, and starts a trial when a slot is free, not when a whole batch is.

    Args:
        n_trials: in all, pruned ones too. One that fails stays open, and is run again by `resume=`.
        startup: random trials before the estimator is used.
        seed: of the search.
        params: Hydra's sweep syntax by key: choice(…), range(…), interval(…), tag(log, interval(…)), or a
            value that all have.
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
            raise ImagingError(f"{path} cannot be opened as a study ({reason}); start anew") from error
        trials = self._trials()
        if hasattr(self.launcher, "stream"):
            self._stream(trials)
        else:
            for number, overrides in trials:
                self.launcher.launch([overrides], initial_job_idx=number)
                self._tell(number)
        self._print_best()

    def _parse(self, arguments: list[str]) -> tuple[list[str], dict]:
        """The overrides that all trials have, and the distributions of the others by key."""
        asked = [f"{key}={value}" for key, value in self.params.items()] + arguments
        parsed = OverridesParser.create().parse_overrides(asked)
        last = {override.get_key_element(): override for override in parsed}
        space = {key: distribution(o) for key, o in last.items() if o.is_sweep_override()}
        if not space:
            raise ImagingError("sweep=search has nothing to search: give a key as interval(…) or choice(…)")
        return [o.input_line for o in last.values() if not o.is_sweep_override()], space

    def _trials(self) -> Iterator[tuple[int, list[str]]]:
        """Numbers and overrides: first of those that ran when the search was cut, then of new ones."""
        import optuna

        for trial in self.study.get_trials(states=[optuna.trial.TrialState.RUNNING]):
            yield trial.number, self._overrides(trial.params)
        while len(self.study.trials) < self.n_trials:
            number = len(self.study.trials)
            # Seeded anew for each trial, so that a resumed search does not draw the first ones again.
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

        self.launcher.stream(next_job, lambda job: self._tell(numbers[job.directory]), self.n_trials)

    def _tell(self, number: int) -> None:
        """Hand the outcome of a trial to the study, from its directory; each validation too, once."""
        from optuna.trial import Trial, TrialState

        directory = next(iter(self.directory.glob(f"{number}-*")), None)
        status = read_status(directory or self.directory)
        trial = Trial(self.study, self.study.trials[number]._trial_id)
        known = self.study.trials[number].intermediate_values
        for step, value in status["validation"].items():
            if value is not None and int(step) not in known:
                trial.report(value, int(step))
        if directory is None or not is_over(directory):
            return  # failed: the trial stays open, and resume= runs it again
        if final_psnr(directory) is None:
            self.study.tell(number, state=TrialState.FAIL)  # no validation, or not a number
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
            words = [w for w in passed(self._overrides(best.params)) if not w.startswith("sweep=")]
            print(f"best     {best.value:.2f} dB, trial {best.number}: {command_line('train', *words)}")


def distribution(override: Override):
    """What Optuna draws from, for one of Hydra's sweeps.

    Raises:
        ImagingError: a sweep that is none of choice, range and interval.
    """
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    value = override.value()
    if override.is_choice_sweep():
        return CategoricalDistribution(list(override.sweep_iterator(transformer=Transformer.encode)))
    if override.is_range_sweep():
        if all(isinstance(v, int) for v in (value.start, value.stop, value.step)):
            last = (
                value.start + (value.stop - 1 - value.start) // value.step * value.step
            )  # the end is exclusive
            return IntDistribution(value.start, last, step=value.step)
        return CategoricalDistribution(list(override.sweep_iterator(transformer=Transformer.identity)))
    if override.is_interval_sweep():
        log = "log" in value.tags
        if isinstance(value.start, int) and isinstance(value.end, int):
            return IntDistribution(value.start, value.end, log=log)
        return FloatDistribution(value.start, value.end, log=log)
    raise ImagingError(
        f"sweep=search cannot draw from '{override.input_line}'; expected choice, range, interval"
    )
