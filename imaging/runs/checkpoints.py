"""Checkpoint files of plain data and tensors, written atomically."""

import os
import re
import sys
import zipfile
from pathlib import Path

import torch
from pytorch_lightning.plugins.io import TorchCheckpointIO

from imaging.errors import ImagingError
from imaging.files import check_regular, write_atomically

LAST, PREVIOUS, BEST = "last.ckpt", "previous.ckpt", "best.ckpt"
# Keys of a checkpoint from which Lightning can resume a training.
NEEDED = {"state_dict", "global_step", "optimizer_states", "pytorch-lightning_version"}
UNTRAINED = {"state_dict", "config"}  # keys of that of a method that is not trained


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write a temporary file beside the target and rename it; read with `weights_only=True`.

    Lightning's class writes to `$TMPDIR`. If it is killed while it copies the file to another file system, it
    leaves half a checkpoint.
    """

    def save_checkpoint(self, checkpoint, path, storage_options=None) -> None:
        write_atomically(path, lambda file: torch.save(checkpoint, file))

    def load_checkpoint(self, path, map_location=None, weights_only=True):
        return read_checkpoint(path)


def keep(last: Path, previous: Path) -> None:
    """Copy `last` to `previous` so that both files exist at every moment."""
    temporary = previous.with_name(f".{previous.name}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(last, temporary)
    except OSError:  # a file system without hard links
        write_atomically(temporary, lambda file: file.write(last.read_bytes()))
    os.replace(temporary, previous)


def kept_checkpoint(directory: Path, step: int) -> Path:
    """The path of the checkpoint of a step that the ledger keeps."""
    return directory / f"step-{step:08d}.ckpt"


def kept_checkpoints(directory: Path) -> dict[int, Path]:
    """The checkpoints in a run's `checkpoints/` that the ledger keeps, by step, in this order."""
    names = (
        (re.fullmatch(r"step-([0-9]{8,15})\.ckpt", path.name), path) for path in directory.glob("step-*.ckpt")
    )
    return dict(sorted((int(match[1]), path) for match, path in names if match))


def read_checkpoint(path: Path | str) -> dict:
    """Read a checkpoint to the CPU without running code from the file.

    Raises:
        ImagingError: there is no such file, it is damaged or not a checkpoint, it holds more than plain data,
            or its weights are not finite.
    """
    check_regular(path)
    if not Path(path).is_file():
        raise ImagingError(f"there is no checkpoint {path}")
    try:
        with zipfile.ZipFile(path) as archive:  # whose checksums torch does not compare
            if (damaged := archive.testzip()) is not None:
                raise ValueError(f"{damaged} in it is damaged")
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can raise any, of zipfile, zlib, pickle or torch
        reason = (str(error) or type(error).__name__).split("\n")[0][:120]
        if "Weights only load failed" in reason:  # torch goes on with advice to load it all the same
            reason = "it holds more than plain data"
        others = [Path(path).with_name(name) for name in (PREVIOUS, BEST) if Path(path).name == LAST]
        there = " and ".join(str(other) for other in others if other.is_file())
        hint = f"; beside it there is {there}" if there else ""
        raise ImagingError(
            f"{path} cannot be read as a checkpoint of this project ({reason}){hint}"
        ) from None
    for name in _not_finite(checkpoint):
        raise ImagingError(f"{path} cannot be used: its weights {name} are not finite, the training diverged")
    return checkpoint


def _not_finite(checkpoint) -> list[str]:
    """The names of the weights of a checkpoint that are not finite."""
    weights = checkpoint.get("state_dict") if isinstance(checkpoint, dict) else None
    return [
        name
        for name, value in (weights.items() if isinstance(weights, dict) else ())
        if isinstance(value, torch.Tensor) and value.is_floating_point() and not torch.isfinite(value).all()
    ]


def newest_checkpoint(directory: Path) -> tuple[Path | None, dict]:
    """The newest readable checkpoint in a run's `checkpoints/` and its contents.

    Returns:
        None, {} if there is none, or if it is that of a method that is not trained.

    Raises:
        ImagingError: there are checkpoints, but none can be read.
    """
    errors = []
    for path in (directory / LAST, directory / PREVIOUS):
        if not path.exists():
            continue
        try:
            checkpoint = read_checkpoint(path)
            if isinstance(checkpoint, dict) and checkpoint.keys() == UNTRAINED:
                return None, {}
            if not isinstance(checkpoint, dict) or not checkpoint.keys() >= NEEDED:
                raise ImagingError(f"{path} is not a training checkpoint")
        except ImagingError as error:
            errors.append(str(error))
            continue
        if errors:
            step = checkpoint["global_step"]
            print(f"{errors[0]}: resuming from {path.name}, step {step}", file=sys.stderr, flush=True)
        return path, checkpoint
    if errors:
        raise ImagingError(
            f"{'; '.join(errors)}: to start this run again, delete {LAST} and {PREVIOUS} in {directory}"
        )
    return None, {}


def find_checkpoint(run: Path | str) -> Path:
    """The path of a run's checkpoint: `run` itself if it is a file, else its `checkpoints/last.ckpt`.

    Raises:
        ImagingError: there is no such file.
    """
    run = Path(run)
    if run.is_file():
        return run
    if not run.is_dir():
        raise ImagingError(f"there is no run directory or checkpoint {run}")
    path = run / "checkpoints" / LAST
    if not path.is_file():
        raise ImagingError(
            f"{run} has no checkpoint {path}: it has not saved one yet, or it is not a run directory"
        )
    return path
