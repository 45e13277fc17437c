"""A cache of tensors by image size."""

from collections.abc import Callable

import torch
from torch import Tensor


class BySize:
    """A tensor that depends only on an image's size, computed once for each size, device and dtype.

    Args:
        compute: returns the tensor for an image size (H, W), in the highest precision that is needed.
    """

    ENTRIES = 16  # data sets rarely mix more sizes; a filter is as large as one channel

    def __init__(self, compute: Callable[[tuple[int, int]], Tensor]):
        self.compute = compute
        self._cache: dict[tuple, Tensor] = {}

    def __call__(self, size: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
        """The tensor for images of `size` = (H, W)."""
        key = (tuple(size), device, dtype)
        if key not in self._cache:
            if len(self._cache) >= self.ENTRIES:
                del self._cache[next(iter(self._cache))]
            # A tensor created in inference mode cannot be used in training.
            with torch.inference_mode(False):
                self._cache[key] = self.compute((size[0], size[1])).to(device, dtype)
        return self._cache[key]
