"""Training losses.

A loss is a function of the estimates x_hat and the clean images x, float32 (N, C, H, W) in the network's
units, and of the standard deviation of each image's noise, sigma (N, 1, 1, 1), or None if it is not used.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.tasks import LOSSES


class Loss:
    """The base class of losses.

    Attributes:
        uses_sigma: whether the loss needs sigma.
        divides_by_sigma: whether sigma must not be 0.
    """

    uses_sigma = False
    divides_by_sigma = False

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        """Compute the loss, a scalar."""
        raise NotImplementedError


@LOSSES.register("mse")
class MeanSquaredError(Loss):
    """mean |x_hat - x|². Over a range of noise levels, strong noise dominates it."""

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        return F.mse_loss(x_hat, x)


@LOSSES.register("mse_over_variance")
class ErrorOverVariance(Loss):
    """mean |x_hat - x|² / sigma², which balances the noise levels of a range."""

    uses_sigma = divides_by_sigma = True

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        return ((x_hat - x) / sigma).square().mean()


@LOSSES.register("log_mse")
class LogError(Loss):
    """mean over images of log10(mean |x_hat - x|²) = -PSNR / 10, which balances the levels of a range."""

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        error = (x_hat - x).square().flatten(1).mean(dim=1)
        return torch.log10(error + 1e-8).mean()  # a patch may be restored without error
