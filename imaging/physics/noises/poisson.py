"""Noise of counted photons, without and with that of the sensor's electronics."""

from typing import Annotated

import torch
from torch import Tensor

from imaging.physics.noise import NOISES, Draw, Noise, Random, Shard
from imaging.randomness import generator
from imaging.settings import Limit, NotNegative, Positive, fits
from imaging.shapes import Measurements

PeakRange = Limit(
    "[low, high] with 0 < low <= high",
    lambda ends: len(ends) == 2 and all(fits(end, Positive) for end in ends) and ends[0] <= ends[1],
)
Peak = Positive | Annotated[list, PeakRange]


@NOISES.register("poisson")
class PoissonNoise(Noise):
    """y = Poisson(peak · A x) / peak: photons are counted, `peak` of them at intensity 1.

    The mean of y is A x, its variance A x / peak. Negative intensities count as 0.

    Args:
        peak: mean number of photons at intensity 1, greater than 0: a number, or [low, high], the range from
            which every image draws its own. The higher, the less noise.
        draw: the density on the range; see `imaging.physics.noise.Noise`.

    Raises:
        ImagingError: a wrong peak or draw.

    Examples:
        >>> from imaging.randomness import generator
        >>> y = PoissonNoise(100)(torch.full((1, 1, 64, 64), 0.25), generator(0, "noise"))
        >>> round(y.std().item(), 2)  # sqrt(0.25 / 100)
        0.05
    """

    level = "peak"
    values = Peak
    read = 0.0

    def __init__(self, peak: Peak, draw: Draw = "uniform"):
        super().__init__(peak, draw)

    def variance(self, clean: Tensor, level: Tensor | float) -> Tensor:
        return clean.clamp_min(0) / level + self.read**2

    def variance_of(self, y: Tensor, level: Tensor | float) -> Tensor:
        return y / level + self.read**2

    def sample(self, clean: Measurements, random: Random, levels: Tensor, shard: Shard) -> Measurements:
        rank, world_size = shard
        assert isinstance(random, torch.Generator)
        n, device = len(clean) * world_size, random.device
        # A generator for each image, because a process does not have the other processes' images.
        seeds = _seeds(random, n)[rank::world_size]
        own = levels[rank::world_size].to(device, clean.dtype)
        noises = []
        for image, seed, peak in zip(clean.detach().to(device), seeds, own, strict=True):
            own_random = torch.Generator(device).manual_seed(seed)
            image = image.contiguous()  # the values must not depend on the layout
            counts = torch.poisson(image.clamp_min(0) * peak, generator=own_random)
            noise = counts / peak - image
            if self.read:
                electrons = torch.randn(image.shape, generator=own_random, device=device, dtype=image.dtype)
                noise += self.read * electrons
            noises.append(noise)
        return torch.stack(noises).to(clean.device)


def _seeds(random: torch.Generator, n: int) -> list[int]:
    """Draw n seeds, without waiting for a GPU whose generator it is."""
    if random.device.type == "cpu":
        return torch.randint(2**62, (n,), generator=random).tolist()
    state = generator(random.initial_seed(), random.get_offset())
    torch.rand(1, generator=random, device=random.device)  # moves the offset, for the next call
    return torch.randint(2**62, (n,), generator=state).tolist()


@NOISES.register("poisson_gaussian")
class PoissonGaussianNoise(PoissonNoise):
    """y = Poisson(peak · A x) / peak + N(0, read²): shot noise and read noise of a sensor.

    The variance is affine in the intensity, A x / peak + read² (Foi, Trimeche, Katkovnik and Egiazarian,
    "Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data", TIP 2008).

    Args:
        peak: as in `PoissonNoise`.
        read: standard deviation of the read noise, in units of intensity.
        draw: the density of the peak on its range; see `imaging.physics.noise.Noise`.

    Raises:
        ImagingError: a wrong value.

    Examples:
        >>> PoissonGaussianNoise(peak=100, read=0.03).variance(torch.tensor(0.16), 100)
        tensor(0.0025)
    """

    def __init__(self, peak: Peak, read: NotNegative = 0.01, draw: Draw = "uniform"):
        super().__init__(peak, draw)
        self.read = read
