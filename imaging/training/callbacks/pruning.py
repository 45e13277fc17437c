"""Stop the jobs of a sweep that are worse than others at the same step."""

import math
import statistics
from abc import ABC, abstractmethod
from pathlib import Path

import pytorch_lightning as pl

from imaging.runs.record import SWEEP_RECORD
from imaging.runs.run import Pruned, Run
from imaging.runs.status import read_status
from imaging.training.settings import TrainerSettings


class Pruning(pl.Callback, ABC):
    """Stop a job after a validation if a rule says so.

    The PSNR of the others is in their status files, so the jobs may run on any machines with one file system,
    and none waits for another.

    Args:
        run: a job of a sweep; other runs are never stopped.
        after: the first step at which a job may be stopped.

    Raises:
        Pruned: after a validation, the job is to stop.
    """

    def __init__(self, run: Run, after: int):
        self.run, self.after = run, after

    @abstractmethod
    def reason(self, step: int) -> str | None:
        """Why the job is to stop after the validation at `step`, `after` or later; None: it is not to."""

    def on_validation_end(self, trainer, task) -> None:
        step = trainer.global_step
        if trainer.state.fn != "fit" or step < self.after or step >= trainer.max_steps:
            return
        reason = self.reason(step) if self.run.validation else None  # only the first rank has the curve
        stops = reason is not None
        if trainer.world_size > 1:
            stops = trainer.strategy.reduce_boolean_decision(stops, all=False)
        if stops:
            raise Pruned(reason or "as the first rank")


def values_at(step: int, directory: Path) -> list[float]:
    """The validation PSNR in dB of the other jobs of a sweep at `step`; `directory` is the job's own."""
    sweep = directory.absolute().parent
    if not (sweep / SWEEP_RECORD).is_file():
        return []
    others = (path.parent for path in sweep.glob("*/status.json") if path.parent != directory.absolute())
    values = (read_status(other)["validation"].get(str(step)) for other in others)
    return [value for value in values if value is not None]


class PruneBelowMedian(Pruning):
    """Stop a job if its best validation PSNR is below the median of the other jobs at the same step.

    Golovin et al., "Google Vizier", KDD 2017, section 3.2.2.

    Args:
        run, after: see `Pruning`.
        others: the smallest number of other jobs with a validation at the step.
    """

    def __init__(self, run: Run, after: int, others: int):
        super().__init__(run, after)
        self.others = others

    def reason(self, step: int) -> str | None:
        best = max((v for v in self.run.validation.values() if v is not None), default=-math.inf)
        values = values_at(step, self.run.directory)
        if len(values) < self.others or best >= (median := statistics.median(values)):
            return None
        return f"{best:.2f} dB after {step} steps, the median of {len(values)} others is {median:.2f} dB"


class SuccessiveHalving(Pruning):
    """Stop a job unless it is among the best third of the jobs that have come as far.

    Asynchronous successive halving: Li et al., "A system for massively parallel hyperparameter tuning", MLSys
    2020, in its form without waiting. It looks at the first validation from each of the steps `after`,
    3 · `after`, 9 · `after`, … on; the first jobs to come there go on, since there is nothing to compare.

    Args:
        run, after: see `Pruning`.
    """

    FACTOR = 3

    def reason(self, step: int) -> str | None:
        earlier = [int(key) for key in self.run.validation if self.after <= int(key) < step]
        rung = self.after
        while any(before >= rung for before in earlier):  # also of a run that was resumed
            rung *= self.FACTOR
        if step < rung:
            return None
        own = self.run.validation[str(step)]
        if own is None or math.isnan(own):
            own = -math.inf
        others = values_at(step, self.run.directory)
        better, kept = sum(value > own for value in others), max(1, (len(others) + 1) // self.FACTOR)
        if better < kept:
            return None
        return f"{own:.2f} dB after {step} steps, {better} of {len(others)} others are better"


def pruning(run: Run, settings: TrainerSettings) -> list[pl.Callback]:
    """The callback that the settings `prune_…` ask for, or none."""
    if settings.prune_after is None:
        return []
    if settings.prune_rule == "halving":
        return [SuccessiveHalving(run, settings.prune_after)]
    return [PruneBelowMedian(run, settings.prune_after, settings.prune_others)]
