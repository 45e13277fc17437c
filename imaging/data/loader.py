"""The training loader: batches in an order that is a function of the seed and the epoch."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from imaging.data.turning import Batches
from imaging.errors import ImagingError
from imaging.randomness import generator


class BatchSampler(Sampler):
    """Yields `(epoch, indices)`, int64 indices (N,) on the CPU: the batches of an epoch.

    The order is a permutation drawn from (seed, epoch) alone. With several ranks, every rank takes a strided
    slice of each batch: together they see the batches that one process would see, and each image once an
    epoch. Only the last batch, where it is not full, is cut to a multiple of the number of ranks (so up to
    world_size - 1 images of an epoch are left out), as all ranks must do the same work.

    Args:
        size: how many samples there are.
        batch_size: samples in a batch, over all ranks.
        seed: of the order.
        rank, world_size: which slice of how many.
        epoch: of the first order; Lightning calls `set_epoch` for the others.

    Raises:
        ImagingError: a batch cannot be shared evenly, or there is not one sample for every rank.
    """

    def __init__(
        self, size: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1, epoch: int = 0
    ):
        if batch_size % world_size:
            raise ImagingError(
                f"data.batch_size is {batch_size}; expected a multiple of the {world_size} ranks"
            )
        if size < world_size:
            raise ImagingError(f"there are {size} training samples for {world_size} ranks")
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.rank, self.world_size, self.epoch = rank, world_size, epoch

    def __len__(self) -> int:
        return -(-(self.size - self.size % self.batch_size % self.world_size) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; Lightning calls it before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        epoch, order = self.epoch, self.order(self.epoch)
        return ((epoch, self.batches(order, step, step + 1)[0]) for step in range(len(self)))

    def order(self, epoch: int) -> Tensor:
        """The permutation of all samples in an epoch, int64 (size,)."""
        return torch.randperm(self.size, generator=generator(self.seed, "order", epoch))

    def batches(self, order: Tensor, begin: int, end: int) -> Tensor:
        """This rank's slices of the batches from `begin` to before `end`, all of one size: int64 (K, N)."""
        samples = order[begin * self.batch_size : end * self.batch_size]
        batches = samples.reshape(end - begin, -1)
        even = batches.shape[1] - batches.shape[1] % self.world_size
        return batches[:, self.rank : even : self.world_size]


class BatchLoader(DataLoader):
    """Batches `{"image": (N, C, H, W), "index": (N,)}`, in this process or from workers.

    Args:
        dataset: maps `(epoch, indices)` to a batch, of indices of any shape.
        sampler: yields them.
        workers: processes that prepare batches; 0 = none.
    """

    dataset: Batches
    sampler: BatchSampler  # until `imaging.training.blocks` puts its own in this place

    def __init__(self, dataset: Batches, sampler: Sampler, seed: int, workers: int = 0):
        super().__init__(
            dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available() and not dataset.pixels.is_cuda,
            generator=generator(seed, "workers"),  # else torch takes a number from the global state
        )
