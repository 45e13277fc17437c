"""Checkpoint files of plain data and tensors, written whole or not at all."""

import os
import pickle
import sys
from pathlib import Path

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
