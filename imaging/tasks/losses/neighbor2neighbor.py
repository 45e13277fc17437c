"""Learning one pixel from its neighbour."""

import torch
from torch import Tensor

from imaging.physics.measurement import Physics
from imaging.settings import NotNegative
from imaging.tasks import LOSSES
from imaging.tasks.losses import Loss, Step, refuse_operator

# The two pixels of a cell of 2 x 2 that are taken, by their index in its rows: neighbours, in both orders.
PAIRS = [(0, 1), (0, 2), (1, 3), (2, 3), (1, 0), (2, 0), (3, 1), (3, 2)]


@LOSSES.register("neighbor2neighbor")
class Neighbor2Neighbor(Loss):
    """mean |f(g1 y) - g2 y|² + gamma mean |f(g1 y) - g2 y - (g1 f(y) - g2 f(y))|².

    g1 and g2 take two neighbouring pixels of each cell of 2 x 2, at random. Huang et al., "Neighbor2Neighbor:
    self-supervised denoising from single noisy images", CVPR 2021, equation 9. It needs no sigma; the noise
    of neighbouring pixels must be independent.

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
        pairs = torch.tensor(PAIRS, device=step.y.device)[
            step.integers(8, (n, h // 2, w // 2)).to(step.y.device)
        ]
        with torch.no_grad():
            (whole,) = step.estimate(step.y)
        first, second = (take(step.y, pairs[..., i]) for i in (0, 1))
        x_hat = step.estimate(first)[0].float()
        difference = x_hat - second
        expected = take(whole.float(), pairs[..., 0]) - take(whole.float(), pairs[..., 1])
        loss = difference.square().mean() + self.gamma * (difference - expected).square().mean()
        return loss, whole


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
