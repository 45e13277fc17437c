"""Learning one pixel from its neighbour."""

import torch
from torch import Tensor

from imaging.physics.measurement import Physics
from imaging.settings import NotNegative
from imaging.tasks import LOSSES
from imaging.tasks.losses import Loss, Step, refuse_operator


@LOSSES.register("neighbor2neighbor")
class Neighbor2Neighbor(Loss):
    """mean |f(g1 y) - g2 y|² + gamma mean |f(g1 y) - g2 y - (g1 f(y) - g2 f(y))|².

    g1 and g2 take two neighbouring pixels of each cell of 2 x 2, at random. Huang et al., "Neighbor2Neighbor:
    self-supervised denoising from single noisy images", CVPR 2021, equation 9. It needs no sigma; the noise
    of neighbouring pixels must be independent. Theirs is one pair of a cell; here the loss is the mean over
    both, in both orders, so that a step learns from every pixel.

    Args:
        gamma: of the second term, which corrects for the difference of neighbouring pixels of x.
    """

    needs_clean = False

    def __init__(self, gamma: NotNegative = 1.0):
        self.gamma = gamma

    def check(self, physics: Physics) -> None:
        refuse_operator(physics, "neighbor2neighbor", "since it takes neighbouring pixels of y for x")

    def compute(self, step: Step) -> tuple[Tensor, Tensor]:
        n, _, h, w = step.y.shape
        drawn = step.integers(8, (n, h // 2, w // 2)).to(step.y.device)
        # Two neighbours among the pixels 0 1 / 2 3 of a cell: in a row or a column, which one, and the order.
        upright, line, order = drawn % 2 == 1, drawn // 2 % 2, drawn // 4
        pixels = [(line ^ other, order ^ swapped) for other in (0, 1) for swapped in (0, 1)]
        places = [torch.where(upright, a + 2 * b, 2 * a + b) for a, b in pixels]
        with torch.no_grad():
            (whole,) = step.estimate(step.y)
        measured, restored = ([take(image, place) for place in places] for image in (step.y, whole.float()))
        terms = []
        for i, x_hat in enumerate(step.estimate(*measured)):
            neighbour = i ^ 1
            difference = x_hat.float() - measured[neighbour]
            expected = restored[i] - restored[neighbour]
            terms += [difference.square().mean() + self.gamma * (difference - expected).square().mean()]
        return torch.stack(terms).mean(), whole


def take(image: Tensor, places: Tensor) -> Tensor:
    """One pixel of each cell of 2 x 2.

    Args:
        image: (N, C, H, W); an odd last row or column is left out.
        places: int64 (N, H // 2, W // 2), the index of the pixel in the rows of its cell, from 0 to 3.
    """
    n, c, h, w = image.shape
    cells = image[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
    cells = cells.transpose(3, 4).flatten(4)
    return cells.gather(4, places[:, None, :, :, None].expand(n, c, -1, -1, 1))[..., 0]
