"""What an image source is."""

from typing import Protocol

from torch import Tensor


class Source(Protocol):
    """Two splits of images, "train" and "test". A source subclasses this and registers itself in `SOURCES`.

    Attributes:
        name: e.g. "bsds300"; a key of the noise at test.
    """

    name: str

    def prepare(self) -> None:
        """Download what is missing."""

    def ids(self, split: str) -> list[str]:
        """An id for each image; the noise at test depends on it."""
        raise NotImplementedError

    def read(self, split: str, index: int) -> Tensor:
        """(C, H, W): uint8 of 8-bit files, float32 in [0, 1] of 16-bit ones."""
        raise NotImplementedError

    def read_all(self, split: str) -> Tensor | None:
        """All images as uint8 (n, C, H, W), where they are many, small and of one size; else None."""
        return None

    def decoded_bytes(self, split: str) -> int:
        """What all images take in memory; 0 for sets that are known to fit."""
        return 0

    def identity(self, split: str) -> list:
        """Plain data that changes when the images do; only of sets that may not fit into memory."""
        raise NotImplementedError
