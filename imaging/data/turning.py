"""Training patches in all eight positions of a square."""

import torch
from torch import Tensor
from torch.utils.data import Dataset

from imaging.data.batches import CropBatches, GridBatches, StackBatches
from imaging.randomness import generator


def turned(images: Tensor, ways: Tensor) -> Tensor:
    """Square images (…, C, S, S), each in one of the eight positions: flipped or not, and quarter turns.

    Args:
        images: on any device.
        ways: int64 (…,) on the CPU, from 0 (as it is) to 7: quarter turns, and 4 more if it is flipped first.
    """
    result = images.clone().flatten(0, -4)
    for way in range(1, 8):
        (chosen,) = torch.nonzero(ways.flatten() == way, as_tuple=True)
        chosen = chosen.to(images.device)
        some = result[chosen].flip(-1) if way > 3 else result[chosen]
        result[chosen] = some.rot90(way % 4, (-2, -1))
    return result.view(images.shape)


class TurnedBatches(Dataset):
    """Batches of square patches, each turned and flipped as (seed, epoch, index) says.

    Args:
        batches: a data set of `imaging.data.batches`.
        seed: of the positions.
    """

    def __init__(self, batches: StackBatches | GridBatches | CropBatches, seed: int):
        self.batches, self.seed = batches, seed
        self._drawn: tuple[int, Tensor] | None = None  # of one epoch

    def __len__(self) -> int:
        return len(self.batches)

    @property
    def sample_bytes(self) -> int:
        return self.batches.sample_bytes

    @property
    def pixels(self):
        return self.batches.pixels

    def to(self, device: torch.device) -> "TurnedBatches":
        """A copy whose pixels are on a device, where its batches are then made."""
        return TurnedBatches(self.batches.to(device), self.seed)

    def __getitem__(self, key: tuple[int, Tensor]) -> dict[str, Tensor]:
        epoch, indices = key
        if self._drawn is None or self._drawn[0] != epoch:
            draws = generator(self.seed, "turns", epoch)
            self._drawn = epoch, torch.randint(8, (len(self),), generator=draws)
        batch = self.batches[key]
        return batch | {"image": turned(batch["image"], self._drawn[1][indices])}


Batches = StackBatches | GridBatches | CropBatches | TurnedBatches
