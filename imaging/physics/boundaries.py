"""Periodic continuation of photographs, for filters that assume periodic images."""

from collections.abc import Sequence

import torch
from torch import Tensor


def fill(image: Tensor, size: Sequence[int], first: Sequence[int]) -> Tensor:
    """Continue an image so that it is smooth as a periodic image of another size.

    Otherwise circular filters ring at the borders. Beyond each border is the mirrored image, which fades into
    the mirrored image of the opposite border.

    Args:
        image: float (…, H, W).
        size: (height, width) of the result, at least those of the image.
        first: the row and the column of the image's first pixel in the result.

    Returns:
        (…, height, width).

    Examples:
        >>> fill(torch.tensor([[0.0, 1.0]]), (1, 4), (0, 1))
        tensor([[0., 0., 1., 1.]])
    """
    for dim, side, offset in zip((-2, -1), size, first, strict=True):
        n = image.shape[dim]
        gap = torch.arange(side - n, device=image.device)
        if not len(gap):
            continue
        after, before = (image.index_select(dim, _mirrored(index, n)) for index in (n + gap, gap - len(gap)))
        fade = ((gap + 0.5) / len(gap)).to(image.dtype)
        fade = fade[:, None] if dim == -2 else fade
        # `lerp`, because a sum of two products is sometimes beyond both of equal numbers by rounding.
        image = torch.cat([image, torch.lerp(after, before, fade)], dim).roll(offset, dim)
    return image


def _mirrored(index: Tensor, n: int) -> Tensor:
    """The pixels 0, …, n - 1 at any integers, mirrored about the borders: -1 is 0, and n is n - 1."""
    index = index % (2 * n)
    return torch.where(index < n, index, 2 * n - 1 - index)
