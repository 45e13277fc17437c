"""The base class and the registry of noises, the n of y = A x + n."""

import math
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.registry import Registry
from imaging.settings import Limit, NotNegative, check, fits
from imaging.shapes import Levels, Measurements

NOISES = Registry("physics.noise", "imaging.physics.noises")
DRAWS = {"uniform": 0, "log_uniform": 1}  # the exponent p of a density proportional to level^-p
Draw = Literal["uniform", "log_uniform"] | NotNegative


def range_within(limit: Any) -> Limit:
    """[low, high], two numbers that fit an annotation."""
    return Limit(
        "[low, high] with low <= high",
        lambda ends: len(ends) == 2 and all(fits(end, limit) for end in ends) and ends[0] <= ends[1],
    )


LevelSetting = NotNegative | Annotated[list, range_within(NotNegative)]

# The arguments of a noise beside the images; see `Noise.forward`.
Random = torch.Generator | Tensor | None
Level = float | Tensor | None
Shard = tuple[int, int]


class Noise(nn.Module):
    """The base class of noises: n, given A x, with one number for its strength, the level.

    A subclass sets `level`, defines `sample` and `variance`, and registers itself in `NOISES`. Its
    constructor takes plain data, as in a config. y is not clipped.

    Args:
        value: the level: a number, or [low, high], the range from which every image draws its own.
        draw: the density on the range: "uniform"; "log_uniform", in which 0.01 to 0.02 is as frequent as 0.1
            to 0.2; or a number p >= 0 for a density proportional to level^-p (uniform is 0, log_uniform is
            1).

    Attributes:
        level: the name of the level and of its setting, e.g. "sigma". A test has one column per level.
        values: the annotation of valid levels.
        low, high: the range of the level.

    Raises:
        ImagingError: the level is neither a number nor a range, or is negative or not finite; draw is
            unknown, or is not uniform while the range begins at 0.
    """

    level: str
    values: Any = LevelSetting

    def __init__(self, value: float | list, draw: Draw = "uniform"):
        super().__init__()
        self.low, self.high = self.range_of(value)
        self.draw, self.power = draw, DRAWS[draw] if isinstance(draw, str) else draw
        if self.power > 0 and self.low == 0 < self.high:
            raise ImagingError(
                f"physics.noise.draw={draw} needs a lowest {self.level} above 0; {self.level} is {value}"
            )

    @classmethod
    def range_of(cls, value: float | list, setting: str = "") -> tuple[float, float]:
        """The range (low, high) of a level.

        Args:
            value: a number or [low, high].
            setting: its name in messages; '' is that of the noise.

        Raises:
            ImagingError: a wrong level.
        """
        check(setting or f"physics.noise.{cls.level}", value, cls.values)
        low, high = value if isinstance(value, Sequence) else (value, value)
        return float(low), float(high)

    def extra_repr(self) -> str:
        if self.low == self.high:
            return f"{self.level}={self.low}"
        return f"{self.level}=[{self.low}, {self.high}], draw={self.draw}"

    @property
    def typical_level(self) -> float:
        """The fixed level, or the median of the random one; the level of the validation."""
        return self._quantile(torch.tensor(0.5, dtype=torch.float64)).item()

    def sample_level(self, n: int, generator: torch.Generator) -> Levels:
        """Draw the levels of n images: float32 (n, 1, 1, 1) on the generator's device.

        A fixed level does not advance the generator.
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

    def is_silent(self, level: Level = None) -> bool:
        """Whether n is known to be 0, at a level that is a number, or by default at all configured levels."""
        return False

    def variance(self, clean: Tensor, level: Tensor | float) -> Tensor:
        """The variance of n in each element.

        Args:
            clean: A x, of any shape.
            level: a number, or a tensor that can be broadcast to the shape of `clean`.
        """
        raise NotImplementedError

    def variance_of(self, y: Tensor, level: Tensor | float) -> Tensor:
        """An unbiased estimate of the variance of n in each element of y, of y's shape; it may be negative.

        Args:
            y: measurements.
            level: as in `variance`.
        """
        raise NotImplementedError

    def sigma(self, level: Tensor) -> Tensor:
        """The standard deviation of n at intensity 1/2, for a level of any shape: what a network that takes
        sigma gets.
        """
        return self.variance(torch.full_like(level, 0.5), level).sqrt()

    def draw_ahead(self, shape: tuple[int, ...], generator: torch.Generator) -> Random:
        """The random numbers of one measurement, as far as they do not depend on it.

        Args:
            shape: (C, H, W) of y.
            generator: the source of randomness.

        Returns:
            a tensor (1, C, H, W), or the generator itself if nothing can be drawn before A x is known;
            `forward` takes either, with the same result.
        """
        return generator

    def sample(self, clean: Measurements, random: Random, levels: Tensor, shard: Shard) -> Measurements:
        """Draw n.

        Args:
            clean: A x, (N, C, H, W).
            random: see `forward`.
            levels: of the whole batch, (N · world size, 1, 1, 1).
            shard: see `forward`.
        """
        raise NotImplementedError

    def noise(
        self, clean: Measurements, random: Random, level: Level = None, shard: Shard = (0, 1)
    ) -> Measurements:
        """Draw n for A x; the arguments are those of `forward`."""
        n = len(clean) * shard[1]
        if isinstance(level, Tensor):
            levels = level
        elif level is None:
            assert not isinstance(random, Tensor)
            levels = self.sample_level(n, random)
        else:
            device = clean.device if random is None else random.device
            levels = torch.full((n, 1, 1, 1), self.range_of(level)[0], device=device)
        return self.sample(clean, random, levels, shard)

    def forward(
        self, clean: Measurements, random: Random, level: Level = None, shard: Shard = (0, 1)
    ) -> Measurements:
        """Add noise: y = A x + n.

        Args:
            clean: A x, (N, C, H, W).
            random: the only source of randomness, on the device of `clean` or on the CPU: a generator or,
                together with level, the result of `draw_ahead` for each image, (N · world size, C, H, W). May
                be None if the noise is silent.
            level: replaces the configured level: a number, or the levels of the whole batch,
                (N · world size, 1, 1, 1), from `sample_level` before any other draw from the generator.
            shard: (rank, world size): `clean` holds every world-size-th image of a batch, starting at image
                `rank`. The images get the noise that they have in the whole batch.
        """
        return clean if self.is_silent(level) else clean + self.noise(clean, random, level, shard)
