"""When a training saves: the last checkpoint, the one before it, and the best."""

import math
from pathlib import Path

import pytorch_lightning as pl

from imaging.runs.checkpoints import BEST, LAST, PREVIOUS, keep
from imaging.training.lightning import drop_loops, go_to


class PlainCheckpoints(pl.Callback):
    """Put the run's resolved config, plain data, into each checkpoint, and take out the state of the loops.

    The config rebuilds the network; the step says where the run is.
    """

    def __init__(self, config: dict):
        self.config = config

    def on_save_checkpoint(self, trainer, task, checkpoint) -> None:
        checkpoint["config"] = self.config
        drop_loops(checkpoint)

    def on_load_checkpoint(self, trainer, task, checkpoint) -> None:
        """Go on at the checkpoint's step: the data are a function of it, not of what a loop remembers."""
        drop_loops(checkpoint)
        step = checkpoint["global_step"]
        go_to(trainer, step, step // trainer.datamodule.steps_per_epoch(trainer.world_size))


class Checkpoints(pl.Callback):
    """`last.ckpt` every so many steps and at the end, `best.ckpt` by validation PSNR.

    Lightning's `ModelCheckpoint` renews its "last" only when its "best" changes, unless there are two of
    them. Here the last but one is kept too, as `previous.ckpt`, should a disk spoil the newest.
    """

    def __init__(self, directory: Path, every_n_steps: int):
        self.directory, self.every_n_steps = directory, every_n_steps
        self.best = -math.inf
        self.saved = -1  # the step of last.ckpt
        self.intact = True  # last.ckpt, if there is one; else `previous` is the only one left

    def save_last(self, trainer) -> None:
        """Renew `last.ckpt`, after all curves up to this step are in their files."""
        if trainer.global_step == self.saved:
            return
        for logger in trainer.loggers:
            logger.save()
        last, previous = self.directory / LAST, self.directory / PREVIOUS
        if last.exists() and self.intact and trainer.is_global_zero:
            keep(last, previous)
        trainer.save_checkpoint(last)
        self.saved, self.intact = trainer.global_step, True

    def validation_follows(self, trainer) -> bool:
        """Whether the batch that has ended is one after which there is a validation."""
        return trainer.global_step % trainer.val_check_interval == 0 and sum(trainer.num_val_batches) > 0

    def on_train_start(self, trainer, task) -> None:
        self.saved = trainer.global_step  # of this step there is a checkpoint already, or it is the start

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        # A checkpoint between a step and its validation would be resumed without that validation.
        if trainer.global_step % self.every_n_steps == 0 and not self.validation_follows(trainer):
            self.save_last(trainer)

    def on_train_end(self, trainer, task) -> None:
        self.save_last(trainer)

    def on_validation_end(self, trainer, task) -> None:
        value = float(trainer.callback_metrics.get("val/psnr", -math.inf))
        if value > self.best:
            self.best = value
            trainer.save_checkpoint(self.directory / BEST)
        if trainer.state.fn == "fit" and trainer.global_step % self.every_n_steps == 0:
            self.save_last(trainer)

    def state_dict(self) -> dict:
        return {"best": self.best}

    def load_state_dict(self, state: dict) -> None:
        self.best = state["best"]
