"""A file cache of decoded images that do not fit in memory; the file is memory-mapped."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from imaging.data.pixels import MappedPixels
from imaging.errors import ImagingError
from imaging.files import write_json
from imaging.progress import track

DECODERS = 8  # threads, and images in memory at a time: decoders release the interpreter lock
KINDS = {"uint8": torch.uint8, "float32": torch.float32}


def cached_pixels(root: Path, key: object, count: int, read: Callable[[int], Tensor]) -> MappedPixels:
    """Map the file of a set of decoded images, and write the file first if it is missing.

    If several processes need the same file, one writes it and the others wait.

    Args:
        root: the directory of the cache.
        key: plain data that determine the pixels; the file's name is their digest.
        count: number of images.
        read: returns the image (C, H, W), uint8 or float32, of an index.

    Raises:
        ImagingError: `root` is not writable or has no space, or an image cannot be read.
    """
    from filelock import FileLock

    digest = hashlib.blake2b(json.dumps(key).encode(), digest_size=10).hexdigest()
    pixels, index = root / f"{digest}.pixels", root / f"{digest}.json"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{digest}.lock"):
            layout = _layout(pixels, index)
            if layout is None:
                _make(pixels, index, count, read)
                layout = _layout(pixels, index)
    except OSError as error:
        raise ImagingError(
            f"cannot write the decoded images to {root} ({error.strerror or error}): set IMAGING_CACHE to a "
            "directory with space, or raise data.memory_gib if they fit in memory"
        ) from error
    return MappedPixels(pixels, KINDS[layout["kind"]], torch.tensor(layout["sizes"]), layout["channels"])


def _layout(pixels: Path, index: Path) -> dict | None:
    """Read the index; None if the file of pixels is missing or has another size."""
    try:
        layout = json.loads(index.read_text())
        elements = layout["channels"] * sum(height * width for height, width in layout["sizes"])
        complete = pixels.stat().st_size == elements * KINDS[layout["kind"]].itemsize
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return layout if complete else None


def _make(pixels: Path, index: Path, count: int, read: Callable[[int], Tensor]) -> None:
    """Write the pixels, then the index, so that an index implies complete pixels."""
    partial = pixels.with_suffix(".partial")
    try:
        for kind in KINDS.values():  # all as bytes or, if an image has 16 bits, all as float32
            sizes, channels = _decode(partial, count, read, kind)
            if sizes is not None:
                break
        os.replace(partial, pixels)
        name = next(name for name, dtype in KINDS.items() if dtype is kind)
        write_json(index, {"kind": name, "sizes": sizes, "channels": channels})
    finally:
        partial.unlink(missing_ok=True)


def _decode(path: Path, count: int, read: Callable[[int], Tensor], kind: torch.dtype):
    """Write all images and return their sizes and channels; None if one does not fit this kind."""
    sizes, channels = [], None
    with open(path, "wb") as file:
        for image in track(_in_order(read, range(count)), "decoding", count):
            if kind is torch.uint8 and image.dtype is not torch.uint8:
                return None, None
            if kind is not torch.uint8 and image.dtype is torch.uint8:
                image = image.float() / 255
            file.write(image.contiguous().numpy().data)
            sizes.append(list(image.shape[-2:]))
            channels = image.shape[0]
        file.flush()
        os.fsync(file.fileno())
    return sizes, channels


def _in_order(read: Callable[[int], Tensor], indices: Sequence[int]) -> Iterator[Tensor]:
    """Yield `read` of each index in order, reading ahead in threads."""
    with ThreadPoolExecutor(DECODERS) as pool:
        rest = iter(indices)
        waiting = [pool.submit(read, i) for i in islice(rest, DECODERS)]
        while waiting:
            image = waiting.pop(0).result()
            waiting += [pool.submit(read, i) for i in islice(rest, 1)]
            yield image
