"""Learning from measurements to which noise is added."""

import math

from torch import Tensor

from imaging.settings import Positive
from imaging.tasks import LOSSES
from imaging.tasks.losses import BlindLoss, Step


@LOSSES.register("recorrupted")
class Recorrupted(BlindLoss):
    """mean |W (A f(y + alpha z) - (y - z / alpha))|², with z of the noise's variance.

    Pang et al., "Recorrupted-to-Recorrupted: unsupervised deep learning for image denoising", CVPR 2021,
    equation 9 with D = alpha. For Gaussian noise the noises of the two are independent, so that the
    expectation is mean |W A (f(y + alpha z) - x)|² plus a constant. f learns noise that is sqrt(1 + alpha²)
    times as strong as that of y, on which it is used; if it takes sigma, it gets that of this noise.

    Args:
        alpha: the smaller, the nearer is the noise to that of y, and the noisier is the target.
        weight: of W, for operators other than the identity; see `imaging.tasks.losses.BlindLoss`.
    """

    def __init__(self, alpha: Positive = 0.5, weight: Positive = 0.01):
        super().__init__(weight)
        self.alpha = alpha

    def compute(self, step: Step) -> tuple[Tensor, Tensor]:
        z = step.variance(step.y).clamp_min(0).sqrt() * step.normal()
        (x_hat,) = step.estimate(step.y + self.alpha * z, stronger=math.hypot(1, self.alpha))
        return self.error(step, x_hat, step.y - z / self.alpha), x_hat
