"""Stein's unbiased risk estimate."""

import torch.nn.functional as F
from torch import Tensor

from imaging.physics.operators.identity import Identity
from imaging.settings import Positive
from imaging.tasks import LOSSES
from imaging.tasks.clipping import beside_limits, unclipped
from imaging.tasks.losses import BlindLoss, Step

AROUND = 7  # side in pixels of the squares whose mean is near the clean intensity


@LOSSES.register("sure")
class Sure(BlindLoss):
    """mean |W (A f(y) - y)|² - mean |W c|² + 2 mean ⟨W c, W A (f(y + h c) - f(y))⟩ / h.

    c is a random vector of independent elements with the variance of the noise. For Gaussian noise the
    expectation is mean |W A (f(y) - x)|²: Stein, "Estimation of the mean of a multivariate normal
    distribution", Annals of Statistics 1981. The divergence by one probe is from Ramani, Blu and Unser,
    "Monte-Carlo SURE", IEEE TIP 2008; W is from Eldar 2009, see `imaging.tasks.losses.BlindLoss`. For Poisson
    and Poisson-Gaussian noise the variance is estimated from y in each element, to first order in 1 / peak:
    Le Montagner, Angelini and Olivo-Marin, "An unbiased risk estimator for image denoising in the presence of
    mixed Poisson-Gaussian noise", IEEE TIP 2014.

    Where the noise of measured images was clipped, the estimate has no lower bound: a network would learn to
    respond to nothing but the probe. Such elements do not count; see `imaging.tasks.clipping`.

    Args:
        difference: h, in units of the noise's standard deviation. A small one loses digits in bf16; a large
            one smooths f.
        weight: of W, for operators other than the identity.
    """

    def __init__(self, difference: Positive = 0.1, weight: Positive = 0.01):
        super().__init__(weight)
        self.difference = difference

    def compute(self, step: Step) -> tuple[Tensor, Tensor]:
        variance, signs = step.variance(step.y), step.signs()
        c = variance.abs().sqrt() * signs
        x_hat, moved = step.estimate(step.y, step.y + self.difference * c)
        operator = step.operator
        change = self.weigh(operator, operator(moved.float() - x_hat.float())) / self.difference
        # The estimate of a variance may be negative, where a pixel is darker than black.
        weighed, probe = self.weigh(operator, c), self.weigh(operator, c * variance.sign())
        error = self.weigh(operator, operator(x_hat.float()) - step.y).square()
        risk = error + probe * (2 * change - weighed)
        if step.x is not None or not isinstance(operator, Identity):
            return risk.mean(), x_hat
        around = F.avg_pool2d(step.y, AROUND, 1, AROUND // 2, count_include_pad=False)
        counted = unclipped(step.y, around, variance.abs().sqrt()) & ~beside_limits(step.y)
        return (risk * counted).sum() / counted.sum().clamp_min(1), x_hat
