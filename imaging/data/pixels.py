"""Decoded images of any sizes, one after the other in one tensor: in memory, on a GPU, in a mapped file."""

from __future__ import annotations

import mmap
from pathlib import Path

import torch
from torch import Tensor

PAGES_KEPT = 128 * 2**20  # bytes of a mapped file that are touched before its pages are given back
AROUND = 16 * 4096  # bytes that Linux maps around one that is touched


class Pixels:
    """Images of equal channels and type, and patches cut from many of them at once.

    Args:
        flat: one-dimensional, the images (C, H, W) one after the other.
        sizes: int64 (n, 2): height and width of each.
        channels: C.
    """

    def __init__(self, flat: Tensor, sizes: Tensor, channels: int):
        self.flat, self.sizes, self.channels = flat, sizes, channels
        lengths = channels * sizes.prod(1)
        self.starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)[:-1]])

    @classmethod
    def of(cls, images: list[Tensor]) -> Pixels:
        """From images (C, H, W) of one type."""
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

    def patch_bytes(self, side: int) -> int:
        return self.channels * side * side * self.flat.element_size()

    def patches(self, image: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
        """The squares at these places, (…, C, side, side), by one index operation.

        Args:
            image, top, left: int64 (…,), on the CPU; the squares lie within their images.
        """
        height, width = self.sizes[image].unbind(-1)
        corner = self.starts[image] + top * width + left
        device = self.flat.device
        corner, plane, width = (t.to(device)[..., None, None] for t in (corner, height * width, width))
        channel, row = torch.arange(self.channels, device=device), torch.arange(side, device=device)
        lines = corner + channel[:, None] * plane + row * width  # where each line of a square begins
        # Every place in `flat` with what follows it: an index then copies whole lines.
        windows = self.flat.as_strided((len(self.flat) - side + 1, side), (1, 1))
        return windows[lines]


class MappedPixels(Pixels):
    """`Pixels` in a file, whose pages are in memory only while they are used.

    Args:
        path: of the file, which is not changed while it is mapped.
        dtype: of its elements.
        sizes, channels: as of `Pixels`.
    """

    def __init__(self, path: Path, dtype: torch.dtype, sizes: Tensor, channels: int):
        with open(path, "rb") as file:
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        super().__init__(torch.frombuffer(self._map, dtype=dtype), sizes, channels)
        self._path, self._touched = path, 0

    def __reduce__(self):
        # A worker that is not forked maps the file itself.
        return MappedPixels, (self._path, self.flat.dtype, self.sizes, self.channels)

    def to(self, device: torch.device) -> Pixels:
        return self  # it is here because it is too large for memory

    def patches(self, image: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
        found = super().patches(image, top, left, side)
        span = side * self.sizes[image][..., 1] * self.flat.element_size() + AROUND
        self._touched += int(span.sum()) * self.channels
        if self._touched > PAGES_KEPT and hasattr(mmap, "MADV_DONTNEED"):
            # Else all that was ever read is this process's memory. The system keeps what it has room for.
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0
        return found
