"""The three tasks: denoising, deconvolution and inpainting."""

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.physics.noise import Level, Random, Shard
from imaging.physics.operator import LinearOperator
from imaging.physics.operators.identity import Identity
from imaging.settings import Positive
from imaging.tasks import TASKS
from imaging.tasks.losses import Loss
from imaging.tasks.reconstruction import Reconstruction


@TASKS.register("denoiser")
class Denoiser(Reconstruction):
    """Denoising, y = x + n; the operator must be the identity.

    The arguments are those of `imaging.tasks.reconstruction.Reconstruction`.

    Raises:
        ImagingError: another operator.
    """

    def __init__(self, network, physics, optimizer: dict, schedule: dict, seed: int, loss: Loss):
        if not isinstance(physics.operator, Identity):
            raise ImagingError(
                "task 'denoiser' expects physics.operator.name=identity; for a mask or a blur choose "
                "task=inpainter or task=deconvolver, for other operators task=reconstruction"
            )
        super().__init__(network, physics, optimizer, schedule, seed, loss)


@TASKS.register("deconvolver")
class Deconvolver(Reconstruction):
    """Deconvolution, y = h * x + n, with a known point spread function h."""


@TASKS.register("inpainter")
class Inpainter(Reconstruction):
    """Inpainting, y = M x + n, in units normalised to mean 0 and standard deviation 1.

    The network's units, and those of the loss, are (x - mean) / std; PSNR is of intensities. A lost pixel is
    0 in the network's units, plus noise: the mean gray of the data, not black.

    Args:
        network, physics, optimizer, schedule, seed, loss: as in
            `imaging.tasks.reconstruction.Reconstruction`.
        mean, std: of the training images' intensities.

    Raises:
        ImagingError: an operator that changes the shape of the images, or a network that is told the
            operator.
    """

    def __init__(
        self,
        network,
        physics,
        optimizer: dict,
        schedule: dict,
        seed: int,
        loss: Loss,
        mean: float = 0.0,
        std: Positive = 1.0,
    ):
        super().__init__(network, physics, optimizer, schedule, seed, loss)
        if not physics.operator.keeps_shape:
            raise ImagingError(
                "task 'inpainter' expects an operator that loses pixels, as physics=mask; for another one "
                "choose task=reconstruction"
            )
        if network.takes_operator:
            raise ImagingError(
                "task 'inpainter' has its own units, and this network works with intensities: choose "
                "task=reconstruction"
            )
        self.mean, self.std = mean, std

    def corrupt(
        self,
        x: Tensor,
        random: Random,
        level: Level = None,
        shard: Shard = (0, 1),
        operator: LinearOperator | None = None,
    ) -> Tensor:
        operator, noise = operator or self.physics.operator, self.physics.noise
        y = operator(x)
        if noise.is_silent(level):
            return y
        # The noise is that of intensities, in which a lost pixel is black.
        clean = operator(self.denormalise(x))
        return y + noise.noise(clean, random, level, shard) / self.std

    def as_measurement(self, image: Tensor) -> Tensor:
        # A lost pixel is black in a file.
        return self.physics.operator(self.normalise(image))

    def variance_of(self, y: Tensor, levels: Tensor | float) -> Tensor:
        # The noise is that of intensities.
        return super().variance_of(self.denormalise(y), levels) / self.std**2

    def numbers(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        """The mean squared error of all pixels in the network's units, and the PSNR of the lost pixels."""
        lost = self.physics.operator(torch.ones_like(x[:1])) == 0
        loss = (self.normalise(x_hat) - self.normalise(x)).square().flatten(1).mean(dim=1)
        only_lost = (image[:, lost[0]][..., None, None] for image in (x_hat, x))
        return super().numbers(x_hat, x) | {"loss": loss, "psnr_lost": psnr(*only_lost)}

    def normalise(self, image: Tensor) -> Tensor:
        return (image - self.mean).div_(self.std)

    def denormalise(self, x: Tensor) -> Tensor:
        return x * self.std + self.mean
