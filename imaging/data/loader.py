"""The order of the training images, and going on in the middle of it."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from imaging.errors import ImagingError
from imaging.randomness import generator


class EpochSampler(Sampler):
    """Yields `(epoch, indices)`, one batch of indices (int64, on the CPU) at a time.

    The order is a permutation drawn from (seed, epoch) alone. With several ranks, every rank takes a
    strided slice of each batch: together they see the batches that one process would see, and each image
    once an epoch. Only the last batch, where it is not full, is cut to a multiple of the number of ranks
    (so up to world_size - 1 images of an epoch are left out), as all ranks must do the same work.

    Args:
        size: how many samples there are.
        batch_size: samples in a batch, over all ranks.
        shuffle: False keeps 0, 1, 2, …
        rank, world_size: which slice of how many.

    Raises:
        ImagingError: a batch cannot be shared evenly, or there is not one sample for every rank.
    """

    def __init__(
        self, size: int, batch_size: int, seed: int, shuffle: bool = True, rank: int = 0, world_size: int = 1
    ):
        if batch_size % world_size:
            raise ImagingError(
                f"data.batch_size is {batch_size}; expected a multiple of the {world_size} ranks"
            )
        if size < world_size:
            raise ImagingError(f"there are {size} training samples for {world_size} ranks")
        self.size, self.batch_size, self.seed, self.shuffle = size, batch_size, seed, shuffle
        self.rank, self.world_size = rank, world_size
        self.epoch = 0
        self.start = 0  # the batch that iterating begins with

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; Lightning calls it before every epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches in a whole epoch."""
        return -(-(self.size - self.size % self.batch_size % self.world_size) // self.batch_size)

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        # Not itself a generator: the epoch and the start are those of the moment of asking.
        return self._batches(self.epoch, self.start)

    def _batches(self, epoch: int, start: int) -> Iterator[tuple[int, Tensor]]:
        if self.shuffle:
            order = torch.randperm(self.size, generator=generator(self.seed, "order", epoch))
        else:
            order = torch.arange(self.size)
        for i in range(start, len(self)):
            batch = order[i * self.batch_size : (i + 1) * self.batch_size]
            even = len(batch) - len(batch) % self.world_size
            yield epoch, batch[self.rank : even : self.world_size]


class BatchLoader(DataLoader):
    """A loader of ready-made batches that can go on in the middle of an epoch.

    `state_dict` counts the batches handed out, not those that workers have prepared ahead. Lightning saves
    it with the fit loop and gives it back to `load_state_dict` on a resume. By then Lightning has not yet
    said which epoch it is in (`sampler.set_epoch`), though it has already asked for an iterator; therefore
    nothing is started before the first batch is asked for. Only if the epoch is then the saved one are the
    batches skipped that were done: a checkpoint of an epoch's end leads to a fresh epoch.

    Args:
        dataset: maps `(epoch, indices)` to a batch.
        sampler: yields `(epoch, indices)`.
        workers: processes that prepare batches; 0 = none.
    """

    def __init__(self, dataset: Dataset, sampler: EpochSampler, workers: int = 0):
        super().__init__(
            dataset,
            batch_size=None,
            sampler=sampler,
            num_workers=workers,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=generator(sampler.seed, "workers"),  # else torch takes a number from the global state
        )
        self._epoch, self._done, self._resumed = 0, 0, False

    def __iter__(self) -> Iterator:
        epoch = self.sampler.epoch
        self._done = self._done if self._resumed and self._epoch == epoch else 0
        self._epoch, self._resumed = epoch, False
        self.sampler.start = self._done
        for batch in super().__iter__():
            self._done += 1
            yield batch

    def state_dict(self) -> dict:
        """Plain data: the epoch, how many of its batches were handed out, and what a batch was."""
        return {"epoch": self._epoch, "batches": self._done, **self._shape()}

    def load_state_dict(self, state: dict) -> None:
        """Go on after the batches that `state` counts.

        Raises:
            ImagingError: the samples or the batch size are others, so that there is no "after".
        """
        for key, value in self._shape().items():
            if state[key] != value:
                what = key.replace("_", " ")
                raise ImagingError(
                    f"the checkpoint was trained with {what} {state[key]}, this run has {value}: resume with "
                    "the same data settings, or start a new run"
                )
        self._epoch, self._done, self._resumed = state["epoch"], state["batches"], True

    def _shape(self) -> dict:
        return {"data_size": self.sampler.size, "batch_size": self.sampler.batch_size}
