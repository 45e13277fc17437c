"""Augmentation: flips and quarter turns of training patches."""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from imaging.data.batches import CropBatches, GridBatches, StackBatches
from imaging.randomness import generator


def turn(images: Tensor, ways: Tensor) -> Tensor:
    """Flip and turn each of several square images.

    Args:
        images: (…, C, S, S), on any device.
        ways: int64 (…,) on the CPU, from 0 (unchanged) to 7: quarter turns, plus 4 for a flip before them.
    """
    result = images.clone().flatten(0, -4)
    for way in range(1, 8):
        (index,) = torch.nonzero(ways.flatten() == way, as_tuple=True)
        index = index.to(images.device)
        group = result[index].flip(-1) if way > 3 else result[index]
        result[index] = group.rot90(way % 4, (-2, -1))
    return result.view(images.shape)


class TurnedBatches(Dataset):
    """Batches of square patches, each flipped and turned at random by (seed, epoch, index).

    Args:
        batches: a data set of `imaging.data.batches`.
        seed: of the flips and turns.
    """

    def __init__(self, batches: StackBatches | GridBatches | CropBatches, seed: int):
        self.batches, self.seed = batches, seed
        self.pixels, self.sample_bytes = batches.pixels, batches.sample_bytes
        self._draws: tuple[int, Tensor] | None = None  # an epoch, and its random numbers

    def __len__(self) -> int:
        return len(self.batches)

    def to(self, device: torch.device) -> "TurnedBatches":
        """A copy with its pixels on `device`, on which it makes its batches."""
        return TurnedBatches(self.batches.to(device), self.seed)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        epoch, indices = key
        if self._draws is None or self._draws[0] != epoch:
            random = generator(self.seed, "turns", epoch)
            self._draws = epoch, torch.randint(8, (len(self),), generator=random)
        batch = self.batches[key]
        return batch | {"image": turn(batch["image"], self._draws[1][indices])}


class MeasuredBatches(Dataset):
    """Batches of measurements: `y` instead of `image`, and of pairs `again`, the second measurements.

    Args:
        batches: a data set of `imaging.data.batches`, of images that are measurements.
        pairs: whether each image is a pair, (2 C, H, W).
    """

    def __init__(self, batches: StackBatches | GridBatches | CropBatches | TurnedBatches, pairs: bool):
        self.batches, self.pairs = batches, pairs
        self.pixels, self.sample_bytes = batches.pixels, batches.sample_bytes

    def __len__(self) -> int:
        return len(self.batches)

    def to(self, device: torch.device) -> "MeasuredBatches":
        """A copy with its pixels on `device`, on which it makes its batches."""
        return MeasuredBatches(self.batches.to(device), self.pairs)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        return as_measured(self.batches[key], self.pairs)


def as_measured(batch: dict, pairs: bool) -> dict:
    """A batch with `y` instead of `image`, and of pairs with `again` too."""
    others = {key: value for key, value in batch.items() if key != "image"}
    if not pairs:
        return others | {"y": batch["image"]}
    y, again = batch["image"].tensor_split(2, dim=-3)
    return others | {"y": y, "again": again}


Batches = StackBatches | GridBatches | CropBatches | TurnedBatches | MeasuredBatches
