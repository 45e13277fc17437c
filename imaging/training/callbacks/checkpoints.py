"""Checkpoints of a training: the last, the one before it, and the best."""

import math
import time
from pathlib import Path

import pytorch_lightning as pl
import torch

from imaging.errors import ImagingError
from imaging.quality import validation_value
from imaging.runs.checkpoints import BEST, LAST, PREVIOUS, keep
from imaging.tasks.reconstruction import Reconstruction
from imaging.training.lightning import drop_loops, go_to, validation_follows
from imaging.training.strategies import EveryStep


def check_finite(task: Reconstruction) -> None:
    """Check the weights before they replace the last good ones; the loss is checked only at the logged steps.

    Raises:
        ImagingError: a weight is not finite.
    """
    finite = [torch.isfinite(parameter).all() for parameter in task.parameters()]
    if finite and not torch.stack(finite).all():
        raise ImagingError(
            "the weights are not finite: choose a lower optimizer.lr "
            f"(it is {task.optimizer_config.get('lr')}), or set trainer.gradient_clip_val"
        )


class PlainCheckpoints(pl.Callback):
    """Add the run's resolved config, plain data, to each checkpoint, and remove the state of the loops.

    The config is for building the network; the position of the run depends only on the step.
    """

    def __init__(self, config: dict):
        self.config = config

    def on_save_checkpoint(self, trainer, task, checkpoint) -> None:
        checkpoint["config"] = self.config
        drop_loops(checkpoint)

    def on_load_checkpoint(self, trainer, task, checkpoint) -> None:
        """Resume at the checkpoint's step; the data depend on it, not on the state of the loops."""
        drop_loops(checkpoint)
        step = checkpoint["global_step"]
        go_to(trainer, step, step // trainer.datamodule.steps_per_epoch(trainer.world_size))


class Checkpoints(EveryStep):
    """Save `last.ckpt` every so many steps or seconds and at the end, and `best.ckpt` by the PSNR, or
    expected PSNR, of the validation.

    The last checkpoint but one is `previous.ckpt`, in case the newest is damaged. Lightning's
    `ModelCheckpoint` saves its "last" only when its "best" changes.

    Args:
        directory: of the checkpoints.
        every_n_steps: number of steps.
        every_seconds: seconds from one checkpoint to the next; several ranks, which must save together, look
            at the end of a block. None: only the steps count.
    """

    def __init__(self, directory: Path, every_n_steps: int, every_seconds: float | None = None):
        self.directory, self.every_n_steps, self.every_seconds = directory, every_n_steps, every_seconds
        self.saved_at = time.monotonic()
        self.best = -math.inf
        self.last_step = -1  # the step of last.ckpt
        self.intact = True  # whether last.ckpt is readable; if not, keep previous.ckpt

    def save_last(self, trainer) -> None:
        """Save `last.ckpt`, after flushing the curves up to this step to their files."""
        if trainer.global_step == self.last_step:
            return
        check_finite(trainer.lightning_module)
        for logger in trainer.loggers:
            logger.save()
        last, previous = self.directory / LAST, self.directory / PREVIOUS
        if last.exists() and self.intact and trainer.is_global_zero:
            keep(last, previous)
        trainer.save_checkpoint(last)
        self.last_step, self.intact, self.saved_at = trainer.global_step, True, time.monotonic()

    def on_train_start(self, trainer, task) -> None:
        self.last_step = trainer.global_step  # it has a checkpoint, or is the start of the run
        self.saved_at = time.monotonic()

    def _is_time(self) -> bool:
        return self.every_seconds is not None and time.monotonic() > self.saved_at + self.every_seconds

    def after_step(self, trainer, task, outputs) -> None:
        # Resuming from a checkpoint between a step and its validation would skip the validation.
        if self._is_time() and trainer.world_size == 1 and not validation_follows(trainer):
            self.save_last(trainer)

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        due = trainer.global_step % self.every_n_steps == 0
        if self.every_seconds is not None and trainer.world_size > 1:
            due |= trainer.strategy.reduce_boolean_decision(self._is_time(), all=False)
        if due and not validation_follows(trainer):
            self.save_last(trainer)

    def on_train_end(self, trainer, task) -> None:
        self.save_last(trainer)

    def on_validation_end(self, trainer, task) -> None:
        check_finite(task)
        value = validation_value(trainer.callback_metrics)
        if value is not None and float(value) > self.best:
            self.best = float(value)
            trainer.save_checkpoint(self.directory / BEST)
        if trainer.state.fn == "fit" and trainer.global_step % self.every_n_steps == 0:
            self.save_last(trainer)

    def state_dict(self) -> dict:
        return {"best": self.best}

    def load_state_dict(self, state: dict) -> None:
        self.best = state["best"]
