"""The trials of a search, which any number of processes on any machines with one file system may work on."""

import contextlib
import hashlib
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState

from imaging.errors import ImagingError
from imaging.runs.lock import is_locked, lock_file, unlock
from imaging.runs.status import final_psnr, is_over, read_status

JOURNAL, CLAIMS = "search.log", ".claims"  # in the directory of the search
STATES = {
    "COMPLETE": "completed",
    "PRUNED": "pruned",
    "FAIL": "without result",
    "RUNNING": "open",
    "WAITING": "open",
}


def sampler_of(seed: int, number: int, startup: int) -> TPESampler:
    """The sampler of one trial of a search.

    Args:
        seed: of the search.
        number: of the trial. Each has a seed of its own, so that a resumed search does not repeat the first
            draws.
        startup: number of random trials before the estimator is used.
    """
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # constant_liar
    digest = hashlib.blake2b(repr((seed, number)).encode(), digest_size=4).digest()
    return TPESampler(n_startup_trials=startup, seed=int.from_bytes(digest, "little"), constant_liar=True)


def random_trials(space: dict[str, BaseDistribution], numbers: Sequence[int], seed: int) -> list[dict]:
    """The settings of trials if all of them are random, as the first ones of a search are.

    Args:
        space: distributions of the searched settings by key.
        numbers: of the trials.
        seed: of the search.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study, trials = optuna.create_study(direction="maximize"), []
    for number in numbers:
        study.sampler = sampler_of(seed, number, startup=len(numbers) + 1)
        trials.append(study.ask(space).params)
    return trials


class Trials:
    """The trials of a search by the tree-structured Parzen estimator (Bergstra et al., NIPS 2011).

    A trial has the number of its run's directory. The process that works on a trial has a lock on it, which
    ends with the process: another one then goes on with the trial from the run's last checkpoint.

    Args:
        directory: of the search.
        storage: Optuna's URL of a database; None: a journal in the directory.
        space: distributions of the searched settings by key.
        n_trials: total number of trials.
        startup: number of random trials before the estimator is used.
        seed: seed of the search.
        shared: whether other processes work on the trials.

    Raises:
        ImagingError: the storage cannot be opened; `shared` and the file system has no locks.
    """

    def __init__(
        self,
        directory: Path,
        storage: str | None,
        space: dict[str, BaseDistribution],
        n_trials: int,
        startup: int,
        seed: int,
        shared: bool = False,
    ):
        self.directory, self.space, self.shared = directory, space, shared
        self.n_trials, self.startup, self.seed = n_trials, startup, seed
        self.name = storage or str(directory / JOURNAL)
        self.claims: dict[int, int | None] = {}  # handles of this process's locks by number; None: released
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        (directory / CLAIMS).mkdir(parents=True, exist_ok=True)
        try:
            self.study = optuna.create_study(
                study_name="/".join(directory.absolute().parts[-2:]),  # unique also in a database of others
                storage=storage or JournalStorage(JournalFileBackend(str(directory / JOURNAL))),
                direction="maximize",
                load_if_exists=True,
            )
        except Exception as error:  # of Optuna, SQLAlchemy, a database or JSON
            reason = str(error).split("\n")[0][:160]
            raise ImagingError(f"{self.name} cannot be opened as a study: {reason}") from error

    def next(self) -> tuple[int, dict] | None:
        """Claim a trial: one that nobody works on any more, or a new one; none twice.

        Returns:
            its number and settings; None if there is none.
        """
        with self._alone():
            for trial in self.open():
                if self._works(trial.number) or self._failed(trial.number) or not self._claim(trial.number):
                    continue
                run = self._run(trial.number)
                if self.study.trials[trial.number].state.is_finished():
                    self._release(trial.number)  # its process has reported since the trials were listed
                elif run is not None and is_over(run):
                    self.ended(trial.number)  # its process died before it could report
                elif set(trial.params) != set(self.space):
                    self.study.tell(trial.number, state=TrialState.FAIL)  # its process died while it asked
                else:
                    return trial.number, trial.params
            number = len(self.study.trials)
            if number >= self.n_trials or not self._claim(number):
                return None
            self.study.sampler = sampler_of(self.seed, number, self.startup)
            return number, self.study.ask(self.space).params

    def ended(self, number: int) -> None:
        """Report the validations and the outcome of a claimed trial to the study, and release the trial.

        A trial that failed stays open.
        """
        directory, known = self._run(number), self.study.trials[number]
        status = read_status(directory or self.directory)
        trial = Trial(self.study, known._trial_id)
        for step, value in status["validation"].items():
            if value is not None and int(step) not in known.intermediate_values:
                trial.report(value, int(step))
        if directory is not None and is_over(directory):
            psnr = final_psnr(directory)
            if psnr is None:
                self.study.tell(number, state=TrialState.FAIL)
            elif status["state"] == "pruned":
                self.study.tell(number, state=TrialState.PRUNED)
            else:
                self.study.tell(number, psnr)
        self._release(number)

    def open(self) -> list[FrozenTrial]:
        """The trials without an outcome."""
        return self.study.get_trials(deepcopy=False, states=[TrialState.RUNNING])

    def failed(self) -> list[FrozenTrial]:
        """The open trials whose runs have failed; `next` leaves them out until they are queued again."""
        return [trial for trial in self.open() if self._failed(trial.number)]

    def remaining(self) -> int:
        """How many trials are open or not yet begun."""
        return len(self.open()) + max(0, self.n_trials - len(self.study.trials))

    def orphans(self) -> bool:
        """Whether the process of an open trial has died, and the run of the trial is about to end."""
        with self._alone():
            for trial in self.open():
                if trial.number in self.claims or not self._works(trial.number):
                    continue
                if self._claim(trial.number):
                    unlock(self.claims.pop(trial.number))
                    return True
        return False

    def counts(self) -> str:
        """The number of trials in each state, in words."""
        states = [STATES[trial.state.name] for trial in self.study.trials]
        return ", ".join(f"{states.count(name)} {name}" for name in dict.fromkeys(states)) or "no trials yet"

    def best(self) -> FrozenTrial | None:
        """The trial with the highest validation PSNR."""
        completed = self.study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])
        return max(completed, key=lambda trial: trial.value or 0.0, default=None)

    def _run(self, number: int) -> Path | None:
        return next(iter(self.directory.glob(f"{number}-*")), None)

    def _works(self, number: int) -> bool:
        run = self._run(number)
        return run is not None and is_locked(run)

    def _failed(self, number: int) -> bool:
        run = self._run(number)
        return run is not None and read_status(run)["state"] == "failed"

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Context in which no other process chooses a trial."""
        handle = self._lock("all", wait=True)
        try:
            yield
        finally:
            unlock(handle)

    def _claim(self, number: int) -> bool:
        # A second handle of this process's own lock would release it when it is closed.
        if number in self.claims:
            return False
        try:
            self.claims[number] = self._lock(str(number))
        except BlockingIOError:
            return False
        return True

    def _release(self, number: int) -> None:
        unlock(self.claims[number])
        self.claims[number] = None

    def _lock(self, name: str, wait: bool = False) -> int:
        return lock_file(self.directory / CLAIMS / name, wait, required=self.shared)
