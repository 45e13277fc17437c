"""Stop a job of a sweep that is worse than most: the median stopping rule."""

import statistics
from pathlib import Path

import pytorch_lightning as pl

from imaging.runs.record import SWEEP_RECORD
from imaging.runs.run import Pruned, Run
from imaging.runs.status import read_status


class PruneBelowMedian(pl.Callback):
    """After a validation, stop if the best so far is below the median of the other jobs at the same step.

    Golovin et al., "Google Vizier", KDD 2017, section 3.2.2. The others are read from their status files, so
    that it works wherever the jobs run.

    Args:
        run: a job of a sweep; other runs are never stopped.
        after: steps before which nothing is stopped.
        others: how many other jobs must have been validated at that step.
    """

    def __init__(self, run: Run, after: int, others: int):
        self.run, self.after, self.others = run, after, others

    def on_validation_end(self, trainer, task) -> None:
        step = trainer.global_step
        if trainer.state.fn != "fit" or step < self.after or step >= trainer.max_steps:
            return
        curve = (value for value in self.run.validation.values() if value is not None)
        best = max(curve, default=float("inf"))  # the first rank's: others keep none
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
    """Validation PSNR in dB after `step` steps of the other jobs of a job's sweep."""
    sweep = directory.absolute().parent
    if not (sweep / SWEEP_RECORD).is_file():
        return []
    others = (path.parent for path in sweep.glob("*/status.json") if path.parent != directory.absolute())
    values = (read_status(other)["validation"].get(str(step)) for other in others)
    return [value for value in values if value is not None]
