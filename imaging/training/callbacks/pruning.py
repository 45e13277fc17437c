"""The median stopping rule: stop a job of a sweep that is worse than most."""

import statistics
from pathlib import Path

import pytorch_lightning as pl

from imaging.runs.record import SWEEP_RECORD
from imaging.runs.run import Pruned, Run
from imaging.runs.status import read_status


class PruneBelowMedian(pl.Callback):
    """Stop a job if its best validation PSNR is below the median of the other jobs at the same step.

    Golovin et al., "Google Vizier", KDD 2017, section 3.2.2. The PSNR of the others is in their status files,
    so the jobs may run on any machines with one file system.

    Args:
        run: a job of a sweep; other runs are never stopped.
        after: the first step at which a job may be stopped.
        others: the smallest number of other jobs with a validation at the step.

    Raises:
        Pruned: after a validation, the job is to stop.
    """

    def __init__(self, run: Run, after: int, others: int):
        self.run, self.after, self.others = run, after, others

    def on_validation_end(self, trainer, task) -> None:
        step = trainer.global_step
        if trainer.state.fn != "fit" or step < self.after or step >= trainer.max_steps:
            return
        curve = (value for value in self.run.validation.values() if value is not None)
        best = max(curve, default=float("inf"))  # only the first rank has the curve
        values = values_at(step, self.run.directory)
        median = statistics.median(values) if len(values) >= self.others else -float("inf")
        worse = best < median
        if trainer.world_size > 1:
            worse = trainer.strategy.reduce_boolean_decision(worse, all=False)
        if worse:
            raise Pruned(
                f"{best:.2f} dB after {step} steps, the median of {len(values)} others is {median:.2f} dB"
            )


def values_at(step: int, directory: Path) -> list[float]:
    """The validation PSNR in dB of the other jobs of a sweep at `step`; `directory` is the job's own."""
    sweep = directory.absolute().parent
    if not (sweep / SWEEP_RECORD).is_file():
        return []
    others = (path.parent for path in sweep.glob("*/status.json") if path.parent != directory.absolute())
    values = (read_status(other)["validation"].get(str(step)) for other in others)
    return [value for value in values if value is not None]
