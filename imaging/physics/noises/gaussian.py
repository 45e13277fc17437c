"""White Gaussian noise."""

from typing import Annotated

import torch
from torch import Tensor

from imaging.physics.noise import NOISES, Draw, Level, Noise, Random, Shard, range_within
from imaging.settings import Limit
from imaging.shapes import Measurements

Unit = Annotated[
    float,
    Limit(
        "a number from 0 to 1, for intensities in [0, 1] (25/255 is 0.098),", lambda sigma: 0 <= sigma <= 1
    ),
]
Sigma = Unit | Annotated[list, range_within(Unit)]


@NOISES.register("gaussian")
class GaussianNoise(Noise):
    """n ~ N(0, sigma²), independent in every element.

    Args:
        sigma: standard deviation in units of intensity (0.1 = 25.5/255): a number, or [low, high], the range
            from which every image draws its own.
        draw: the density on the range; see `imaging.physics.noise.Noise`. On a wide range, uniform draws
            mostly strong noise.

    Raises:
        ImagingError: a wrong sigma or draw; see `imaging.physics.noise.Noise`.

    Examples:
        >>> from imaging.randomness import generator
        >>> noise = GaussianNoise([0.005, 0.01])
        >>> noise(torch.zeros(4, 3, 8, 8), generator(0, "noise", 0)).shape
        torch.Size([4, 3, 8, 8])
    """

    level = "sigma"
    values = Sigma

    def __init__(self, sigma: Sigma, draw: Draw = "uniform"):
        super().__init__(sigma, draw)

    def is_silent(self, level: Level = None) -> bool:
        if isinstance(level, Tensor):
            return False  # to look at its values, the host would wait for a GPU
        return (self.high if level is None else level) == 0

    def variance(self, clean: Tensor, level: Tensor | float) -> Tensor:
        return torch.zeros_like(clean) + level**2

    def variance_of(self, y: Tensor, level: Tensor | float) -> Tensor:
        return self.variance(y, level)

    def sigma(self, level: Tensor) -> Tensor:
        return level

    def draw_ahead(self, shape: tuple[int, ...], generator: torch.Generator) -> Random:
        return torch.empty(1, *shape).normal_(generator=generator)

    def sample(self, clean: Measurements, random: Random, levels: Tensor, shard: Shard) -> Measurements:
        rank, world_size = shard
        if isinstance(random, Tensor):
            unit = random.to(clean.dtype)
        else:
            assert random is not None
            # Drawn on the generator's device, so that test noise is equal on every device; contiguous for any
            # layout of A x, because the values must not depend on it, and because drawing into a
            # channels_last tensor takes ten times as long.
            size = len(clean) * world_size, *clean.shape[1:]
            unit = torch.randn(size, generator=random, device=random.device, dtype=clean.dtype)
        return (unit * levels.to(clean.dtype))[rank::world_size].to(clean.device)
