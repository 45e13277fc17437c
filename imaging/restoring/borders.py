"""Padding of photographs for methods that assume periodic images."""

import torch
from torch import Tensor


def pad_periodic(image: Tensor, margin: int) -> tuple[Tensor, tuple[slice, slice]]:
    """Pad an image so that it is smooth as a periodic image, because circular filters ring at edges.

    Beyond each border is the mirrored image, which fades into the mirrored image of the opposite border over
    twice the margin.

    Args:
        image: float (…, H, W).
        margin: padding on each side in pixels; at most half a side is used.

    Returns:
        The padded image, and the slices of H and W that contain the original.
    """
    inner = []
    for dim in (-2, -1):
        image, place = _pad_last(image.movedim(dim, -1), margin)
        image = image.movedim(-1, dim)
        inner.append(place)
    return image, (inner[0], inner[1])


def _pad_last(image: Tensor, margin: int) -> tuple[Tensor, slice]:
    width = image.shape[-1]
    margin = min(margin, width // 2)
    if margin == 0:
        return image, slice(0, width)
    # The gap of 2·margin pixels between the last pixel and the first of the next period.
    after, before = image.flip(-1)[..., : 2 * margin], image.flip(-1)[..., -2 * margin :]
    fade = (torch.arange(2 * margin, device=image.device) + 0.5) / (2 * margin)
    gap = (1 - fade) * after + fade * before
    return torch.cat([gap[..., margin:], image, gap[..., :margin]], dim=-1), slice(margin, margin + width)
