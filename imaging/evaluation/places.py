"""Positions in an image for figures."""

import numpy as np
from scipy import ndimage


def strongest_edge(image: np.ndarray) -> tuple[int, int]:
    """Row and column of the largest gradient in the middle half of an image (C, H, W), smoothed over 2 px."""
    strength = ndimage.gaussian_gradient_magnitude(image.mean(0, dtype=float), 2)
    top, left = (side // 4 for side in strength.shape)
    middle = strength[top : strength.shape[0] - top, left : strength.shape[1] - left]
    row, column = np.unravel_index(middle.argmax(), middle.shape)
    return int(row) + top, int(column) + left


def window(pixel: tuple[int, int], size: tuple[int, ...], side: int) -> tuple[slice, slice]:
    """Rows and columns of a square around a pixel, shifted to lie inside an image of size (H, W)."""
    starts = [max(0, min(at - side // 2, length - side)) for at, length in zip(pixel, size, strict=True)]
    return slice(starts[0], starts[0] + side), slice(starts[1], starts[1] + side)
