"""Checkpoints of plain data and tensors, written whole or not at all."""

import math
import os
import pickle
import sys
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from imaging.errors import ImagingError
from imaging.files import write_atomically

LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"
# What Lightning puts into a checkpoint that a training can go on from.
NEEDED = {"state_dict", "global_step", "optimizer_states", "pytorch-lightning_version"}


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write beside the target, flush, rename; read with `weights_only=True`.

    Lightning's own goes through `$TMPDIR`, and a kill during the copy to another file system can
    leave half a file.
    """

    def save_checkpoint(self, checkpoint, path, storage_options=None) -> None:
        write_atomically(path, lambda file: torch.save(checkpoint, file))

    def load_checkpoint(self, path, map_location=None, weights_only=True):
        return read_checkpoint(path)


class StoreConfig(pl.Callback):
    """Put the run's resolved config, plain data, into each checkpoint: it rebuilds the network alone."""

    def __init__(self, config: dict):
        self.config = config

    def on_save_checkpoint(self, trainer, task, checkpoint) -> None:
        checkpoint["config"] = self.config
        checkpoint.pop("loops", None)  # where a run is, is its step alone


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


def keep(last: Path, previous: Path) -> None:
    """Let `previous` be what `last` is, so that at no moment either is missing."""
    spare = previous.with_name(f".{previous.name}")
    spare.unlink(missing_ok=True)
    try:
        os.link(last, spare)
    except OSError:  # a file system without hard links
        write_atomically(spare, lambda file: file.write(last.read_bytes()))
    os.replace(spare, previous)


def read_checkpoint(path: Path | str) -> dict:
    """A checkpoint's plain data, on the CPU. No code of the file is run.

    Raises:
        ImagingError: no such file, or one that is not a checkpoint, or holds more than plain data.
    """
    if not Path(path).is_file():
        raise ImagingError(f"there is no checkpoint {path}")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        reason = str(error).split("\n")[0][:120]
        raise ImagingError(f"{path} cannot be read as a checkpoint of this project ({reason})") from None


def newest_checkpoint(directory: Path) -> tuple[Path | None, dict]:
    """The newest readable checkpoint of a run's `checkpoints/` and its contents; None, {} before the first.

    Raises:
        ImagingError: there are some, and none can be read.
    """
    errors = []
    for path in (directory / LAST, directory / PREVIOUS):
        if not path.exists():
            continue
        try:
            checkpoint = read_checkpoint(path)
            if not isinstance(checkpoint, dict) or not checkpoint.keys() >= NEEDED:
                raise ImagingError(f"{path} is not a checkpoint of a training")
        except ImagingError as error:
            errors.append(str(error))
            continue
        if errors:
            step = checkpoint["global_step"]
            print(f"{errors[0]}: going on from {path.name}, step {step}", file=sys.stderr, flush=True)
        return path, checkpoint
    if errors:
        raise ImagingError(f"{'; '.join(errors)}: delete {directory} to start this run anew")
    return None, {}


def find_checkpoint(run: Path | str) -> Path:
    """The checkpoint that stands for a run: the file itself, or `checkpoints/last.ckpt` of a directory.

    Raises:
        ImagingError: neither is there.
    """
    run = Path(run)
    if run.is_file():
        return run
    if not run.is_dir():
        raise ImagingError(f"there is no run directory or checkpoint {run}")
    path = run / "checkpoints" / LAST
    if not path.is_file():
        raise ImagingError(
            f"{run} has no checkpoint: {path} is not there; either it has not saved one yet, or it is no run"
        )
    return path
