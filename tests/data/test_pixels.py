"""Patches from a mapped file: the same as from memory, and without keeping the file in memory."""

import mmap

import numpy as np
import pytest
import torch

from imaging.data import pixels as module
from imaging.data.pixels import MappedPixels, Pixels, resident_file_bytes


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> tuple[MappedPixels, Pixels]:
    """Sixteen images of 3×1000×1400 pixels, 67 MB, in a file and in memory."""
    path = tmp_path_factory.mktemp("pixels") / "a.pixels"
    values = np.random.default_rng(0).integers(0, 256, 16 * 3 * 1000 * 1400, dtype=np.uint8)
    values.tofile(path)
    sizes = torch.tensor([[1000, 1400]] * 16)
    return MappedPixels(path, torch.uint8, sizes, 3), Pixels(torch.from_numpy(values), sizes, 3)


def places(*shape: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return tuple(torch.randint(high, shape, generator=random) for high in (16, 1000 - 64, 1400 - 64))


@pytest.mark.parametrize("shape", [(1,), (100,), (3, 50)], ids=str)
def test_patches_of_a_file_are_those_of_memory(images, shape):
    mapped, stored = images
    assert torch.equal(mapped.patches(*places(*shape), 64), stored.patches(*places(*shape), 64))


@pytest.mark.skipif(resident_file_bytes() is None, reason="needs Linux's /proc")
@pytest.mark.parametrize("together", [8, 400])
def test_the_file_does_not_stay_in_memory(images, together, monkeypatch):
    mapped, _ = images
    monkeypatch.setattr(module, "RESIDENT_BYTES", 4 * 2**20)
    mapped._map.madvise(mmap.MADV_DONTNEED)
    before, highest = resident_file_bytes(), 0
    for first in range(0, 800, together):
        mapped.patches(*(t[first : first + together] for t in places(800)), 64)
        highest = max(highest, resident_file_bytes() - before)
    assert highest < 16 * 2**20  # of 67 MB
