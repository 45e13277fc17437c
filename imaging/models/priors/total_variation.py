"""Total variation as a prior."""

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.models.prior import PRIORS, Prior
from imaging.settings import Count
from imaging.shapes import Images, PerImage, Sigmas


def gradient(x: Images) -> Tensor:
    """Forward differences along rows and columns, 0 at the last row and column: (2, N, C, H, W)."""
    down, right = x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]
    return torch.stack([F.pad(down, (0, 0, 0, 1)), F.pad(right, (0, 1))])


def divergence(p: Tensor) -> Images:
    """Minus the adjoint of `gradient`, from (2, N, C, H, W)."""
    down, right = p[0, ..., :-1, :], p[1, ..., :-1]
    return F.pad(down, (0, 0, 0, 1)) - F.pad(down, (0, 0, 1, 0)) + F.pad(right, (0, 1)) - F.pad(right, (1, 0))


@PRIORS.register("total_variation")
class TotalVariation(Prior):
    """Φ(x) = Σ |∇x|, the sum of the lengths of the gradients of each channel (Rudin, Osher and Fatemi 1992).

    The proximal map is by projected gradients of the dual (Chambolle 2004, "An algorithm for total variation
    minimization"), accelerated (Beck and Teboulle 2009, "Fast gradient-based algorithms for constrained total
    variation image denoising and deblurring"). They start from the dual of the solver's last iteration.

    Args:
        iterations: of the dual in each call.

    Examples:
        >>> variance, memory = torch.full((1, 1, 1, 1), 10.0), {}
        >>> TotalVariation(200)(torch.tensor([[[[0.0, 1.0]]]]), variance, memory).round(decimals=2)
        tensor([[[[0.5000, 0.5000]]]])
    """

    sigma = 0.2
    explicit = True

    def __init__(self, iterations: Count = 10):
        super().__init__()
        self.iterations = iterations

    def forward(self, v: Images, variance: Sigmas, memory: dict[str, Tensor]) -> Images:
        scaled = v / variance  # p is the dual of this image, with all |p| <= 1
        p = memory["dual"] if "dual" in memory else torch.zeros_like(gradient(v))
        ahead, t = p, 1.0
        for _ in range(self.iterations):
            # 8 is the norm of the gradient's square.
            step = ahead + gradient(divergence(ahead) + scaled) / 8
            following = step / step.square().sum(0).clamp_min(1).sqrt()  # the root has no derivative at 0
            t, before = (1 + (1 + 4 * t * t) ** 0.5) / 2, t
            ahead, p = following + (before - 1) / t * (following - p), following
        memory["dual"] = p
        return v + variance * divergence(p)

    def value(self, x: Images) -> PerImage:
        return gradient(x).square().sum(0).sqrt().sum((1, 2, 3))
