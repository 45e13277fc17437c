"""The training loader, whose order is a function of the seed and the epoch."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from imaging.data.turning import Batches
from imaging.errors import ImagingError
from imaging.randomness import generator


class BatchSampler(Sampler):
    """Yield the batches of an epoch as `(epoch, indices)`, int64 indices (N,) on the CPU.

    The order is a permutation that depends only on (seed, epoch). Each of several ranks takes a strided slice
    of each batch: together they process the batches of a single process, and each image once per epoch. All
    ranks must do equal work, so an incomplete last batch is cut to a multiple of the number of ranks, which
    omits up to world_size - 1 images of the epoch.

    Args:
        size: number of samples.
        batch_size: samples in a batch, over all ranks.
        seed: of the order.
        rank, world_size: index of this rank, and number of ranks.
        epoch: the first epoch; Lightning sets the others with `set_epoch`.

    Raises:
        ImagingError: the ranks cannot share a batch evenly, or there are fewer samples than ranks.
    """

    def __init__(
        self, size: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1, epoch: int = 0
    ):
        if batch_size % world_size:
            raise ImagingError(
                f"data.batch_size is {batch_size}; expected a multiple of the {world_size} ranks"
            )
        if size < world_size:
            raise ImagingError(f"there are {size} training samples for {world_size} ranks; use fewer devices")
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.rank, self.world_size, self.epoch = rank, world_size, epoch

    def __len__(self) -> int:
        return -(-(self.size - self.size % self.batch_size % self.world_size) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch of the next iteration; Lightning calls it before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        epoch, order = self.epoch, self.order(self.epoch)
        return ((epoch, self.batches(order, step, step + 1)[0]) for step in range(len(self)))

    def order(self, epoch: int) -> Tensor:
        """The permutation of all samples in an epoch, int64 (size,)."""
        return torch.randperm(self.size, generator=generator(self.seed, "order", epoch))

    def batches(self, order: Tensor, begin: int, end: int) -> Tensor:
        """This rank's slices of the batches in [begin, end), all of one size: int64 (K, N)."""
        samples = order[begin * self.batch_size : end * self.batch_size]
        batches = samples.reshape(end - begin, -1)
        even = batches.shape[1] - batches.shape[1] % self.world_size
        return batches[:, self.rank : even : self.world_size]


class BatchLoader(DataLoader):
    """Yield batches `{"image": (N, C, H, W), "index": (N,)}`, from this process or from workers.

    Args:
        dataset: maps `(epoch, indices)` to a batch; see `imaging.data.batches`.
        sampler: yields `(epoch, indices)`.
        seed: of the workers.
        workers: processes that prepare batches; 0 = none.
        pin: whether batches are for a GPU and not on it. Without need it would make a CUDA context.
    """

    dataset: Batches
    sampler: BatchSampler  # until `imaging.training.blocks` puts its own in this place

    def __init__(self, dataset: Batches, sampler: Sampler, seed: int, workers: int = 0, pin: bool = False):
        super().__init__(
            dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=pin,
            generator=generator(seed, "workers"),  # without it torch draws from the global state
        )
