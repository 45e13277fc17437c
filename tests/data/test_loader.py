"""The order of the images; and patches cut from images of any sizes."""

from itertools import chain

import pytest
import torch

from imaging.data.batches import CropBatches, GridBatches, StackBatches
from imaging.data.loader import BatchLoader, BatchSampler
from imaging.data.patches import grid, grid_places
from imaging.data.pixels import Pixels
from imaging.data.turning import TurnedBatches
from imaging.errors import ImagingError

SIZE, BATCH = 22, 4  # six batches an epoch, the last one of two


def order(sampler: BatchSampler) -> list[list[int]]:
    """The batches of the sampler's epoch."""
    return [batch.tolist() for _, batch in sampler]


def test_order_depends_on_seed_and_epoch_alone_and_is_a_permutation():
    sampler = BatchSampler(SIZE, BATCH, seed=3)
    first = order(sampler)
    assert sorted(chain(*first)) == list(range(SIZE))
    torch.manual_seed(99)
    assert order(BatchSampler(SIZE, BATCH, seed=3)) == first
    sampler.set_epoch(1)
    assert order(sampler) != first
    assert order(BatchSampler(SIZE, BATCH, seed=4)) != first


@pytest.mark.parametrize("size", [22, 21, 24, 25])
@pytest.mark.parametrize("ranks", [2, 4])
def test_ranks_share_each_batch_of_the_single_process(size, ranks):
    whole = order(BatchSampler(size, BATCH, seed=0))
    shares = [BatchSampler(size, BATCH, seed=0, rank=rank, world_size=ranks) for rank in range(ranks)]
    slices = [order(share) for share in shares]
    assert len({tuple(map(len, share)) for share in slices}) == 1
    assert all(len(share) == len(s) for share, s in zip(slices, shares, strict=True))
    seen = list(chain(*chain(*slices)))
    assert len(seen) == len(set(seen)) == size - size % BATCH % ranks
    for step, batch in enumerate(whole[: size // BATCH]):
        assert sorted(chain(*(share[step] for share in slices))) == sorted(batch)


def test_batches_that_cannot_be_shared_are_refused():
    with pytest.raises(ImagingError, match="multiple of the 3 ranks"):
        BatchSampler(SIZE, BATCH, seed=0, world_size=3)
    with pytest.raises(ImagingError, match="1 training samples for 2 ranks"):
        BatchSampler(1, BATCH, seed=0, world_size=2)


def images(count: int = 3) -> list[torch.Tensor]:
    return [torch.randint(0, 256, (3, 9 + i, 12), dtype=torch.uint8) for i in range(count)]


def test_crops_are_the_same_in_any_block_and_new_in_each_epoch():
    crops = CropBatches(Pixels.of(images()), side=5, repeat=4, seed=1)
    assert len(crops) == 12
    together = crops[0, torch.arange(12).view(3, 4)]
    assert together["image"].shape == (3, 4, 3, 5, 5)
    assert together["index"].flatten().tolist() == [0, 1, 2] * 4
    assert torch.equal(crops[0, torch.tensor([[7]])]["image"][0, 0], together["image"].flatten(0, 1)[7])
    assert not torch.equal(crops[1, torch.arange(12).view(3, 4)]["image"], together["image"])


def test_crops_are_pieces_of_their_images_and_lie_everywhere():
    pictures = images()
    crops = CropBatches(Pixels.of(pictures), side=8, repeat=500, seed=1)
    block = crops[0, torch.arange(len(crops)).view(1, -1)]
    found = {0: set(), 1: set(), 2: set()}
    for crop, index in zip(block["image"][0], block["index"][0].tolist(), strict=True):
        places = [
            (top, left)
            for top in range(pictures[index].shape[1] - 7)
            for left in range(5)
            if torch.equal(pictures[index][:, top : top + 8, left : left + 8], crop)
        ]
        assert places
        found[index].update(places)
    assert [len(places) for places in found.values()] == [2 * 5, 3 * 5, 4 * 5]


def test_a_grid_of_pixels_is_the_grid():
    pictures = images()
    corners = [grid_places(image.shape[-2:], 4) for image in pictures]
    places = torch.cat([torch.nn.functional.pad(c, (1, 0), value=i) for i, c in enumerate(corners)])
    batches = GridBatches(Pixels.of(pictures), places, side=4)
    block = batches[0, torch.arange(len(batches))[None]]
    assert torch.equal(block["image"][0], torch.cat([grid(image, 4, "a") for image in pictures]))


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_of_a_loader(workers):
    stack = torch.arange(SIZE, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 2, 2).contiguous()
    state = torch.get_rng_state()
    sampler = BatchSampler(2 * SIZE, BATCH, seed=0)
    loader = BatchLoader(StackBatches(stack, repeat=2), sampler, seed=0, workers=workers)
    batches = list(loader)
    assert torch.equal(torch.get_rng_state(), state)
    assert [len(batch["image"]) for batch in batches] == [4] * 11
    assert len(loader) == 11
    assert batches[0]["image"].dtype == torch.uint8
    for batch in batches:
        assert torch.equal(batch["image"][:, 0, 0, 0].long(), batch["index"])
    assert sorted(torch.cat([b["index"] for b in batches]).tolist()) == sorted([*range(SIZE)] * 2)
    assert len(list(loader)) == 11  # a second time, without anyone naming an epoch


def every_kind() -> list:
    """A data set of each kind, of patches of 4 pixels."""
    pictures = images()
    places = torch.tensor([[0, 0, 0], [1, 3, 2], [2, 5, 8]])
    stack = StackBatches(torch.stack([image[:, :4, :4] for image in pictures]), repeat=2)
    grids, crops = GridBatches(Pixels.of(pictures), places, 4), CropBatches(Pixels.of(pictures), 4, 2, seed=1)
    return [stack, grids, crops, TurnedBatches(crops, seed=2)]


@pytest.mark.parametrize("kind", range(4))
def test_a_data_set_on_another_device_makes_the_same_batches_there(kind):
    data = every_kind()[kind]
    key = 3, torch.arange(len(data))
    before = data[key]
    same = data.to(torch.device("cpu"))
    assert same is not data
    assert len(same) == len(data)
    assert all(torch.equal(same[key][name], before[name]) for name in ("image", "index"))
    moved = data.to(torch.device("meta"))  # a device that computes shapes alone
    assert moved[key]["image"].device.type == "meta"
    assert moved[key]["image"].shape == before["image"].shape
    assert moved.sample_bytes == data.sample_bytes
    assert (moved.pixels.nbytes, data.pixels.nbytes) == (data.pixels.nbytes,) * 2
    assert torch.equal(data[key]["image"], before["image"])  # and the one that was copied stays where it is
