"""A lazy sequence of test images."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import accumulate

from torch import Tensor

from imaging.data.patches import grid


class ImageSequence(Sequence[tuple[str, Tensor]]):
    """A lazy sequence of `(id, image)`, image (C, H, W).

    Args:
        ids: one for each image.
        read: returns the image (C, H, W) of an index.
        patch: side of the grid patches that replace the images, with ids like "chelsea/0012"; None: whole
            images. The length of a sequence of patches needs one pass over all images.
    """

    def __init__(self, ids: list[str], read: Callable[[int], Tensor], patch: int | None = None):
        self.ids, self.read, self.patch = ids, read, patch
        # The image of the last patch, because neighbouring patches come from one image.
        self._last: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.ids) if self.patch is None else self._ends[-1]

    def __getitem__(self, index: int) -> tuple[str, Tensor]:  # type: ignore[override]  # no slices
        if not -len(self) <= index < len(self):
            raise IndexError(f"test image {index} of {len(self)}")
        index %= len(self)
        if self.patch is None:
            return self.ids[index], self.read(index)
        i = bisect_right(self._ends, index)
        within = index - (self._ends[i - 1] if i else 0)
        return f"{self.ids[i]}/{within:04d}", self._grid(i)[within]

    def _grid(self, i: int) -> Tensor:
        if self._last is None or self._last[0] != i:
            self._last = i, grid(self.read(i), self.patch, self.ids[i])
        return self._last[1]

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(len(self._grid(i)) for i in range(len(self.ids))))
