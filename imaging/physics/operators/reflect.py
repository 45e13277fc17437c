"""Mirrored borders, and their adjoint."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from imaging.shapes import Images


def reflect(x: Images, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """Mirror x about the centres of its border pixels, as `reflect` in NumPy and torch.

    Args:
        x: (N, C, H, W).
        before, after: padding of the rows and of the columns, less than H and W.

    Returns:
        (N, C, H + before[0] + after[0], W + before[1] + after[1]).
    """
    (top, left), (bottom, right) = before, after
    return F.pad(x, (left, right, top, bottom), mode="reflect")


def reflect_adjoint(y: Images, before: Sequence[int], after: Sequence[int]) -> Tensor:
    """The adjoint of `reflect`: each padded pixel is added to the pixel of which it is the mirror image.

    Args:
        y: (N, C, H + before[0] + after[0], W + before[1] + after[1]).
        before, after: as in `reflect`.

    Returns:
        (N, C, H, W).
    """
    return _fold(_fold(y.mT, before[0], after[0]).mT, before[1], after[1])


def _fold(y: Tensor, before: int, after: int) -> Tensor:
    """The adjoint of `reflect` along the last dimension."""
    size = y.shape[-1] - before - after
    first, inner, last = y.split([before, size, after], dim=-1)
    inner = inner + F.pad(first.flip(-1), (1, size - 1 - before))
    return inner + F.pad(last.flip(-1), (size - 1 - after, 1))
