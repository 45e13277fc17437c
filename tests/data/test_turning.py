"""The eight positions of a square patch."""

import numpy as np
import pytest
import torch

from imaging.data.batches import StackBatches
from imaging.data.module import ImageData
from imaging.data.source import Source
from imaging.data.turning import TurnedBatches, turn
from imaging.errors import ImagingError


def test_the_eight_ways_are_the_symmetries_of_the_square():
    image = torch.arange(2 * 5 * 5, dtype=torch.uint8).reshape(2, 5, 5)
    ways = turn(image.expand(8, 2, 5, 5), torch.arange(8))
    expected = [
        np.rot90(image.numpy()[..., ::-1] if flip else image.numpy(), turns, (1, 2))
        for flip in (False, True)
        for turns in range(4)
    ]
    assert np.array_equal(ways.numpy(), np.stack(expected))
    assert len({way.numpy().tobytes() for way in ways}) == 8


def test_a_block_is_turned_image_by_image():
    block, ways = torch.rand(3, 4, 1, 6, 6), torch.randint(8, (3, 4))
    whole = turn(block, ways)
    for k in range(3):
        for n in range(4):
            assert torch.equal(whole[k, n], turn(block[k, n][None], ways[k, n][None])[0])


def batches(seed=0, n=64):
    images = torch.arange(16, dtype=torch.uint8).reshape(1, 1, 4, 4).repeat(n, 1, 1, 1)
    return TurnedBatches(StackBatches(images), seed)


def test_positions_depend_on_the_seed_the_epoch_and_the_index_alone():
    indices = torch.arange(64).reshape(4, 16)
    whole = batches()[0, indices]["image"]
    assert torch.equal(whole[2], batches()[0, indices[2:3]]["image"][0])
    assert not torch.equal(whole, batches()[1, indices]["image"])
    assert not torch.equal(whole, batches(seed=1)[0, indices]["image"])
    assert len(torch.unique(whole.flatten(0, 1).flatten(1), dim=0)) == 8


class Photographs(Source):
    name = "photographs"

    def prepare(self):
        pass

    def ids(self, split):
        return [f"{split}-{i}" for i in range(6)]

    def read(self, split, index):
        return torch.randint(256, (3, 20, 30), generator=torch.Generator().manual_seed(index)).to(torch.uint8)


@pytest.mark.parametrize("settings", [{}, {"random_crop": True, "crops_per_image": 8}], ids=str)
def test_augment_turns_what_training_would_see_without_it(settings):
    epochs = []
    for augment in (False, True):
        data = ImageData(Photographs(), patch_size=8, validation_images=2, augment=augment, **settings)
        data.setup("fit")
        epochs.append(torch.cat([b["image"] for b in data.train_dataloader()]))
    plain, augmented = epochs
    assert not torch.equal(plain, augmented)
    assert torch.equal(plain.flatten(1).sort().values, augmented.flatten(1).sort().values)


def test_whole_images_are_not_turned():
    with pytest.raises(ImagingError, match=r"^data\.augment needs data\.patch_size$"):
        ImageData(Photographs(), patch_size=None, augment=True)
