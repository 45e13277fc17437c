"""The `LightningDataModule` of any image source."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Literal

import torch
from pytorch_lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from imaging.data import DATA
from imaging.data.batches import CropBatches, GridBatches, StackBatches
from imaging.data.cache import cached_pixels
from imaging.data.loader import BatchLoader, BatchSampler
from imaging.data.patches import check_fits, grid, grid_places, prepare, same_type
from imaging.data.pixels import MappedPixels, Pixels
from imaging.data.sequence import ImageSequence
from imaging.data.source import refuse_conversion
from imaging.data.turning import Batches, MeasuredBatches, TurnedBatches, as_measured
from imaging.errors import ImagingError
from imaging.randomness import generator
from imaging.settings import Count, NotNegative, Positive, at_least, list_of, within

Repeats = Annotated[int, within(1, 10**6)]  # so that the samples of an epoch can be counted in 64 bits
VALIDATION_PIXELS = 1 << 18  # per batch: 256 digits or small patches, or one photograph


@DATA.register("images")
class ImageData(LightningDataModule):
    """The training, validation and test sets of a source.

    Batches are `{"image": (N, C, H, W), "index": (N,) int64}`; validation batches have `"id": list[str]`,
    too. Of a source without clean images they have `"y"` instead of `"image"`, and `"again"` if its images
    are pairs: see `MeasuredBatches`. Images are uint8, or float32 in [0, 1] from 16-bit files. The Trainer
    needs `use_distributed_sampler=False`: the ranks share each training batch (see `BatchSampler`), and every
    rank validates all images, so that their mean needs no weighting.

    A training set that fits in memory is decoded once and moved to the GPU, if there is one; a larger one is
    decoded once to a file, see `imaging.data.cache`.

    Args:
        source: an `imaging.data.source.Source`.
        clean: whether the images are clean, x; False: they are measurements, y, and there are no others.
        patch_size: train on all grid patches of this side; None: on whole images, all of one size.
        test_patch_size: validate and test on grid patches of this side; None: on whole images.
        orientation: "landscape" transposes portrait images.
        crop: [height, width]: crop larger images to this size, at the top left.
        batch_size: over all ranks.
        repeat: how often an epoch contains each training sample.
        validation_images: number of validation images, the last training images.
        hold_out: whether to exclude the validation images from training. False is for protocols that train
            on all images; the validation then does not measure generalisation.
        patches_per_image: train on at most this number of patches per image, drawn by (seed, image id).
        random_crop: train on crops of side `patch_size` at random positions, new in each epoch, instead of
            the grid. Images may differ in size.
        crops_per_image: with `random_crop`, the crops of each image in an epoch.
        augment: turn and flip each patch at random, anew in each epoch.
        max_test_images: test on at most this number of images, the first ones.
        mean, std: of the training images' intensities, for tasks that normalise; not applied here.
        workers: processes that prepare training batches; 0 is best unless the disk is slow.
        memory_gib: decode to a file if the decoded training images exceed this size; data sets that are
            known to be small are never decoded to a file.
        cache: the directory of these files.
        seed: of the order, the patches and the crops.

    Raises:
        ImagingError: settings that exclude each other or are out of range; in `prepare_data` and `setup`,
            images that are missing, unreadable, too small or too few.

    Examples:
        >>> from imaging.data import build_data
        >>> data = build_data({"source": {"name": "bundled"}, "patches_per_image": 100, "batch_size": 16})
        >>> data.setup("fit")
        >>> next(iter(data.train_dataloader()))["image"].shape
        torch.Size([16, 3, 32, 32])
    """

    def __init__(
        self,
        source,
        clean: bool = True,
        patch_size: Count | None = 32,
        test_patch_size: Count | None = None,
        orientation: Literal["landscape"] | None = None,
        crop: Annotated[list, list_of("[height, width] in pixels", Count, length=2)] | None = None,
        batch_size: Count = 32,
        repeat: Repeats = 1,
        validation_images: Annotated[int, at_least(0)] = 4,
        hold_out: bool = True,
        patches_per_image: Count | None = None,
        random_crop: bool = False,
        crops_per_image: Repeats = 16,
        augment: bool = False,
        max_test_images: Count | None = None,
        mean: float = 0.4,
        std: Positive = 0.25,
        workers: Annotated[int, within(0, 256)] = 0,
        memory_gib: NotNegative = 2.0,
        cache: str = ".cache",
        seed: int = 0,
    ):
        super().__init__()
        self.source, self.clean = source, clean
        self.patch_size, self.test_patch_size = patch_size, test_patch_size
        self.orientation, self.crop = orientation, crop
        self.batch_size, self.repeat, self.workers, self.seed = batch_size, repeat, workers, seed
        self.validation_images, self.hold_out = validation_images, hold_out
        self.patches_per_image, self.max_test_images = patches_per_image, max_test_images
        self.random_crop, self.crops_per_image, self.augment = random_crop, crops_per_image, augment
        self.mean, self.std = mean, std
        self.memory_gib, self.cache = memory_gib, Path(cache)
        self._check_settings()
        self._train: Batches | None = None
        self._validation: list[dict] | None = None

    def _check_settings(self) -> None:
        if self.clean and self.source.pairs:
            raise ImagingError(
                f"data={self.source.name} has pairs of measurements and no clean images: set data.clean=false"
            )
        for key in ("random_crop", "patches_per_image", "augment"):
            if self.patch_size is None and getattr(self, key):
                raise ImagingError(f"data.{key} needs data.patch_size")
        if self.random_crop and self.patches_per_image:
            raise ImagingError(
                "data.patches_per_image is for the grid; with data.random_crop set data.crops_per_image"
            )

    def prepare_data(self) -> None:
        """Download missing images."""
        self.source.prepare()

    def setup(self, stage: str | None = None) -> None:
        """Read and decode the images for a stage: "fit", "validate", "test", or None for all; once."""
        if stage in (None, "fit", "validate") and self._validation is None:
            self._validation = self._validation_batches()
        if stage in (None, "fit") and self._train is None:
            images = self._training_set()
            train = TurnedBatches(images, self.seed) if self.augment else images
            self._train = train if self.clean else MeasuredBatches(train, self.source.pairs)

    def train_dataloader(self) -> BatchLoader:
        trainer, place = self.trainer, {}
        if trainer is not None:
            self._to_device(self._device)
            place = {
                "rank": trainer.global_rank,
                "world_size": trainer.world_size,
                "epoch": trainer.current_epoch,
            }
        sampler = BatchSampler(len(self._train), self.batch_size, self.seed, **place)
        pin = self._device.type == "cuda" and not self._train.pixels.is_cuda
        return BatchLoader(self._train, sampler, self.seed, self.workers, pin)

    @property
    def _device(self) -> torch.device:
        """Of the trainer, if there is one."""
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device

    def _to_device(self, device: torch.device) -> None:
        """Move the training set to a GPU if it takes less than a quarter of its free memory."""
        pixels = self._train.pixels
        if device.type != "cuda" or self.workers or pixels.is_cuda or isinstance(pixels, MappedPixels):
            return
        if pixels.nbytes < torch.cuda.mem_get_info(device)[0] / 4:
            self._train = self._train.to(device)

    def steps_per_epoch(self, world_size: int = 1) -> int:
        """The number of optimiser steps in an epoch.

        Raises:
            ImagingError: the ranks cannot share the batches; see `BatchSampler`.
        """
        return len(BatchSampler(len(self._train), self.batch_size, 0, world_size=world_size))

    def state_dict(self) -> dict:
        """What relates a step to its images, for checkpoints."""
        sizes = {"data_size": len(self._train), "batch_size": self.batch_size}
        return sizes | {"names_of_images": self.source.digest_of_names("train")}

    def load_state_dict(self, state: dict) -> None:
        """Check that steps of a checkpoint have the same images here.

        Raises:
            ImagingError: the number of samples, the batch size or the names of the images differ.
        """
        for key, value in self.state_dict().items():
            if state.get(key, value) != value:  # older checkpoints have no names
                raise ImagingError(
                    f"the checkpoint was trained with {key.replace('_', ' ')} {state[key]}, this run has "
                    f"{value}: resume with the same data settings, or start a new run"
                )

    def val_dataloader(self) -> DataLoader:
        # The batches are in memory. Without a generator torch draws a seed from the global state.
        return DataLoader(
            self._validation,  # type: ignore[arg-type]  # any sequence will do
            batch_size=None,
            generator=generator(self.seed, "workers"),
            pin_memory=self._device.type == "cuda",
        )

    def test_images(self) -> ImageSequence:
        """The test images as a lazy sequence of (id, (C, H, W)), or (id, (2 C, H, W)); needs no `setup`.

        Raises:
            ImagingError: the source has no test images.
        """
        self.prepare_data()
        ids = self.source.ids("test")[: self.max_test_images]
        if not ids:
            raise ImagingError(f"data set {self.source.name} has no test images")
        refuse_conversion(self.source, "test", self.clean)
        return ImageSequence(ids, self._read_test, self.test_patch_size)

    def _read_train(self, index: int) -> Tensor:
        return prepare(self.source.read("train", index), self.orientation, self.crop)

    def _read_test(self, index: int) -> Tensor:
        return prepare(self.source.read("test", index), self.orientation, self.crop)

    def _split(self) -> tuple[list[str], range, range]:
        """The ids of all training images, and the indices for training and for validation."""
        refuse_conversion(self.source, "train", self.clean)
        ids = self.source.ids("train")
        validation = min(self.validation_images, len(ids))
        training = len(ids) - validation if self.hold_out else len(ids)
        if not ids:
            raise ImagingError(f"data set {self.source.name} has no training images")
        if not training:
            raise ImagingError(
                f"data.validation_images is {self.validation_images}, which holds out all {len(ids)} "
                f"training images of {self.source.name}: choose fewer, or data.hold_out=false"
            )
        return ids, range(training), range(len(ids) - validation, len(ids))

    def _load(self, indices: range) -> Tensor | list[Tensor]:
        """Load and prepare training images: a stack if the source has one, else a list."""
        stack = self.source.read_all("train")
        if stack is not None:
            return prepare(stack[indices.start : indices.stop], self.orientation, self.crop)
        with ThreadPoolExecutor(max_workers=8) as pool:  # decoders release the interpreter lock
            return list(pool.map(self._read_train, indices))

    def _training_set(self) -> StackBatches | GridBatches | CropBatches:
        ids, training, _ = self._split()
        mapped = None
        if self.patch_size is not None and self.source.decoded_bytes("train") > self.memory_gib * 2**30:
            key = [self.source.identity("train"), self.orientation, self.crop, len(training)]
            mapped = cached_pixels(self.cache, key, len(training), self._read_train)
            for name, size in zip(ids, mapped.sizes.tolist(), strict=False):
                check_fits(size, self.patch_size, name)
        images = self._load(training) if mapped is None else []
        if self.random_crop:
            for name, image in zip(ids, images, strict=False):
                check_fits(image.shape[-2:], self.patch_size, name)
            pixels = mapped or Pixels.of(same_type(list(images)))
            return CropBatches(pixels, self.patch_size, self.crops_per_image * self.repeat, self.seed)
        if mapped is not None:
            places = []
            for index, (name, size) in enumerate(zip(ids, mapped.sizes.tolist(), strict=False)):
                corners = self._choose(grid_places(size, self.patch_size), name)
                places.append(torch.cat([torch.full((len(corners), 1), index), corners], dim=1))
            return GridBatches(mapped, torch.cat(places), self.patch_size, self.repeat)
        if self.patch_size is not None:
            pairs = zip(ids, images, strict=False)
            patches = [self._choose(grid(image, self.patch_size, name), name) for name, image in pairs]
            return StackBatches(torch.cat(same_type(patches)), self.repeat)
        if isinstance(images, Tensor):
            return StackBatches(images, self.repeat)
        for name, image in zip(ids, images, strict=False):
            if image.shape != images[0].shape:
                raise ImagingError(
                    f"training on whole images needs one size, but {ids[0]} is {tuple(images[0].shape[1:])} "
                    f"and {name} is {tuple(image.shape[1:])}: set data.patch_size or data.crop"
                )
        return StackBatches(torch.stack(same_type(images)), self.repeat)

    def _choose(self, patches: Tensor, name: str) -> Tensor:
        if self.patches_per_image is None or self.patches_per_image >= len(patches):
            return patches
        order = torch.randperm(len(patches), generator=generator(self.seed, "patches", name))
        return patches[order[: self.patches_per_image].sort().values]

    def _validation_batches(self) -> list[dict]:
        ids, _, indices = self._split()
        images = self._load(indices)
        samples = list(ImageSequence([ids[i] for i in indices], images.__getitem__, self.test_patch_size))
        shapes = {image.shape for _, image in samples}
        size = max(1, min(256, VALIDATION_PIXELS // samples[0][1][0].numel())) if len(shapes) == 1 else 1
        batches = []
        for start in range(0, len(samples), size):
            names, group = zip(*samples[start : start + size], strict=True)
            index = torch.arange(start, start + len(group))
            batches.append({"image": torch.stack(same_type(list(group))), "index": index, "id": list(names)})
        return batches if self.clean else [as_measured(batch, self.source.pairs) for batch in batches]
