"""Orientation, cropping and grid patches of images."""

from collections.abc import Sequence

import torch
from torch import Tensor

from imaging.errors import ImagingError


def prepare(image: Tensor, orientation: str | None = None, crop: list | None = None) -> Tensor:
    """Turn and crop an image, or a stack of images of one size.

    Args:
        image: (…, C, H, W).
        orientation: "landscape" transposes portrait images (H > W); None: no change.
        crop: [height, width] of the crop at the top left, after turning; smaller images are not changed.
            None: no crop.
    """
    if orientation == "landscape" and image.shape[-2] > image.shape[-1]:
        image = image.transpose(-2, -1)
    if crop is not None:
        height, width = crop
        image = image[..., :height, :width]
    return image.contiguous()


def grid(image: Tensor, patch: int, name: str) -> Tensor:
    """The patches of the non-overlapping grid from the top left, row by row.

    Incomplete patches at the right and the bottom are dropped: 321×481 with 32 gives 10 × 15 = 150.

    Args:
        image: (C, H, W).
        patch: side p in pixels.
        name: of the image, for messages.

    Returns:
        (n, C, p, p) with n = floor(H/p)·floor(W/p), with the image's dtype.

    Raises:
        ImagingError: the image is smaller than one patch.
    """
    check_fits(image.shape[-2:], patch, name)
    tiles = image.unfold(1, patch, patch).unfold(2, patch, patch)  # (C, rows, columns, p, p)
    return tiles.permute(1, 2, 0, 3, 4).reshape(-1, image.shape[0], patch, patch)


def grid_places(size: Sequence[int], patch: int) -> Tensor:
    """The positions of the patches of `grid` in an image of size (H, W): int64 (n, 2), top and left."""
    tops, lefts = (torch.arange(0, side - patch + 1, patch) for side in size)
    return torch.cartesian_prod(tops, lefts)


def check_fits(size: Sequence[int], patch: int, name: str) -> None:
    """Check that an image of size (H, W) is not smaller than a patch; raise ImagingError if it is."""
    if min(size) < patch:
        raise ImagingError(f"{name} is {size[0]}x{size[1]} pixels, smaller than the patch of {patch}x{patch}")


def same_type(images: list[Tensor]) -> list[Tensor]:
    """The images unchanged if all have one dtype; uint8 mixed with float32 becomes float32 in [0, 1]."""
    if len({image.dtype for image in images}) == 1:
        return images
    return [image.float() / 255 if image.dtype == torch.uint8 else image for image in images]
