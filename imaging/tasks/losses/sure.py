"""Stein's unbiased risk estimate."""

import math

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
    """mean ½ |W (A f(y + h z) - y)|² + ½ |W (A f(y - h z) - y)|² - |W z|²
    + ⟨W z, W A (f(y + h z) - f(y - h z))⟩ / h.

    z is normal noise with the variance of that of y. For Gaussian noise the expectation is the mean of
    |W (A f(y + h z) - A x)|², the error for noise that is sqrt(1 + h²) times as strong, for any f and h. With
    h -> 0 it is the estimate of Stein, "Estimation of the mean of a multivariate normal distribution",
    Annals of Statistics 1981, with the divergence by one probe of Ramani, Blu and Unser, "Monte-Carlo SURE",
    IEEE TIP 2008. With a finite h, theirs is not the expectation of an error, and a network learns to make
    use of that. Here y + h z and y - z / h have independent noises (Pang et al. 2021, see
    `imaging.tasks.losses.recorrupted`), and the mean over z and -z takes out most of the target's.

    W is from Eldar 2009, see `imaging.tasks.losses.BlindLoss`. For Poisson and Poisson-Gaussian noise the
    variance is estimated from y in each element, to first order in 1 / peak: Le Montagner, Angelini and
    Olivo-Marin, "An unbiased risk estimator for image denoising in the presence of mixed Poisson-Gaussian
    noise", IEEE TIP 2014.

    Where the noise of measured images was clipped, this is not the expectation: a network would learn to
    respond to nothing but z. Such elements do not count; see `imaging.tasks.clipping`.

    Args:
        difference: h. With a large one f learns stronger noise than that of y; if it takes sigma, it gets
            that of this noise. With a small one the gradient is noisy: each of the few ReLUs that switch
            between the two ends changes it by 1 / h, and its variance grows as 1 / h.
        weight: of W, for operators other than the identity.
    """

    def __init__(self, difference: Positive = 0.25, weight: Positive = 0.01):
        super().__init__(weight)
        self.difference = difference

    def compute(self, step: Step) -> tuple[Tensor, Tensor]:
        h, operator = self.difference, step.operator
        variance = step.variance(step.y)
        z = variance.abs().sqrt() * step.normal()
        ends = step.estimate(step.y + h * z, step.y - h * z, stronger=math.hypot(1, h))
        up, down = (self.weigh(operator, operator(end.float()) - step.y) for end in ends)
        # The estimate of a variance may be negative, where a pixel is darker than black.
        probe = self.weigh(operator, z * variance.sign())
        risk = (up.square() + down.square()) / 2 + probe * ((up - down) / h - self.weigh(operator, z))
        if step.x is not None or not isinstance(operator, Identity):
            return risk.mean(), ends[0]
        around = F.avg_pool2d(step.y, AROUND, 1, AROUND // 2, count_include_pad=False)
        counted = unclipped(step.y, around, variance.abs().sqrt()) & ~beside_limits(step.y)
        return (risk * counted).sum() / counted.sum().clamp_min(1), ends[0]
