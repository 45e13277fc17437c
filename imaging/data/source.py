"""The interface of an image source."""

import functools
import hashlib
from typing import Protocol

from torch import Tensor

from imaging.errors import ImagingError


class Source(Protocol):
    """Images in two splits, "train" and "test". A source subclasses this and registers itself in `SOURCES`.

    Attributes:
        name: e.g. "bsds300"; the noise of the test depends on it.
        pairs: whether each image is a pair of measurements of one scene, (2 C, H, W).
    """

    name: str
    pairs: bool = False

    def prepare(self) -> None:
        """Download missing images."""

    def ids(self, split: str) -> list[str]:
        """The id of each image; the noise of the test depends on it."""
        raise NotImplementedError

    def read(self, split: str, index: int) -> Tensor:
        """Read an image (C, H, W): uint8 from 8-bit files, float32 in [0, 1] from 16-bit files."""
        raise NotImplementedError

    def read_all(self, split: str) -> Tensor | None:
        """Read all images as uint8 (n, C, H, W), if they are many, small and of one size; else None."""
        return None

    def decoded_bytes(self, split: str) -> int:
        """The size in bytes of all decoded images; 0 for a data set that is known to fit in memory."""
        return 0

    def converts(self, split: str) -> bool:
        """Whether the images are converted between gray and RGB, which changes the noise of measurements."""
        return False

    @functools.cache  # noqa: B019 - there are few sources, and they live as long as the process
    def digest_of_names(self, split: str) -> str:
        """A digest of the ids of a split, in their order."""
        names = "\n".join(self.ids(split))
        return hashlib.blake2b(names.encode(errors="surrogateescape"), digest_size=8).hexdigest()

    def identity(self, split: str) -> list:
        """Plain data that changes when the images do; only for a data set that may not fit in memory."""
        raise NotImplementedError


def refuse_conversion(source: Source, split: str, clean: bool) -> None:
    """Raise an ImagingError if measurements would be converted between gray and RGB."""
    if not clean and source.converts(split):
        raise ImagingError(
            f"the {split} images are gray or RGB, and data.source.channels says the other, which would "
            "change their noise: set data.source.channels=3 for RGB, 1 for gray"
        )
