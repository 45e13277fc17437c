"""Batches by one index operation: the data sets behind the training loader.

They are asked for `(epoch, indices)`: indices (N,) for a batch, as `BatchSampler` yields them, or (K, N) for
a block of K batches. They answer with `{"image": (N, C, H, W) uint8 or float32, "index": (N,) int64}`, or
with both of K batches. Dividing by 255 is left to the device.
"""

import copy
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import Dataset

from imaging.data.pixels import Pixels
from imaging.randomness import generator

Own = TypeVar("Own", bound="PixelBatches")


class StackBatches(Dataset):
    """Batches from a stack of equal images.

    Args:
        images: (n, C, H, W).
        repeat: how often an epoch shows each of them; index i is image i mod n.
    """

    def __init__(self, images: Tensor, repeat: int = 1):
        self.images, self.repeat = images, repeat

    def __len__(self) -> int:
        return len(self.images) * self.repeat

    @property
    def sample_bytes(self) -> int:
        return self.images[0].nbytes

    @property
    def pixels(self) -> Tensor:
        return self.images

    def to(self, device: torch.device) -> "StackBatches":
        """A copy whose pixels are on a device, where its batches are then made."""
        return StackBatches(self.images.to(device), self.repeat)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        _, indices = key
        indices = (indices % len(self.images)).to(self.images.device)
        return {"image": self.images[indices], "index": indices}


class PixelBatches(Dataset):
    """Batches of square patches, which are cut from images of any sizes where they lie.

    Args:
        pixels: the images.
        side: of a patch, in pixels.
    """

    def __init__(self, pixels: Pixels, side: int):
        self.pixels, self.side = pixels, side

    @property
    def sample_bytes(self) -> int:
        return self.pixels.patch_bytes(self.side)

    def to(self: Own, device: torch.device) -> Own:
        """A copy whose pixels are on a device, where its batches are then made."""
        other = copy.copy(self)
        other.pixels = self.pixels.to(device)
        return other


class GridBatches(PixelBatches):
    """Batches of patches at fixed places.

    Args:
        pixels, side: as of `PixelBatches`.
        places: int64 (n, 3): image, top and left of each patch.
        repeat: how often an epoch shows each of them.
    """

    def __init__(self, pixels: Pixels, places: Tensor, side: int, repeat: int = 1):
        super().__init__(pixels, side)
        self.places, self.repeat = places, repeat

    def __len__(self) -> int:
        return len(self.places) * self.repeat

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        _, indices = key
        indices = indices % len(self.places)
        image, top, left = self.places[indices].unbind(-1)
        return {"image": self.pixels.patches(image, top, left, self.side), "index": indices}


class CropBatches(PixelBatches):
    """Batches of random crops.

    Index i is the (i div n)-th crop of image i mod n; where it lies depends on (seed, epoch, i) alone,
    so not on the batch size, the number of workers or ranks, or on where a run was resumed.

    Args:
        pixels, side: as of `PixelBatches`; n images, none smaller than a crop.
        repeat: crops of each image an epoch.
    """

    def __init__(self, pixels: Pixels, side: int, repeat: int, seed: int):
        super().__init__(pixels, side)
        self.repeat, self.seed = repeat, seed
        self._drawn: tuple[int, Tensor] | None = None  # of one epoch

    def __len__(self) -> int:
        return len(self.pixels) * self.repeat

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        epoch, indices = key
        if self._drawn is None or self._drawn[0] != epoch:
            draws = generator(self.seed, "crops", epoch)
            self._drawn = epoch, torch.rand(len(self), 2, generator=draws, dtype=torch.float64)
        image = indices % len(self.pixels)
        free = self.pixels.sizes[image] - self.side + 1
        top, left = (self._drawn[1][indices] * free).long().unbind(-1)
        return {"image": self.pixels.patches(image, top, left, self.side), "index": image}
