"""Blocks: the batches of several consecutive steps, fetched at once."""

from collections.abc import Iterator

from torch import Tensor
from torch.utils.data import Sampler

from imaging.data.loader import BatchLoader, BatchSampler

# A block is one index operation and one pass through Lightning's loop, which costs as much as some steps of a
# small network; its images are copied, so it is bounded.
BLOCK_BYTES = 32 * 2**20


class BlockSampler(Sampler):
    """Yields `(epoch, indices)`, int64 indices (K, N): the batches of K consecutive steps of one epoch.

    A step is found in its epoch's order by its number: a run goes on at any step without a loader that
    remembers anything. It has no length, as blocks have many.

    Args:
        batches: of single steps.
        start: steps that are done already. Epochs before that of this step are over.
        stop: the step after which there is nothing more; None: epochs go on.
        pauses: a block ends where the number of steps is a multiple of one of these.
        longest: steps in a block at most.
    """

    def __init__(
        self,
        batches: BatchSampler,
        start: int = 0,
        stop: int | None = None,
        pauses: tuple[int, ...] = (),
        longest: int = 1,
    ):
        self.batches, self.start, self.stop = batches, start, stop
        self.pauses, self.longest = pauses, longest
        self.epoch = start // len(batches)

    def set_epoch(self, epoch: int) -> None:
        """Choose the order; Lightning calls it before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        # Not itself a generator: the epoch is that of the moment of asking.
        return self._blocks(self.epoch)

    def _blocks(self, epoch: int) -> Iterator[tuple[int, Tensor]]:
        order, first = self.batches.order(epoch), epoch * len(self.batches)
        step = max(first, self.start)
        while (end := self._end(step, first)) > step:
            yield epoch, self.batches.batches(order, step - first, end - first)
            step = end

    def _end(self, step: int, first: int) -> int:
        """The end of the block that begins at `step` of the epoch that begins at `first`."""
        end = first + len(self.batches)
        if self.batches.size % self.batches.batch_size and step < end - 1:
            end -= 1  # the last batch is of another size
        ends = [end, step + self.longest, *(step - step % pause + pause for pause in self.pauses)]
        return min(ends if self.stop is None else [*ends, self.stop])


def in_blocks(loader: BatchLoader, start: int, stop: int | None, pauses: tuple[int, ...]) -> BatchLoader:
    """A loader of the same batches, in blocks; see `BlockSampler`."""
    batches = loader.sampler
    longest = max(1, BLOCK_BYTES // (batches.batch_size * loader.dataset.sample_bytes))
    sampler = BlockSampler(batches, start, stop, pauses, longest)
    return BatchLoader(loader.dataset, sampler, batches.seed, loader.num_workers)
