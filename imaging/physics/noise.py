"""The noise n of y = A x + n."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.registry import Registry
from imaging.settings import Limit, NotNegative, check, fits
from imaging.shapes import Images, Sigmas

NOISES = Registry("physics.noise", "imaging.physics")
DRAWS = {"uniform": 0, "log_uniform": 1}  # the exponent p of a density proportional to sigma^-p
Draw = Literal["uniform", "log_uniform"] | NotNegative
Range = Limit(
    "[low, high] with 0 <= low <= high",
    lambda ends: (
        len(ends) == 2 and fits(ends[0], NotNegative) and fits(ends[1], NotNegative) and ends[0] <= ends[1]
    ),
)
Sigma = NotNegative | Annotated[list, Range]

# The arguments of a noise beside the images; see `GaussianNoise.forward`.
Random = torch.Generator | Tensor | None
Level = float | Tensor | None
Shard = tuple[int, int]


def sigma_range(sigma: float | list) -> tuple[float, float]:
    """The range (low, high) of a sigma, a number or [low, high]; raises ImagingError for a wrong one."""
    check("physics.noise.sigma", sigma, Sigma)
    low, high = sigma if isinstance(sigma, Sequence) else (sigma, sigma)
    return float(low), float(high)


@NOISES.register("gaussian")
class GaussianNoise(nn.Module):
    """y = x + n with n ~ N(0, sigma²), independent in every element; y is not clipped.

    Args:
        sigma: standard deviation in units of intensity (0.1 = 25.5/255): a number, or [low, high], the range
            from which every image draws its own.
        draw: the density on the range: "uniform"; "log_uniform", in which 0.01 to 0.02 is as frequent as 0.1
            to 0.2; or a number p >= 0 for a density proportional to sigma^-p (uniform is 0, log_uniform is
            1). On a wide range, uniform draws mostly strong noise.

    Raises:
        ImagingError: sigma is neither a number nor a range, or is negative or not finite; draw is unknown, or
            is not uniform while sigma begins at 0.

    Example:
        >>> from imaging.randomness import generator
        >>> noise = GaussianNoise([0.005, 0.01])
        >>> noise(torch.zeros(4, 3, 8, 8), generator(0, "noise", 0)).shape
        torch.Size([4, 3, 8, 8])
    """

    def __init__(self, sigma: Sigma, draw: Draw = "uniform"):
        super().__init__()
        self.low, self.high = sigma_range(sigma)
        self.draw, self.power = draw, DRAWS[draw] if isinstance(draw, str) else draw
        if self.power > 0 and self.low == 0 < self.high:
            raise ImagingError(f"physics.noise.draw={draw} needs a lowest sigma above 0; sigma is {sigma}")

    def extra_repr(self) -> str:
        if self.low == self.high:
            return f"sigma={self.low}"
        return f"sigma=[{self.low}, {self.high}], draw={self.draw}"

    @property
    def typical_sigma(self) -> float:
        """The fixed sigma, or the median of the random one; the sigma of the validation."""
        return self._quantile(torch.tensor(0.5, dtype=torch.float64)).item()

    def sample_sigma(self, n: int, generator: torch.Generator) -> Sigmas:
        """Draw the sigmas of n images: float32 (n, 1, 1, 1) on the generator's device.

        A fixed sigma does not advance the generator.
        """
        if self.low == self.high:
            return torch.full((n, 1, 1, 1), self.low, device=generator.device)
        u = torch.rand((n, 1, 1, 1), generator=generator, device=generator.device)
        return self._quantile(u)

    def _quantile(self, u: Tensor) -> Tensor:
        if self.power == 0 or self.low == self.high:
            return self.low + (self.high - self.low) * u
        if self.power == 1:
            low, high = math.log(self.low), math.log(self.high)
            return torch.exp(low + (high - low) * u).clamp_(self.low, self.high)
        exponent = 1 - self.power  # of the density's integral
        ratio = (self.high / self.low) ** exponent
        return (self.low * (1 + (ratio - 1) * u) ** (1 / exponent)).clamp_(self.low, self.high)

    def is_silent(self, sigma: Level = None) -> bool:
        """Whether the noise is always 0: for a sigma that is a number, else for the configured sigma."""
        return (sigma if isinstance(sigma, int | float) else self.high) == 0

    def forward(self, x: Images, random: Random, sigma: Level = None, shard: Shard = (0, 1)) -> Images:
        """Add noise: x + n.

        Args:
            x: (N, C, H, W).
            random: the only source of randomness, on x's device or on the CPU: a generator or, together with
                sigma, n / sigma itself, (N · world size, C, H, W). May be None if sigma is 0.
            sigma: replaces the configured sigma: a number, or the sigmas of the whole batch,
                (N · world size, 1, 1, 1), from `sample_sigma` before any other draw from the generator.
            shard: (rank, world size): x holds every world-size-th image of a batch, starting at image `rank`.
                The images get the noise that they have in the whole batch.
        """
        if self.is_silent(sigma):
            return x
        rank, world_size = shard
        n = len(x) * world_size
        if isinstance(sigma, Tensor):
            sigmas = sigma
        elif sigma is None:
            assert not isinstance(random, Tensor)
            sigmas = self.sample_sigma(n, random)
        else:
            sigmas = torch.full((n, 1, 1, 1), sigma_range(sigma)[0], device=random.device)
        if isinstance(random, Tensor):
            unit = random.to(x.dtype)
        else:
            # Drawn on the generator's device, so that test noise is equal on every device; contiguous for any
            # layout of x, because the values must not depend on it, and because drawing into a channels_last
            # tensor takes ten times as long.
            unit = torch.randn((n, *x.shape[1:]), generator=random, device=random.device, dtype=x.dtype)
        return x + (unit * sigmas.to(x.dtype))[rank::world_size].to(x.device)
