"""Decoded images of any sizes in one flat tensor: in memory, on a GPU, or in a memory-mapped file."""

from __future__ import annotations

import mmap
from pathlib import Path

import torch
from torch import Tensor

RESIDENT_BYTES = 128 * 2**20  # bytes of a mapped file that may be in memory before its pages are released
PATCHES_AT_ONCE = 32  # before the memory is looked at: a page fault may map 2 MiB


class Pixels:
    """Images of any sizes with one dtype and number of channels, to cut patches from many of them at once.

    Args:
        flat: one-dimensional, the concatenated images (C, H, W).
        sizes: int64 (n, 2): height and width of each image.
        channels: C.
    """

    def __init__(self, flat: Tensor, sizes: Tensor, channels: int):
        self.flat, self.sizes, self.channels = flat, sizes, channels
        lengths = channels * sizes.prod(1)
        self.starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)[:-1]])

    @classmethod
    def of(cls, images: list[Tensor]) -> Pixels:
        """Concatenate images (C, H, W) of one dtype."""
        flat = torch.cat([image.flatten() for image in images])
        return cls(flat, torch.tensor([image.shape[-2:] for image in images]), images[0].shape[0])

    def __len__(self) -> int:
        return len(self.sizes)

    def to(self, device: torch.device) -> Pixels:
        return Pixels(self.flat.to(device), self.sizes, self.channels)

    @property
    def nbytes(self) -> int:
        return self.flat.nbytes

    @property
    def is_cuda(self) -> bool:
        return self.flat.is_cuda

    def patches(self, image: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
        """Cut square patches, (…, C, side, side), with one index operation.

        Args:
            image, top, left: int64 (…,), on the CPU; each patch must lie inside its image.
            side: of a patch, in pixels.
        """
        height, width = self.sizes[image].unbind(-1)
        corner = self.starts[image] + top * width + left
        device = self.flat.device
        corner, plane, width = (t.to(device)[..., None, None] for t in (corner, height * width, width))
        channel, row = torch.arange(self.channels, device=device), torch.arange(side, device=device)
        lines = corner + channel[:, None] * plane + row * width  # the start of each line of a patch
        # A window of `side` elements at every element of `flat`, so that indexing copies whole lines.
        windows = self.flat.as_strided((len(self.flat) - side + 1, side), (1, 1))
        return windows[lines]


def resident_file_bytes() -> int | None:
    """The bytes of mapped files in this process's memory; None where Linux's /proc is missing."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[2]) * mmap.PAGESIZE
    except OSError:
        return None


class MappedPixels(Pixels):
    """`Pixels` in a memory-mapped file, whose pages are released after use.

    Args:
        path: of the file, which must not change while it is mapped.
        dtype: of its elements.
        sizes: int64 (n, 2): height and width of each image.
        channels: C.
    """

    def __init__(self, path: Path, dtype: torch.dtype, sizes: Tensor, channels: int):
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        super().__init__(torch.frombuffer(self._map, dtype=dtype), sizes, channels)
        self._path, self._before = path, 0

    def __reduce__(self):
        # A worker process that is not forked maps the file itself.
        return MappedPixels, (self._path, self.flat.dtype, self.sizes, self.channels)

    def patches(self, image: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
        patches = []
        parts = (places.flatten().split(PATCHES_AT_ONCE) for places in (image, top, left))
        for images, tops, lefts in zip(*parts, strict=True):
            patches.append(super().patches(images, tops, lefts, side))
            self._release()
        return torch.cat(patches).unflatten(0, image.shape)

    def _release(self) -> None:
        """Release the pages of the file if they are many; the page cache still has them.

        Otherwise all pages ever read would count as this process's memory.
        """
        resident = resident_file_bytes()
        if resident is not None and resident - self._before < RESIDENT_BYTES:
            return
        if hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
            self._before = resident_file_bytes() or 0
