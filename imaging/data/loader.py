"""The order of the training images, handed out in blocks of optimiser steps."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from imaging.errors import ImagingError
from imaging.randomness import generator

# A block is one index operation and one pass through Lightning's loop, which costs as much as some steps of a
# small network; its images are copied, so it is bounded.
BLOCK_BYTES = 32 * 2**20


class BlockSampler(Sampler):
    """Yields `(epoch, indices)`, int64 indices (K, N) on the CPU: the batches of K consecutive steps.

    The order is a permutation drawn from (seed, epoch) alone, and a step is found in it by its number: a run
    goes on at any step without a loader that remembers anything. With several ranks, every rank takes a
    strided slice of each batch: together they see the batches that one process would see, and each image
    once an epoch. Only the last batch, where it is not full, is cut to a multiple of the number of ranks
    (so up to world_size - 1 images of an epoch are left out), as all ranks must do the same work.

    Args:
        size: how many samples there are.
        batch_size: samples in a batch, over all ranks.
        rank, world_size: which slice of how many.
        start: steps that are done already. Epochs before that of this step are over.
        stop: the step after which there is nothing more; None: epochs go on.
        pauses: a block ends where the number of steps is a multiple of one of these.
        longest: steps in a block at most.

    Raises:
        ImagingError: a batch cannot be shared evenly, or there is not one sample for every rank.
    """

    def __init__(
        self,
        size: int,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        start: int = 0,
        stop: int | None = None,
        pauses: tuple[int, ...] = (),
        longest: int = 1,
    ):
        if batch_size % world_size:
            raise ImagingError(
                f"data.batch_size is {batch_size}; expected a multiple of the {world_size} ranks"
            )
        if size < world_size:
            raise ImagingError(f"there are {size} training samples for {world_size} ranks")
        self.size, self.batch_size, self.seed = size, batch_size, seed
        self.rank, self.world_size = rank, world_size
        self.start, self.stop, self.pauses, self.longest = start, stop, pauses, longest
        self.epoch = start // self.steps_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        return -(-(self.size - self.size % self.batch_size % self.world_size) // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; Lightning calls it before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        # Not itself a generator: the epoch is that of the moment of asking.
        return self._blocks(self.epoch)

    def _blocks(self, epoch: int) -> Iterator[tuple[int, Tensor]]:
        order = torch.randperm(self.size, generator=generator(self.seed, "order", epoch))
        first = epoch * self.steps_per_epoch
        step = max(first, self.start)
        while (end := self._end(step, first)) > step:
            yield epoch, self._indices(order, step - first, end - first)
            step = end

    def _end(self, step: int, first: int) -> int:
        """The end of the block that begins at `step` of the epoch that begins at `first`."""
        end = first + self.steps_per_epoch
        if self.size % self.batch_size and step < end - 1:
            end -= 1  # the last batch is of another size
        ends = [end, step + self.longest, *(step - step % pause + pause for pause in self.pauses)]
        return min(ends if self.stop is None else [*ends, self.stop])

    def _indices(self, order: Tensor, begin: int, end: int) -> Tensor:
        samples = order[begin * self.batch_size : end * self.batch_size]
        batches = samples.reshape(end - begin, -1)
        even = batches.shape[1] - batches.shape[1] % self.world_size
        return batches[:, self.rank : even : self.world_size]


class BlockLoader(DataLoader):
    """A loader of blocks, in this process or from workers; it has no length, as blocks have many.

    Args:
        dataset: maps `(epoch, indices)` to a block.
        sampler: yields them.
        workers: processes that prepare blocks; 0 = none.
    """

    def __init__(self, dataset: Dataset, sampler: BlockSampler, workers: int = 0):
        super().__init__(
            dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available() and not dataset.pixels.is_cuda,
            generator=generator(sampler.seed, "workers"),  # else torch takes a number from the global state
        )
