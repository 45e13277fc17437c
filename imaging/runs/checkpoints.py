"""Checkpoints of plain data and tensors, written whole or not at all."""

import math
import os
import pickle
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from imaging.errors import ImagingError
from imaging.files import write_atomically


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


class Checkpoints(pl.Callback):
    """`last.ckpt` every so many steps and at the end, `best.ckpt` by validation PSNR.

    Lightning's `ModelCheckpoint` renews its "last" only when its "best" changes, unless there are two of
    them. Here the last but one is kept too, as `previous.ckpt`, should a disk spoil the newest.
    """

    def __init__(self, directory: Path, every_n_steps: int):
        self.directory, self.every_n_steps = directory, every_n_steps
        self.best = -math.inf

    def save_last(self, trainer) -> None:
        last, previous = self.directory / "last.ckpt", self.directory / "previous.ckpt"
        if last.exists() and trainer.is_global_zero:
            # A second name for the file, so that at no moment there is no last.ckpt.
            spare = self.directory / ".previous.ckpt"
            spare.unlink(missing_ok=True)
            os.link(last, spare)
            os.replace(spare, previous)
        trainer.save_checkpoint(last)

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if trainer.global_step % self.every_n_steps == 0:
            self.save_last(trainer)

    def on_train_end(self, trainer, task) -> None:
        self.save_last(trainer)

    def on_validation_end(self, trainer, task) -> None:
        value = float(trainer.callback_metrics.get("val/psnr", -math.inf))
        if not trainer.sanity_checking and value > self.best:
            self.best = value
            trainer.save_checkpoint(self.directory / "best.ckpt")

    def state_dict(self) -> dict:
        return {"best": self.best}

    def load_state_dict(self, state: dict) -> None:
        self.best = state["best"]


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
    path = run / "checkpoints" / "last.ckpt"
    if not path.is_file():
        raise ImagingError(
            f"{run} has no checkpoint: {path} is not there; either it has not saved one yet, or it is no run"
        )
    return path
