"""Blocks of batches by one index operation: the data sets behind the training loader.

They are asked for `(epoch, indices)`, indices (K, N) as `BlockSampler` yields them, and answer with
`{"image": (K, N, C, H, W) uint8 or float32, "index": (K, N) int64}`. Dividing by 255 is left to the device.
"""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from imaging.data.pixels import Pixels
from imaging.randomness import generator


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
        """The same on a device, where its blocks then are made."""
        return StackBatches(self.images.to(device), self.repeat)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        _, indices = key
        indices = (indices % len(self.images)).to(self.images.device)
        return {"image": self.images[indices], "index": indices}


class GridBatches(Dataset):
    """Batches of patches at fixed places of images of any sizes, which are only read where they are.

    Args:
        pixels: the images.
        places: int64 (n, 3): image, top and left of each patch.
        side: of a patch, in pixels.
        repeat: how often an epoch shows each of them.
    """

    def __init__(self, pixels: Pixels, places: Tensor, side: int, repeat: int = 1):
        self.pixels, self.places, self.side, self.repeat = pixels, places, side, repeat

    def __len__(self) -> int:
        return len(self.places) * self.repeat

    @property
    def sample_bytes(self) -> int:
        return self.pixels.patch_bytes(self.side)

    def to(self, device: torch.device) -> "GridBatches":
        """The same on a device, where its blocks then are made."""
        return GridBatches(self.pixels.to(device), self.places, self.side, self.repeat)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        _, indices = key
        indices = indices % len(self.places)
        return {"image": self.pixels.patches(*self.places[indices].unbind(-1), self.side), "index": indices}


class CropBatches(Dataset):
    """Batches of random crops from images of any sizes.

    Index i is the (i div n)-th crop of image i mod n; where it lies depends on (seed, epoch, i) alone,
    so not on the batch size, the number of workers or ranks, or on where a run was resumed.

    Args:
        pixels: n images, none smaller than a crop.
        side: of a crop, in pixels.
        repeat: crops of each image an epoch.
    """

    def __init__(self, pixels: Pixels, side: int, repeat: int, seed: int):
        self.pixels, self.side, self.repeat, self.seed = pixels, side, repeat, seed
        self._drawn: tuple[int, Tensor] | None = None  # of one epoch

    def __len__(self) -> int:
        return len(self.pixels) * self.repeat

    @property
    def sample_bytes(self) -> int:
        return self.pixels.patch_bytes(self.side)

    def to(self, device: torch.device) -> "CropBatches":
        """The same on a device, where its blocks then are made."""
        return CropBatches(self.pixels.to(device), self.side, self.repeat, self.seed)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        epoch, indices = key
        if self._drawn is None or self._drawn[0] != epoch:
            draws = generator(self.seed, "crops", epoch)
            self._drawn = epoch, torch.rand(len(self), 2, generator=draws, dtype=torch.float64)
        image = indices % len(self.pixels)
        free = self.pixels.sizes[image] - self.side + 1
        top, left = (self._drawn[1][indices] * free).long().unbind(-1)
        return {"image": self.pixels.patches(image, top, left, self.side), "index": image}
