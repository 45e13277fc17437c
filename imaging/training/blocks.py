"""Blocks: the batches of several consecutive steps, loaded at once."""

from collections.abc import Iterator

from torch import Tensor
from torch.utils.data import Sampler

from imaging.data.loader import BatchLoader, BatchSampler

# A block takes one index operation and one iteration of Lightning's loop, which costs as much as a few steps
# of a small network. Its images are copied, so its size is limited.
BLOCK_BYTES = 32 * 2**20


class BlockSampler(Sampler):
    """Yield the batches of K consecutive steps of an epoch as `(epoch, indices)`, int64 indices (K, N).

    The indices are a function of the step, so that a run resumes at any step without a state of the loader.
    The sampler has no length, because blocks have different lengths.

    Args:
        batches: the sampler of single steps.
        start: the first step.
        stop: the step before which iteration ends; None: no limit.
        pauses: a block ends at each step that is a multiple of one of these numbers.
        longest: the largest number of steps in a block.
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
        """Set the epoch of the next iteration; Lightning calls it before every epoch."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[tuple[int, Tensor]]:
        # Not a generator function, so that the epoch is the current one at the time of this call.
        return self._blocks(self.epoch)

    def _blocks(self, epoch: int) -> Iterator[tuple[int, Tensor]]:
        order, first = self.batches.order(epoch), epoch * len(self.batches)
        step = max(first, self.start)
        while (end := self._end(step, first)) > step:
            yield epoch, self.batches.batches(order, step - first, end - first)
            step = end

    def _end(self, step: int, first: int) -> int:
        """The end of the block that starts at `step`, in the epoch that starts at step `first`."""
        end = first + len(self.batches)
        if self.batches.size % self.batches.batch_size and step < end - 1:
            end -= 1  # the last batch has another size
        ends = [end, step + self.longest, *(step - step % pause + pause for pause in self.pauses)]
        return min(ends if self.stop is None else [*ends, self.stop])


def in_blocks(loader: BatchLoader, start: int, stop: int | None, pauses: tuple[int, ...]) -> BatchLoader:
    """A loader of the batches of `loader` in blocks; the other arguments are those of `BlockSampler`."""
    batches = loader.sampler
    longest = max(1, BLOCK_BYTES // (batches.batch_size * loader.dataset.sample_bytes))
    sampler = BlockSampler(batches, start, stop, pauses, longest)
    return BatchLoader(loader.dataset, sampler, batches.seed, loader.num_workers, loader.pin_memory)
