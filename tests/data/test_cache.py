"""A set that does not fit into memory: decoded once, mapped, and the same patches as from memory."""

import os
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.data import build_data
from imaging.data.batches import CropBatches, GridBatches
from imaging.data.cache import cached_pixels
from imaging.data.pixels import MappedPixels, Pixels
from imaging.errors import ImagingError

KEY = ["some", 1]


def pictures(count: int = 20) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return [torch.randint(0, 256, (3, 40 + i, 50), generator=random, dtype=torch.uint8) for i in range(count)]


@pytest.fixture
def folder(tmp_path):
    """A training and a test directory of PNG files of those pictures."""
    for index, picture in enumerate(pictures()):
        path = tmp_path / ("train" if index < 18 else "test") / f"{index:02d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)
    return tmp_path


def settings(folder, **changes) -> dict:
    source = {"name": "folder", "train": str(folder / "train"), "test": str(folder / "test")}
    return {
        "source": source,
        "patch_size": 16,
        "validation_images": 2,
        "cache": str(folder / "cache"),
    } | changes


@pytest.fixture
def reads(monkeypatch):
    """The files that were decoded."""
    from imaging.data.sources import folder

    seen = []
    read = folder.read_image
    monkeypatch.setattr(folder, "read_image", lambda path, *rest: seen.append(path) or read(path, *rest))
    return seen


@pytest.mark.parametrize("crops", [True, False])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_batches_are_those_from_memory(crops, workers, folder):
    both = []
    for memory_gib in (0, 1):
        data = build_data(settings(folder, memory_gib=memory_gib, random_crop=crops, workers=workers))
        data.setup("fit")
        both.append([batch["image"] for batch in data.train_dataloader()])
        mapped = isinstance(data._train, GridBatches | CropBatches)
        assert mapped and isinstance(data._train.pixels, MappedPixels) if memory_gib == 0 else True
    assert len(both[0]) == len(both[1]) > 0
    assert all(torch.equal(a, b) for a, b in zip(*both, strict=True))


def test_nothing_is_decoded_again_until_a_file_changes(folder, reads):
    def decoded() -> int:
        reads.clear()
        data = build_data(settings(folder, memory_gib=0))
        data.setup("fit")
        list(data.train_dataloader())
        return len(reads)

    assert decoded() == 16 + 2  # the training images, and those of the validation, which stay in memory
    assert decoded() == 2
    os.utime(folder / "train" / "03.png", (1, 1))
    assert decoded() == 16 + 2


def test_images_of_16_bits_among_others_make_all_of_them_floats(tmp_path):
    images = pictures(3)
    deep = torch.rand(3, 8, 9)
    pixels = cached_pixels(tmp_path, KEY, 4, [*images, deep].__getitem__)
    assert pixels.flat.dtype == torch.float32
    assert torch.equal(pixels.flat[-deep.numel() :].view(deep.shape), deep)
    first = pixels.patches(torch.tensor([0]), torch.tensor([3]), torch.tensor([4]), 10)[0]
    assert torch.equal(first, images[0][:, 3:13, 4:14].float() / 255)


def test_two_at_once_decode_once(tmp_path):
    read = []

    def one(index: int) -> torch.Tensor:
        read.append(index)
        return pictures(3)[index]

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: cached_pixels(tmp_path, KEY, 3, one), range(2)))
    assert sorted(read) == [0, 1, 2]
    assert torch.equal(made[0].flat, made[1].flat)


def test_what_was_half_made_is_made_anew(tmp_path):
    def fail(index: int) -> torch.Tensor:
        if index == 2:
            raise ImagingError("a broken file")
        return pictures(3)[index]

    with pytest.raises(ImagingError, match="a broken file"):
        cached_pixels(tmp_path, KEY, 3, fail)
    assert not list(tmp_path.glob("*.p*"))
    assert len(cached_pixels(tmp_path, KEY, 3, pictures(3).__getitem__)) == 3


@pytest.mark.parametrize("damage", ["pixels gone", "pixels short", "index broken", "index of less"])
def test_what_was_damaged_is_made_anew(damage, tmp_path):
    whole = cached_pixels(tmp_path, KEY, 3, pictures(3).__getitem__).flat.clone()
    (pixels,), (index,) = tmp_path.glob("*.pixels"), tmp_path.glob("*.json")
    if damage == "pixels gone":
        pixels.unlink()
    elif damage == "pixels short":
        os.truncate(pixels, 1000)
    else:
        index.write_text("{" if damage == "index broken" else "{}")
    assert torch.equal(cached_pixels(tmp_path, KEY, 3, pictures(3).__getitem__).flat, whole)


def test_a_place_that_cannot_be_written_is_told_with_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ImagingError, match="set IMAGING_CACHE to a directory with space"):
        cached_pixels(tmp_path / "file", KEY, 3, pictures(3).__getitem__)


def resident() -> int:
    """Bytes of this process's memory, mapped files included."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="counts memory as Linux does")
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("imaging.data.pixels.RESIDENT_BYTES", 32 * 2**20)
    count, side = 6, 6000  # 6 images of 36 MB
    image = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (1, side, side), dtype=np.uint8))
    pixels = cached_pixels(tmp_path, KEY, count, lambda index: image)
    before, highest = resident(), 0
    for index in torch.arange(count * 40):
        top = index // count * 140
        pixels.patches(index[None] % count, top[None], torch.tensor([0]), 512)
        highest = max(highest, resident())
    assert highest - before < 100 * 2**20 < count * side * side / 2


def test_another_process_maps_it_itself(tmp_path):
    pixels = cached_pixels(tmp_path, KEY, 3, pictures(3).__getitem__)
    text = pickle.dumps(pixels)
    assert len(text) < 10_000
    assert torch.equal(pickle.loads(text).flat, Pixels.of(pictures(3)).flat)
