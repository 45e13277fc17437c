"""Pairs of directories with two measurements of each scene."""

import torch
from torch import Tensor

from imaging.data import SOURCES
from imaging.data.patches import same_type
from imaging.data.source import Source
from imaging.data.sources.folder import Folder
from imaging.errors import ImagingError
from imaging.images.reading import Channels


@SOURCES.register("folder_pairs")
class FolderPairs(Source):
    """Two measurements of each scene, from two directories with the same file names.

    Each directory is read as by `imaging.data.sources.folder.Folder`.

    Args:
        train, train_again: directories of the training images, or None.
        test, test_again: directories of the test images, or None.
        channels: of a measurement: 3 = RGB, 1 = gray.
    """

    name = "folder_pairs"
    pairs = True

    def __init__(
        self,
        train: str | None = None,
        train_again: str | None = None,
        test: str | None = None,
        test_again: str | None = None,
        channels: Channels = 3,
    ):
        self.first = Folder(train, test, channels)
        self.second = Folder(train_again, test_again, channels)

    def prepare(self) -> None:
        """Check that the directories have the same images.

        Raises:
            ImagingError: they do not.
        """
        for split, directory in self.first.directories.items():
            if directory is not None:
                self.ids(split)

    def ids(self, split: str) -> list[str]:
        ids, others = self.first.ids(split), self.second.ids(split)
        if ids != others:
            alone = sorted({*ids} ^ {*others})[0]
            raise ImagingError(
                f"data.source.{split}: {self.first.directories[split]} and {self.second.directories[split]} "
                f"differ in {alone}; expected two measurements of each scene, with the same file names"
            )
        return ids

    def read(self, split: str, index: int) -> Tensor:
        """Read a pair (2 · channels, H, W): uint8, or float32 in [0, 1] if a file has 16 bits.

        Raises:
            ImagingError: the two differ in size.
        """
        both = [source.read(split, index) for source in (self.first, self.second)]
        if both[0].shape != both[1].shape:
            sizes = " and ".join(f"{image.shape[-2]}x{image.shape[-1]}" for image in both)
            raise ImagingError(f"the two measurements of {self.ids(split)[index]} are {sizes} pixels")
        return torch.cat(same_type(both))

    def converts(self, split: str) -> bool:
        """Whether the first image has another number of channels than it is read with."""
        return self.first.converts(split) or self.second.converts(split)

    def decoded_bytes(self, split: str) -> int:
        """The size in bytes of all decoded images of a split, from the files' headers."""
        return self.first.decoded_bytes(split) + self.second.decoded_bytes(split)

    def identity(self, split: str) -> list:
        """Plain data that changes when the images do."""
        return [self.first.identity(split), self.second.identity(split)]
