"""The data sets of the training loader, which make a batch with one index operation.

They map `(epoch, indices)` to `{"image": (N, C, H, W) uint8 or float32, "index": (N,) int64}` for the indices
(N,) of a batch, or to (K, N, C, H, W) and (K, N) for the indices (K, N) of K batches. The task divides uint8
by 255 on its device.
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
    """Batches from a stack of images of one size.

    Args:
        images: (n, C, H, W).
        repeat: how often an epoch contains each image; index i is image i mod n.
    """

    def __init__(self, images: Tensor, repeat: int = 1):
        self.pixels = self.images = images
        self.repeat, self.sample_bytes = repeat, images[0].nbytes

    def __len__(self) -> int:
        return len(self.images) * self.repeat

    def to(self, device: torch.device) -> "StackBatches":
        """A copy with its pixels on `device`, on which it makes its batches."""
        return StackBatches(self.images.to(device), self.repeat)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        _, indices = key
        indices = (indices % len(self.images)).to(self.images.device)
        return {"image": self.images[indices], "index": indices}


class PixelBatches(Dataset):
    """The base class for batches of square patches from images of any sizes.

    Args:
        pixels: the images.
        side: of a patch, in pixels.
    """

    def __init__(self, pixels: Pixels, side: int):
        self.pixels, self.side = pixels, side
        self.sample_bytes = pixels.channels * side * side * pixels.flat.element_size()

    def to(self: Own, device: torch.device) -> Own:
        """A copy with its pixels on `device`, on which it makes its batches."""
        other = copy.copy(self)
        other.pixels = self.pixels.to(device)
        return other


class GridBatches(PixelBatches):
    """Batches of patches at fixed positions.

    Args:
        pixels: the images.
        places: int64 (n, 3): image, top and left of each patch.
        side: of a patch, in pixels.
        repeat: how often an epoch contains each patch.
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

    Index i is the (i div n)-th crop of image i mod n. Its position depends only on (seed, epoch, i), not on
    the batch size, the number of workers or ranks, or the step at which a run resumed.

    Args:
        pixels: n images, none smaller than a crop.
        side: of a crop, in pixels.
        repeat: crops of each image in an epoch.
        seed: of the positions.
    """

    def __init__(self, pixels: Pixels, side: int, repeat: int, seed: int):
        super().__init__(pixels, side)
        self.repeat, self.seed = repeat, seed
        self._draws: tuple[int, Tensor] | None = None  # an epoch, and its random numbers

    def __len__(self) -> int:
        return len(self.pixels) * self.repeat

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        epoch, indices = key
        if self._draws is None or self._draws[0] != epoch:
            random = generator(self.seed, "crops", epoch)
            self._draws = epoch, torch.rand(len(self), 2, generator=random, dtype=torch.float64)
        image = indices % len(self.pixels)
        positions = self.pixels.sizes[image] - self.side + 1
        top, left = (self._draws[1][indices] * positions).long().unbind(-1)
        return {"image": self.pixels.patches(image, top, left, self.side), "index": image}
