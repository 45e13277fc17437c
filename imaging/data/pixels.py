"""Decoded images of any sizes in one flat tensor: in memory, on a GPU, or in a memory-mapped file."""

from __future__ import annotations

import mmap
from pathlib import Path

import torch
from torch import Tensor

RESIDENT_BYTES = 128 * 2**20  # bytes of a mapped file to read before its pages are released
FAULT_AROUND = 16 * 4096  # bytes that Linux maps at each page fault


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
        self._path, self._resident = path, 0

    def __reduce__(self):
        # A worker process that is not forked maps the file itself.
        return MappedPixels, (self._path, self.flat.dtype, self.sizes, self.channels)

    def patches(self, image: Tensor, top: Tensor, left: Tensor, side: int) -> Tensor:
        patches = super().patches(image, top, left, side)
        span = side * self.sizes[image][..., 1] * self.flat.element_size() + FAULT_AROUND
        self._resident += int(span.sum()) * self.channels
        if self._resident > RESIDENT_BYTES and hasattr(mmap, "MADV_DONTNEED"):
            # Otherwise all pages ever read count as this process's memory. The page cache still keeps them.
            self._map.madvise(mmap.MADV_DONTNEED)
            self._resident = 0
        return patches
