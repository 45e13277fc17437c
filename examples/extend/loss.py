"""A loss that large errors dominate less than the mean squared error: Charbonnier's."""

from torch import Tensor

from imaging.settings import Positive
from imaging.tasks import LOSSES
from imaging.tasks.losses import Loss


@LOSSES.register("charbonnier")
class Charbonnier(Loss):
    """mean √(|x_hat - x|² + epsilon²): Charbonnier et al., ICIP 1994.

    Args:
        epsilon: errors far below it count as squares, errors far above it as they are.

    Examples:
        >>> import torch
        >>> zeros = torch.zeros(1, 1, 4, 4)
        >>> Charbonnier(epsilon=3.0)(zeros + 4, zeros, None)
        tensor(5.)
    """

    def __init__(self, epsilon: Positive = 1e-3):
        self.epsilon = epsilon

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        return ((x_hat - x).square() + self.epsilon**2).sqrt().mean()
