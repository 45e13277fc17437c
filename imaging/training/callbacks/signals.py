"""Stop a training after Ctrl-C, kill, a cluster's warning or a time limit, and save it first."""

import time

import pytorch_lightning as pl

from imaging.runs.interrupts import Interrupts
from imaging.training.callbacks.checkpoints import Checkpoints
from imaging.training.lightning import validation_follows


class SaveAndStop(pl.Callback):
    """After a signal or the time limit, save `last.ckpt` after the current step and stop.

    If a validation follows the step, it runs before the checkpoint. Several ranks stop after the same step.

    Args:
        interrupts: receives the signals.
        checkpoints: saves the checkpoint.
        time_limit: minutes of training; None: no limit.
    """

    def __init__(self, interrupts: Interrupts, checkpoints: Checkpoints, time_limit: float | None = None):
        self.interrupts, self.checkpoints = interrupts, checkpoints
        self.deadline = None if time_limit is None else time.monotonic() + 60 * time_limit

    def on_train_start(self, trainer, task) -> None:
        # Again, because Lightning has replaced the handler of SIGTERM by its own, which broadcasts in it.
        self.interrupts.install()
        self.interrupts.deferred = True

    def is_due(self) -> bool:
        """Whether a signal has arrived or the time limit is over."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            self.interrupts.reason = self.interrupts.reason or "time limit"
        return self.interrupts.reason is not None

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if not validation_follows(trainer):
            self._stop_if_due(trainer)

    def on_validation_end(self, trainer, task) -> None:
        if self.interrupts.deferred:
            self._stop_if_due(trainer)

    def _stop_if_due(self, trainer) -> None:
        due = self.is_due()
        if trainer.world_size > 1:
            due = trainer.strategy.reduce_boolean_decision(due, all=False)
        if due:
            self.checkpoints.save_last(trainer)
            self.interrupts.stop(f"saved after step {trainer.global_step}")

    def on_train_end(self, trainer, task) -> None:
        self.interrupts.deferred = False
        if self.interrupts.reason is not None:
            self.interrupts.stop(f"all {trainer.global_step} steps are saved")
