"""Iterative solvers that split y = A x + n from what is known of clean images: any operator, any prior."""

import torch
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.models.noise_level import noise_level, refuse_estimate
from imaging.models.prior import PRIORS
from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.settings import Count, Positive
from imaging.shapes import Images, Measurements, Sigmas

TOLERANCE, STEPS = 1e-4, 100  # of conjugate gradients, for an operator without a closed form


class Splitting(nn.Module):
    """The base class of solvers that alternate between the operator's `solve` and the prior's proximal map.

    Nothing is trained. The `strength` of the prior is the candidate with the highest mean PSNR on the
    validation images.

    Args:
        operator: a config for `imaging.physics.OPERATORS`.
        prior: a config for `imaging.models.prior.PRIORS`.
        iterations: number of iterations.

    Attributes:
        trace: of the last call, a dict for each iteration of tensors (N,): `primal`, the root mean square of
            the difference between the data's and the prior's estimate; `dual`, that of the change of the
            prior's estimate since the iteration before; and `objective`, where the prior has a value.
    """

    takes_sigma = True
    takes_operator = True
    candidates: tuple[float, ...] = ()
    strength: Tensor

    def __init__(self, operator: dict, prior: dict, iterations: int):
        super().__init__()
        self.operator, self.prior = OPERATORS.build(operator), PRIORS.build(prior)
        self.iterations = iterations
        self.trace: list[dict[str, Tensor]] = []
        self.register_buffer("strength", torch.tensor(1.0, dtype=torch.float64))

    def noise_level(self, y: Measurements, operator: LinearOperator | None = None) -> Sigmas:
        """Estimate sigma, (N, 1, 1, 1); see `imaging.models.noise_level`.

        Raises:
            ImagingError: the measurements are not images.
        """
        refuse_estimate(operator or self.operator)
        return noise_level(y)

    def _record(self, x: Images, v: Images, before: Images, **more: Tensor) -> None:
        def size(difference: Tensor) -> Tensor:
            return difference.square().mean((1, 2, 3)).sqrt()

        if torch.compiler.is_compiling():
            return
        self.trace.append({"primal": size(x - v).detach(), "dual": size(v - before).detach(), **more})


@MODELS.register("admm")
class ADMM(Splitting):
    """x_hat = argmin_x |A x - y|² / 2 + λ Φ(x), λ = strength · sigma², by the alternating direction method.

        x = solve(y, v - u, ρ)          the minimiser of |A x - y|² + ρ |x - (v - u)|²
        v = prior(x + u, λ / ρ)         the proximal map of Φ
        u = u + x - v

    Boyd et al. 2011, "Distributed optimization and statistical learning via the alternating direction method
    of multipliers", section 3.1.1, in scaled form. A denoiser in place of a proximal map is "plug and play"
    (Venkatakrishnan et al. 2013). ρ is λ / `prior_sigma`², so that in each iteration the prior removes noise
    of this standard deviation.

    Args:
        operator, prior, iterations: as in `Splitting`.
        prior_sigma: standard deviation of the noise that the prior removes in each iteration, for intensities
            in [0, 1]; None: a good value for the prior.

    Raises:
        ImagingError: a wrong setting.
    """

    candidates = tuple(2.0**exponent for exponent in range(-2, 7))

    def __init__(
        self, operator: dict, prior: dict, iterations: Count = 30, prior_sigma: Positive | None = None
    ):
        super().__init__(operator, prior, iterations)
        self.prior_sigma = self.prior.sigma if prior_sigma is None else prior_sigma

    def forward(
        self, y: Measurements, sigma: Sigmas | None = None, operator: LinearOperator | None = None
    ) -> Images:
        """Restore y.

        Args:
            y: measurements.
            sigma: of the noise, (N, 1, 1, 1); None: estimated.
            operator: A; None: that of the settings.

        Returns:
            x_hat, (N, C, H, W).
        """
        operator = self.operator if operator is None else operator
        sigma = self.noise_level(y) if sigma is None else sigma
        weight = self.strength.to(y) * sigma.clamp_min(1e-4).square()  # λ
        variance = torch.full_like(weight, self.prior_sigma**2)
        v = operator.preview(y)
        u = torch.zeros_like(v)
        memory: dict[str, Tensor] = {}
        self.trace = []
        for _ in range(self.iterations):
            before = v
            x = operator.solve(y, v - u, weight / variance, TOLERANCE, STEPS)
            v = self.prior(x + u, variance, memory)
            u = u + x - v
            self._record(x, v, before, **self._objective(operator, y, v, weight))
        return v

    def _objective(self, operator, y: Tensor, x: Tensor, weight: Tensor) -> dict[str, Tensor]:
        if not self.prior.explicit:
            return {}
        with torch.no_grad():
            data = (operator(x) - y).square().sum((1, 2, 3)) / 2
            return {"objective": data + weight.flatten() * self.prior.value(x)}


@MODELS.register("hqs")
class HQS(Splitting):
    """Half-quadratic splitting with a falling sequence of noise levels σ₁ > … > σ_K = sigma.

        x_k = solve(y, z_{k-1}, strength · sigma² / σ_k²)
        z_k = prior(x_k, σ_k²);  x_hat = z_K

    Zhang et al. 2021, "Plug-and-play image restoration with deep denoiser prior" (DPIR), algorithm 1, with
    σ_k equally spaced on a logarithmic axis.

    Args:
        operator, prior, iterations: as in `Splitting`.
        first_sigma: σ₁, for intensities in [0, 1].

    Raises:
        ImagingError: a wrong setting.
    """

    candidates = (0.03, 0.06, 0.12, 0.23, 0.46, 0.92, 1.84)

    def __init__(self, operator: dict, prior: dict, iterations: Count = 8, first_sigma: Positive = 0.1):
        super().__init__(operator, prior, iterations)
        self.first_sigma = first_sigma

    def forward(
        self, y: Measurements, sigma: Sigmas | None = None, operator: LinearOperator | None = None
    ) -> Images:
        """Restore y; the arguments are those of `ADMM.forward`."""
        operator = self.operator if operator is None else operator
        sigma = (self.noise_level(y) if sigma is None else sigma).clamp_min(1e-4)
        z = operator.preview(y)
        memory: dict[str, Tensor] = {}
        self.trace = []
        for k in range(self.iterations):
            share = k / (self.iterations - 1) if self.iterations > 1 else 1.0
            level = torch.maximum(sigma, self.first_sigma ** (1 - share) * sigma**share)
            before = z
            x = operator.solve(y, z, self.strength.to(y) * (sigma / level).square(), TOLERANCE, STEPS)
            z = self.prior(x, level.square(), memory)
            self._record(x, z, before)
        return z
