"""Training, validation and test sets of a source."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.data import ImageData, build_data
from imaging.data.batches import CropBatches, StackBatches
from imaging.data.source import Source
from imaging.errors import ImagingError


class Fake(Source):
    """A source of given images, test images being the training images."""

    name = "fake"

    def __init__(self, images):
        self.images = images

    def prepare(self):
        pass

    def ids(self, split):
        return [f"i{index}" for index in range(len(self.images))]

    def read(self, split, index):
        return self.images[index]


class FakeStack(Fake):
    def read_all(self, split):
        return self.images


def numbered(count, height=8, width=12):
    """uint8 images of which each has its number in every pixel."""
    return [torch.full((1, height, width), index, dtype=torch.uint8) for index in range(count)]


def ready(source, **settings) -> ImageData:
    data = ImageData(source, **{"patch_size": None} | settings)
    data.prepare_data()
    data.setup("fit")
    return data


def trained_on(data: ImageData) -> list[int]:
    """The number of the image behind each sample of an epoch."""
    return sorted(torch.cat([batch["image"][:, 0, 0, 0] for batch in data.train_dataloader()]).tolist())


def test_the_last_images_are_held_out_or_only_watched():
    held = ready(Fake(numbered(6)), validation_images=2)
    assert trained_on(held) == [0, 1, 2, 3]
    watched = ready(Fake(numbered(6)), validation_images=2, hold_out=False)
    assert trained_on(watched) == [0, 1, 2, 3, 4, 5]
    for data in (held, watched):
        batches = list(data.val_dataloader())
        assert [name for batch in batches for name in batch["id"]] == ["i4", "i5"]
        assert torch.cat([batch["image"] for batch in batches])[:, 0, 0, 0].tolist() == [4, 5]


def test_grid_patches_and_repeats():
    data = ready(Fake(numbered(4)), validation_images=1, patch_size=4, repeat=2, batch_size=5)
    assert trained_on(data) == sorted([0, 1, 2] * 6 * 2)
    assert next(iter(data.train_dataloader()))["image"].dtype == torch.uint8
    few = ready(Fake(numbered(4)), validation_images=1, patch_size=4, patches_per_image=2)
    assert trained_on(few) == [0, 0, 1, 1, 2, 2]


def test_chosen_patches_depend_on_the_seed_and_the_image():
    image = torch.arange(96, dtype=torch.uint8).reshape(1, 8, 12)
    settings = {"validation_images": 0, "patch_size": 2, "patches_per_image": 6}
    first, again = (ready(Fake([image, image]), **settings) for _ in range(2))
    chosen = first.train_dataloader().dataset.images
    assert torch.equal(chosen, again.train_dataloader().dataset.images)
    assert not torch.equal(chosen[:6], chosen[6:])
    other = ready(Fake([image, image]), seed=1, **settings).train_dataloader().dataset.images
    assert not torch.equal(chosen, other)


def test_random_crops_of_images_of_different_sizes():
    images = numbered(2) + numbered(2, 5, 5)
    data = ready(Fake(images), validation_images=0, patch_size=5, random_crop=True, crops_per_image=3)
    batch = next(iter(data.train_dataloader()))
    assert batch["image"].shape == (12, 1, 5, 5)
    with pytest.raises(ImagingError, match="i2 is 5x5 pixels"):
        ready(Fake(images), validation_images=0, patch_size=6, random_crop=True)


def test_a_stack_is_one_tensor_and_validates_in_large_batches():
    images = torch.stack(numbered(10, 6, 6) * 30)
    data = ready(FakeStack(images), validation_images=290, crop=[4, 6])
    assert trained_on(data) == list(range(10))
    assert [len(batch["id"]) for batch in data.val_dataloader()] == [256, 34]
    assert next(iter(data.val_dataloader()))["image"].shape == (256, 1, 4, 6)


def test_validation_of_photographs_and_of_their_patches():
    images = numbered(2) + numbered(1, 600, 600) + numbered(1, 700, 500)
    data = ready(Fake(images), validation_images=2, patch_size=4)
    assert [batch["image"].shape[-2:] for batch in data.val_dataloader()] == [(600, 600), (700, 500)]
    patches = ready(Fake(images[:2]), validation_images=1, patch_size=4, test_patch_size=4)
    (batch,) = patches.val_dataloader()
    assert batch["image"].shape == (6, 1, 4, 4)
    assert batch["id"][1] == "i1/0001"


def test_test_images_are_lazy_and_prepared():
    read = []

    class Noting(Fake):
        def read(self, split, index):
            read.append(index)
            return self.images[index]

    data = ImageData(Noting(numbered(5, 12, 8)), orientation="landscape", crop=[8, 10], max_test_images=3)
    images = data.test_images()
    assert (len(images), read) == (3, [])
    assert [(name, tuple(image.shape)) for name, image in images] == [(f"i{i}", (1, 8, 10)) for i in range(3)]
    assert read == [0, 1, 2]
    patches = ImageData(Fake(numbered(2)), test_patch_size=4).test_images()
    assert len(patches) == 12
    assert [name for name, _ in patches][5:7] == ["i0/0005", "i1/0000"]
    assert patches[-1][1].shape == (1, 4, 4)


def test_8_and_16_bit_images_train_together():
    data = ready(Fake([*numbered(1), torch.rand(1, 8, 12)]), validation_images=0, patch_size=4)
    assert data.train_dataloader().dataset.images.dtype == torch.float32


@pytest.mark.parametrize("settings", [{}, {"patch_size": 4, "random_crop": True}], ids=str)
@pytest.mark.parametrize(
    ("device", "free", "workers", "moves"),
    [
        ("cuda", 4 * 480 + 4, 0, True),
        ("cuda", 4 * 480, 0, False),  # a quarter, not less
        ("cuda", 10**9, 1, False),  # workers are other processes
        ("cpu", 10**9, 0, False),
    ],
)
def test_small_pixels_are_kept_on_a_gpu(device, free, workers, moves, settings, monkeypatch):
    copies = []
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10**10))
    for kind in (StackBatches, CropBatches):
        monkeypatch.setattr(kind, "to", lambda data, device: copies.append(device) or data)
    data = ready(Fake(numbered(6)), validation_images=1, workers=workers, **settings)
    assert data._train.pixels.nbytes == 480
    strategy = SimpleNamespace(root_device=torch.device(device))
    data.trainer = SimpleNamespace(strategy=strategy, global_rank=0, world_size=1, current_epoch=0)
    data.train_dataloader()
    assert copies == [strategy.root_device] * moves


def test_setup_is_done_once():
    data = ready(Fake(numbered(3)), validation_images=1)
    before = data.train_dataloader().dataset
    data.setup("fit")
    assert data.train_dataloader().dataset is before


@pytest.mark.parametrize(
    ("images", "settings", "message"),
    [
        ([], {}, "no training images"),
        (numbered(3), {"validation_images": 3}, "holds out all 3 training images"),
        (numbered(3) + numbered(3, 9, 9), {"validation_images": 1}, "needs one size, but i0 is"),
        (numbered(3), {"patch_size": 9, "validation_images": 1}, "i0 is 8x12 pixels, smaller than the patch"),
        (numbered(3), {"crop": [9]}, "data.crop is"),
        (numbered(3), {"orientation": "portrait"}, "expected landscape"),
        (numbered(3), {"batch_size": 0}, "data.batch_size is 0"),
        (numbered(3), {"workers": -1}, "data.workers is -1"),
        (numbered(3), {"random_crop": True}, "needs data.patch_size"),
        (numbered(3), {"random_crop": True, "patch_size": 2, "patches_per_image": 2}, "is for the grid"),
    ],
)
def test_what_cannot_work_is_refused_before_training(images, settings, message):
    with pytest.raises(ImagingError, match=message) as error:
        ready(Fake(images), **settings)
    assert "\n" not in str(error.value)


def test_build_data_from_a_config(tmp_path):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    config = {"source": {"name": "folder", "train": str(tmp_path)}, "patch_size": 4, "validation_images": 0}
    data = build_data(config)
    data.setup("fit")
    assert len(data.train_dataloader().dataset) == 4
    assert list(data.val_dataloader()) == []
    with pytest.raises(ImagingError, match=r"no setting 'patch_sise' \(did you mean 'patch_size'\?\)"):
        build_data({**config, "patch_sise": 4})
    with pytest.raises(ImagingError, match=r"unknown data\.source 'bsds30'"):
        build_data({"source": {"name": "bsds30"}})
    with pytest.raises(ImagingError, match=r"data\.source is None"):
        build_data({})


def test_trains_with_and_without_validation_images():
    import pytorch_lightning as pl

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight, self.validated = torch.nn.Parameter(torch.zeros(1)), []

        def training_step(self, batch, batch_idx):
            return self.weight * batch["image"].float().mean()

        def validation_step(self, batch, batch_idx):
            self.validated += batch["id"]

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=0.1)

    for count, expected in ((2, ["i2", "i3"]), (0, [])):
        module = Module()
        data = ImageData(Fake(numbered(4)), patch_size=None, validation_images=count, batch_size=2)
        pl.Trainer(
            accelerator="cpu",
            max_epochs=1,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        ).fit(module, datamodule=data)
        assert module.validated == expected


@pytest.mark.data
def test_the_patches_of_the_bias_ablation(data_root):
    source = {"name": "bsds300", "root": str(data_root)}
    data = build_data({"source": source, "patch_size": 32, "orientation": "landscape", "hold_out": False})
    data.setup("fit")
    assert data.train_dataloader().dataset.images.shape == (30000, 3, 32, 32)
    assert all(batch["image"].shape == (1, 3, 321, 481) for batch in data.val_dataloader())


def test_a_checkpoint_of_other_data_is_refused():
    state = ready(Fake(numbered(6)), validation_images=2, batch_size=4).state_dict()
    with pytest.raises(ImagingError, match="batch size 4, this run has 5"):
        ready(Fake(numbered(6)), validation_images=2, batch_size=5).load_state_dict(state)
    with pytest.raises(ImagingError, match="data size 4, this run has 5"):
        ready(Fake(numbered(7)), validation_images=2, batch_size=4).load_state_dict(state)
    ready(Fake(numbered(6)), validation_images=2, batch_size=4).load_state_dict(state)


@pytest.mark.parametrize(
    "settings", [{"crops_per_image": 10**20}, {"repeat": 10**20}, {"repeat": 2**62}, {"repeat": 0}]
)
def test_an_epoch_of_more_samples_than_can_be_counted_is_refused(settings):
    config = {"source": {"name": "bundled"}, "random_crop": True}
    with pytest.raises(ImagingError, match="expected a whole number, from 1 to 1000000"):
        build_data(config | settings)
    most = build_data(config | {"crops_per_image": 10**6, "repeat": 10**6, "crop": [64, 64]})
    most.setup("fit")
    assert len(most.train_dataloader().dataset) == 2 * 10**12  # of two images
