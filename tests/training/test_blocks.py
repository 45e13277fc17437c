"""The order of the images in blocks, which begin at any step and hold any number of them."""

import pytest
import torch

from imaging.data.batches import StackBatches
from imaging.data.loader import BatchLoader, BatchSampler
from imaging.training.blocks import BLOCK_BYTES, BlockSampler, in_blocks

SIZE, BATCH = 22, 4  # six batches an epoch, the last one of two


def blocks(size: int = SIZE, rank: int = 0, world_size: int = 1, **settings) -> BlockSampler:
    return BlockSampler(BatchSampler(size, BATCH, 5, rank, world_size), **settings)


def single(size: int, rank: int = 0, world_size: int = 1, count: int = 3) -> list[list[int]]:
    """The batches of `count` epochs, one by one."""
    sampler, batches = BatchSampler(size, BATCH, 5, rank, world_size), []
    for epoch in range(count):
        sampler.set_epoch(epoch)
        batches += [batch.tolist() for _, batch in sampler]
    return batches


def epochs(sampler: BlockSampler, count: int = 3) -> list[list[int]]:
    batches = []
    for epoch in range(sampler.epoch, count):
        sampler.set_epoch(epoch)
        batches += [batch.tolist() for _, block in sampler for batch in block]
    return batches


@pytest.mark.parametrize("size", [22, 24])
@pytest.mark.parametrize("longest", [1, 4, 100])
@pytest.mark.parametrize("start", range(18))
def test_blocks_from_any_step_on_are_the_rest_of_the_whole(size, longest, start):
    whole = single(size)
    assert epochs(blocks(size, start=start, longest=longest)) == whole[start:]
    assert epochs(blocks(size, start=start, stop=15, longest=longest)) == whole[start:15]


@pytest.mark.parametrize("size", [21, 22, 25])
@pytest.mark.parametrize("rank", [0, 1])
def test_blocks_of_a_rank_are_its_batches(size, rank):
    assert epochs(blocks(size, rank, 2, longest=3)) == single(size, rank, 2)


def test_blocks_end_at_pauses_at_epochs_ends_and_before_a_batch_of_another_size():
    sampler = blocks(pauses=(4, 7), longest=3)
    lengths = []
    for epoch in range(3):
        sampler.set_epoch(epoch)
        lengths.append([len(block) for _, block in sampler])
    # Ends: 3, 4, 5 (before the short one), 6 | 7, 8, 11, 12 | 14, 16, 17, 18
    assert lengths == [[3, 1, 1, 1], [1, 1, 3, 1], [2, 2, 1, 1]]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_loader_in_blocks(workers):
    stack = torch.arange(SIZE, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous()
    state = torch.get_rng_state()
    single = BatchLoader(StackBatches(stack, repeat=2), BatchSampler(2 * SIZE, BATCH, 0), 0, workers)
    loader = in_blocks(single, start=0, stop=None, pauses=(4,))
    found = list(loader)
    assert torch.equal(torch.get_rng_state(), state)
    assert [len(block["image"]) for block in found] == [4, 4, 3]
    for key in ("image", "index"):
        batches = [batch[key] for batch in single]
        assert torch.equal(torch.cat([block[key] for block in found]), torch.stack(batches))
    assert len(list(loader)) == 3  # a second time, without anyone naming an epoch


def test_a_block_is_bounded():
    images = torch.zeros(64, 1, 1024, 1024, dtype=torch.uint8)
    loader = in_blocks(BatchLoader(StackBatches(images), BatchSampler(64, BATCH, 0), 0), 0, None, ())
    assert loader.sampler.longest == BLOCK_BYTES // (BATCH * 2**20)
