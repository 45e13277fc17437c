"""Losses with clean images."""

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.tasks import LOSSES
from imaging.tasks.losses import Loss


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
