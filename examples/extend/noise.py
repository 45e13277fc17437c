"""A noise with rare, large errors: Laplace's distribution."""

import torch
from torch import Tensor

from imaging.physics.noise import NOISES, Draw, Noise, Random, Shard
from imaging.physics.noises.gaussian import Sigma


@NOISES.register("laplace")
class LaplaceNoise(Noise):
    """n has the density exp(-|n| / b) / (2 b) with b = sigma / √2, independent in every element.

    Args:
        sigma: standard deviation in units of intensity, or [low, high], the range from which every image
            draws its own.
        draw: the density on the range; see `imaging.physics.noise.Noise`.

    Examples:
        >>> from imaging.randomness import generator
        >>> y = LaplaceNoise(0.1)(torch.zeros(1, 1, 200, 200), generator(0, "noise"))
        >>> round(y.std().item(), 2)
        0.1
    """

    level = "sigma"
    values = Sigma

    def __init__(self, sigma: Sigma, draw: Draw = "uniform"):
        super().__init__(sigma, draw)

    def variance(self, clean: Tensor, level: Tensor | float) -> Tensor:
        return torch.zeros_like(clean) + level**2

    def variance_of(self, y: Tensor, level: Tensor | float) -> Tensor:
        return self.variance(y, level)

    def sample(self, clean: Tensor, random: Random, levels: Tensor, shard: Shard) -> Tensor:
        rank, world_size = shard  # draw the noise of the whole batch, and keep that of this process
        size = len(clean) * world_size, *clean.shape[1:]
        uniform = torch.rand(size, generator=random, device=random.device, dtype=clean.dtype) - 0.5
        below_one = (2 * uniform.abs()).clamp(max=1 - 2**-24)  # rand may be 0, and n must be finite
        unit = -uniform.sign() * torch.log1p(-below_one) / 2**0.5
        return (unit * levels.to(clean.dtype))[rank::world_size].to(clean.device)
