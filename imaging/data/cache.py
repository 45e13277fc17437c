"""Images that do not fit into memory: decoded once into a file, which is then mapped."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from imaging.data.pixels import MappedPixels
from imaging.errors import ImagingError
from imaging.files import write_json

DECODERS = 8  # threads, and images in memory at a time: decoders let go of the interpreter lock
KINDS = {"uint8": torch.uint8, "float32": torch.float32}


def cached_pixels(root: Path, key: object, count: int, read: Callable[[int], Tensor]) -> MappedPixels:
    """The images of a set from its file below `root`, which is made if it is not there yet.

    Of several processes that want the same, one makes it and the others wait.

    Args:
        key: plain data on which the pixels depend; the file's name is its digest.
        count: how many images.
        read: from an index to the image (C, H, W), uint8 or float32.

    Raises:
        ImagingError: `root` cannot be written or has no space, or as `read` does.
    """
    from filelock import FileLock

    digest = hashlib.blake2b(json.dumps(key).encode(), digest_size=10).hexdigest()
    pixels, index = root / f"{digest}.pixels", root / f"{digest}.json"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / f".{digest}.lock"):
            known = _index(pixels, index)
            if known is None:
                _make(pixels, index, count, read)
                known = _index(pixels, index)
    except OSError as error:
        raise ImagingError(
            f"the decoded images cannot be kept in {root} ({error.strerror or error}): set IMAGING_CACHE to "
            "a directory with space, or data.memory_gib higher if they fit into memory"
        ) from error
    return MappedPixels(pixels, KINDS[known["kind"]], torch.tensor(known["sizes"]), known["channels"])


def _index(pixels: Path, index: Path) -> dict | None:
    """What the index says, if the pixels are there and as many as it says; else None."""
    try:
        known = json.loads(index.read_text())
        elements = known["channels"] * sum(height * width for height, width in known["sizes"])
        whole = pixels.stat().st_size == elements * KINDS[known["kind"]].itemsize
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return known if whole else None


def _make(pixels: Path, index: Path, count: int, read: Callable[[int], Tensor]) -> None:
    """The index comes last: where it is, the pixels are whole."""
    partial = pixels.with_suffix(".partial")
    try:
        for kind in KINDS.values():  # bytes; if some image has 16 bits, all as float32
            sizes, channels = _decode(partial, count, read, kind)
            if sizes is not None:
                break
        os.replace(partial, pixels)
        name = next(name for name, dtype in KINDS.items() if dtype is kind)
        write_json(index, {"kind": name, "sizes": sizes, "channels": channels})
    finally:
        partial.unlink(missing_ok=True)


def _decode(path: Path, count: int, read: Callable[[int], Tensor], kind: torch.dtype):
    """Write all images; their sizes and channels, or None if one of them is not of this kind."""
    sizes, channels = [], None
    with open(path, "wb") as file:
        images = tqdm(
            _in_order(read, range(count)), "decoding", count, unit="image", leave=False, disable=None
        )
        for image in images:
            if kind is torch.uint8 and image.dtype is not torch.uint8:
                return None, None
            if kind is not torch.uint8 and image.dtype is torch.uint8:
                image = image.float() / 255
            file.write(image.contiguous().numpy())
            sizes.append(list(image.shape[-2:]))
            channels = image.shape[0]
        file.flush()
        os.fsync(file.fileno())
    return sizes, channels


def _in_order(read: Callable[[int], Tensor], indices: Sequence[int]) -> Iterator[Tensor]:
    """`read` of each index, a few of them ahead in threads."""
    with ThreadPoolExecutor(DECODERS) as pool:
        rest = iter(indices)
        waiting = [pool.submit(read, i) for i in islice(rest, DECODERS)]
        while waiting:
            image = waiting.pop(0).result()
            waiting += [pool.submit(read, i) for i in islice(rest, 1)]
            yield image
