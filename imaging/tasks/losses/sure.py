"""Stein's unbiased risk estimate."""

from torch import Tensor

from imaging.settings import Positive
from imaging.tasks import LOSSES
from imaging.tasks.losses import BlindLoss, Step


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
        correction = (probe * (2 * change - weighed)).mean()
        return self.error(step, x_hat, step.y) + correction, x_hat
