"""Whole batches by one index operation: the data sets behind the training loader.

They are asked for `(epoch, indices)`, as `EpochSampler` yields them, and answer with
`{"image": (N, C, H, W) uint8 or float32, "index": (N,) int64}`. Dividing by 255 is left to the device.
"""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from imaging.data.patches import same_type
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

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        _, indices = key
        indices = indices % len(self.images)
        return {"image": self.images[indices], "index": indices}


class CropBatches(Dataset):
    """Batches of random crops from images of any sizes.

    Index i is the (i div n)-th crop of image i mod n; where it lies depends on (seed, epoch, i) alone,
    so not on the batch size, the number of workers or ranks, or on where a run was resumed.

    Args:
        images: n tensors (C, H, W), none smaller than a crop.
        side: of a crop, in pixels.
        repeat: crops of each image an epoch.
    """

    def __init__(self, images: list[Tensor], side: int, repeat: int, seed: int):
        self.images, self.side, self.repeat, self.seed = same_type(images), side, repeat, seed

    def __len__(self) -> int:
        return len(self.images) * self.repeat

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        epoch, indices = key
        crops = [self._crop(epoch, index) for index in indices.tolist()]
        return {"image": torch.stack(crops), "index": indices % len(self.images)}

    def _crop(self, epoch: int, index: int) -> Tensor:
        image = self.images[index % len(self.images)]
        drawn = torch.rand(2, generator=generator(self.seed, "crop", epoch, index), dtype=torch.float64)
        free = torch.tensor([size - self.side + 1 for size in image.shape[-2:]])
        top, left = (drawn * free).long().tolist()
        return image[:, top : top + self.side, left : left + self.side]
