"""Ctrl-C, kill and a cluster's warnings while a network trains: save at the end of the batch, and leave."""

import time

import pytorch_lightning as pl

from imaging.runs.interrupts import Interrupts
from imaging.training.callbacks.checkpoints import Checkpoints


class SaveWhenAsked(pl.Callback):
    """When a signal or the time limit asks for it, save `last.ckpt` after the step and leave.

    Where a validation follows the step, it is done first: a checkpoint stands for whole steps. Several
    ranks must leave after the same one; they agree on it at the ends of blocks.

    Args:
        interrupts: takes the signals.
        checkpoints: saves.
        time_limit: minutes of training after which to stop, or None.
    """

    def __init__(self, interrupts: Interrupts, checkpoints: Checkpoints, time_limit: float | None = None):
        self.interrupts, self.checkpoints = interrupts, checkpoints
        self.deadline = None if time_limit is None else time.monotonic() + 60 * time_limit

    def on_train_start(self, trainer, task) -> None:
        # Lightning has put its own handler before ours for SIGTERM; that one broadcasts inside the handler.
        self.interrupts.install()
        self.interrupts.deferred = True

    def asked(self) -> bool:
        """Whether a signal has come, or the time is over."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            self.interrupts.asked = self.interrupts.asked or "time limit"
        return self.interrupts.asked is not None

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if not self.checkpoints.validation_follows(trainer):
            self._leave_if_asked(trainer)

    def on_validation_end(self, trainer, task) -> None:
        if self.interrupts.deferred:
            self._leave_if_asked(trainer)

    def _leave_if_asked(self, trainer) -> None:
        asked = self.asked()
        if trainer.world_size > 1:
            asked = trainer.strategy.reduce_boolean_decision(asked, all=False)
        if asked:
            self.checkpoints.save_last(trainer)
            self.interrupts.leave(f"saved after step {trainer.global_step}")

    def on_train_end(self, trainer, task) -> None:
        self.interrupts.deferred = False
        if self.interrupts.asked is not None:
            self.interrupts.leave(f"all {trainer.global_step} steps are saved")
