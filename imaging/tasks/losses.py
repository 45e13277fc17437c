"""What a training minimises.

A loss is a function of restored and clean images x_hat, x (N, C, H, W), float32 in the network's units, and
of the standard deviation of each image's noise, sigma (N, 1, 1, 1), or None where nothing
uses it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.tasks import LOSSES


class Loss:
    """The base class of losses.

    Attributes:
        uses_sigma: whether it needs sigma.
        divides_by_sigma: whether sigma must not be 0.
    """

    uses_sigma = False
    divides_by_sigma = False

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        """The loss, a scalar."""
        raise NotImplementedError


@LOSSES.register("mse")
class MeanSquaredError(Loss):
    """mean |x_hat - x|². Over a range of noise it is mostly the error of the strongest."""

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        return F.mse_loss(x_hat, x)


@LOSSES.register("mse_over_variance")
class ErrorOverVariance(Loss):
    """mean |x_hat - x|² / sigma², so that each noise level of a range counts."""

    uses_sigma = divides_by_sigma = True

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        return ((x_hat - x) / sigma).square().mean()


@LOSSES.register("log_mse")
class LogError(Loss):
    """mean over images of log10(mean |x_hat - x|²), a tenth of the negative PSNR: each noise level counts."""

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        error = (x_hat - x).square().flatten(1).mean(dim=1)
        return torch.log10(error + 1e-8).mean()  # a patch may be restored without any error
