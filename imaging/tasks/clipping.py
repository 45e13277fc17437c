"""Noise that was clipped with the images, to [0, 1], by the file in which they were stored."""

import torch
import torch.nn.functional as F
from torch import Tensor

MARGIN = 2  # standard deviations from a limit at which clipping hardly changes the noise
CLIPPED = 1e-3  # of the elements at a limit, from which on an image counts as clipped


def unclipped(y: Tensor, near: Tensor, deviation: Tensor | float) -> Tensor:
    """The elements of images whose noise was not clipped, bool (N, C, H, W).

    There the noise is weaker than it is said to be, and its mean is not 0.

    Args:
        y: measured intensities, (N, C, H, W).
        near: an estimate of the clean ones.
        deviation: the standard deviation of the noise, a number or of y's shape.
    """
    counted = torch.ones_like(y, dtype=torch.bool)
    for limit, inward in ((0.0, near), (1.0, 1 - near)):
        counted &= ~is_clipped(y, limit) | (inward > MARGIN * deviation)
    return counted


def is_clipped(y: Tensor, limit: float) -> Tensor:
    """Whether images are clipped at 0 or at 1, bool (N, 1, 1, 1): they have it often, and nothing beyond."""
    share = (y == limit).flatten(1).float().mean(dim=1)
    beyond = ((y - limit) * (0.5 - limit) < 0).flatten(1).any(dim=1)
    return ((share > CLIPPED) & ~beyond)[:, None, None, None]


def beside_limits(y: Tensor) -> Tensor:
    """The elements of clipped images at a limit and beside one, bool (N, C, H, W)."""
    at = torch.zeros_like(y)
    for limit in (0.0, 1.0):
        at += (y == limit) & is_clipped(y, limit)
    return F.max_pool2d(at, 3, 1, 1) > 0
