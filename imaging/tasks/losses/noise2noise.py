"""Learning from pairs of noisy measurements."""

from torch import Tensor

from imaging.tasks import LOSSES
from imaging.tasks.losses import BlindLoss, Step


@LOSSES.register("noise2noise")
class Noise2Noise(BlindLoss):
    """mean |W (A f(y) - y')|², for another measurement y' = A x + n' of the same scene.

    Lehtinen et al., "Noise2Noise: learning image restoration without clean data", ICML 2018, equation 6. The
    noise of y' has mean 0 and is independent of y, so that the expectation is mean |W A (f(y) - x)|² plus
    the variance of W n', whatever the noise.

    Args:
        weight: of W, for operators other than the identity; see `imaging.tasks.losses.BlindLoss`.
    """

    needs_again = True

    def compute(self, step: Step) -> tuple[Tensor, Tensor]:
        (x_hat,) = step.estimate(step.y)
        return self.error(step, x_hat, step.again()), x_hat
