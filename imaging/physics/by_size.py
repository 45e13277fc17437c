"""What depends on an image's size alone."""

from collections.abc import Callable

import torch
from torch import Tensor


class BySize:
    """A tensor that depends on an image's size, computed once for each size, device and dtype.

    Args:
        compute: from an image size (H, W), the tensor, as exact as any dtype that is asked for.
    """

    ENTRIES = 16  # as many sizes as a data set usually mixes; a filter is as large as one channel

    def __init__(self, compute: Callable[[tuple[int, int]], Tensor]):
        self.compute = compute
        self._kept: dict[tuple, Tensor] = {}

    def __call__(self, size: tuple[int, ...], device: torch.device, dtype: torch.dtype) -> Tensor:
        key = (tuple(size), device, dtype)
        if key not in self._kept:
            if len(self._kept) >= self.ENTRIES:
                del self._kept[next(iter(self._kept))]
            # A tensor made in inference mode could not be used in training later.
            with torch.inference_mode(False):
                self._kept[key] = self.compute((size[0], size[1])).to(device, dtype)
        return self._kept[key]
