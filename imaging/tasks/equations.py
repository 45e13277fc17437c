"""The equations y = A x + n and x_hat = f(y) in a network's units, which a task adds training to."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.models.network import complete
from imaging.physics.measurement import Physics
from imaging.physics.noise import Level, Random, Shard
from imaging.physics.operator import LinearOperator
from imaging.precision import full_precision


def as_float(image: Tensor) -> Tensor:
    """Convert uint8 or float images to float32 in [0, 1], on their device."""
    return image.float().div_(255) if image.dtype == torch.uint8 else image.float()


class Equations(pl.LightningModule):
    """Measure images, and restore measurements.

    Args:
        network: f, an `imaging.models.network.Network`.
        physics: A and n; see `imaging.physics.measurement.Physics`.
    """

    network: Any  # a Module that is a `Network` too, and Python has no type for both

    def __init__(self, network, physics: Physics):
        super().__init__()
        self.network, self.physics = complete(network), physics

    def normalise(self, image: Tensor) -> Tensor:
        """Convert intensities in [0, 1] to the network's units."""
        return image

    def denormalise(self, x: Tensor) -> Tensor:
        """Convert the network's units to intensities."""
        return x

    def measure(self, image: Tensor, random: Random, level: Level = None, shard: Shard = (0, 1)) -> Tensor:
        """Measure clean images: y = A x + n in the network's units, in the operator's shape.

        Args:
            image: intensities in [0, 1], (N, C, H, W).
            random, level, shard: as in `imaging.physics.measurement.Physics.forward`.
        """
        return self.corrupt(self.normalise(image), random, level, shard)

    def corrupt(
        self,
        x: Tensor,
        random: Random,
        level: Level = None,
        shard: Shard = (0, 1),
        operator: LinearOperator | None = None,
    ) -> Tensor:
        """Measure images in the network's units: y = A x + n.

        Args:
            x, random, level, shard: as in `Physics.forward`.
            operator: A; None: that of the physics.
        """
        physics = self.physics if operator is None else Physics(operator, self.physics.noise)
        return physics(x, random, level, shard)

    def as_measurement(self, image: Tensor) -> Tensor:
        """y in the network's units, of an image that is a measurement: intensities, (N, C, H, W)."""
        return self.normalise(image)

    def preview(self, y: Tensor, operator: LinearOperator | None = None) -> Tensor:
        """The measurements as images of x's shape, in intensities: the baseline, and what pictures show.

        Args:
            y: measurements in the network's units.
            operator: that measured y; None: that of the physics.
        """
        return self.denormalise((operator or self.physics.operator).preview(y))

    def restore(
        self, y: Tensor, sigma: float | Tensor | None = None, operator: LinearOperator | None = None
    ) -> Tensor:
        """Estimate x_hat = f(y) in intensities, float32 for any precision of the training.

        Args:
            y: measurements in the network's units.
            sigma: of the noise, a number or (N, 1, 1, 1); only for a network that `takes_sigma`.
            operator: that measured y, only for a network that `takes_operator`; None: that of its settings.

        Raises:
            ImagingError: the network takes sigma, and sigma is None.
        """
        if self.takes_sigma and sigma is None:
            raise ImagingError("this network needs the standard deviation of the noise: give sigma=…")
        if self.takes_sigma and not isinstance(sigma, Tensor):
            sigma = torch.full((len(y), 1, 1, 1), sigma, device=y.device)
        extra = (sigma,) if self.takes_sigma else ()
        known = {} if operator is None else {"operator": operator}
        with full_precision(y.device):
            # Not __call__, because torch.compile would compile the network again for each image size.
            x_hat = self.network.forward(y.float(), *extra, **known)
            if not isinstance(x_hat, Tensor):
                raise ImagingError(
                    f"the network {type(self.network).__name__} returns a {type(x_hat).__name__}; expected a "
                    "tensor (N, C, H, W)"
                )
            return self.denormalise(x_hat)

    @property
    def takes_sigma(self) -> bool:
        return self.network.takes_sigma

    def sigma_of(self, level: float) -> float:
        """The standard deviation of the noise at a level, for a network that takes sigma."""
        return self.physics.noise.sigma(torch.tensor(level, dtype=torch.float64)).item()

    @property
    def typical_sigma(self) -> float:
        """The standard deviation of the noise in validation."""
        return self.sigma_of(self.physics.noise.typical_level)

    def numbers(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        """The task's measures in addition to PSNR and SSIM, (N,) by name: of a solver, its last residuals.

        Args:
            x_hat, x: restored and clean intensities, (N, C, H, W).
        """
        return dict(self.network.trace[-1]) if self.network.trace else {}

    def variance_of(self, y: Tensor, levels: Tensor | float) -> Tensor:
        """An unbiased estimate of the variance of the noise in each element of y, in the network's units.

        Args:
            y: measurements in the network's units.
            levels: of the noise, a number or (N, 1, 1, 1).
        """
        return self.physics.noise.variance_of(y, levels)
