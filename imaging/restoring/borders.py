"""What lies beyond a photograph's borders, for methods that take it to go on periodically."""

import torch
from torch import Tensor


def continued(image: Tensor, margin: int) -> tuple[Tensor, tuple[slice, slice]]:
    """The image with `margin` more pixels on each side, so that its right goes over smoothly into its left.

    Else a circular filter would see an edge there, and ring. Beyond each border lies the mirrored image, and
    over twice the margin it fades into the mirrored image of the opposite side.

    Args:
        image: float (…, H, W).
        margin: in pixels; at most the image's sides.

    Returns:
        the larger image, and where the old one lies in it.
    """
    inner = []
    for dim in (-2, -1):
        image, place = _continued(image.movedim(dim, -1), margin)
        image = image.movedim(-1, dim)
        inner.append(place)
    return image, (inner[0], inner[1])


def _continued(image: Tensor, margin: int) -> tuple[Tensor, slice]:
    width = image.shape[-1]
    margin = min(margin, width // 2)
    if margin == 0:
        return image, slice(0, width)
    # From the last pixel to the first, through the gap of 2·margin between them.
    after, before = image.flip(-1)[..., : 2 * margin], image.flip(-1)[..., -2 * margin :]
    fade = (torch.arange(2 * margin, device=image.device) + 0.5) / (2 * margin)
    gap = (1 - fade) * after + fade * before
    return torch.cat([gap[..., margin:], image, gap[..., :margin]], dim=-1), slice(margin, margin + width)
