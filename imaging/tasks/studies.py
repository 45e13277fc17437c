"""The three studies. Each says only in what it differs from the shared body."""

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.settings import Positive
from imaging.tasks import TASKS
from imaging.tasks.losses import Loss
from imaging.tasks.reconstruction import Reconstruction


@TASKS.register("denoiser")
class Denoiser(Reconstruction):
    """y = x + n: nothing but noise; the operator must be the identity."""

    def __init__(self, network, physics, optimizer: dict, schedule: dict, seed: int, loss: Loss):
        from imaging.physics.identity import Identity

        if not isinstance(physics.operator, Identity):
            raise ImagingError(
                "task 'denoiser' expects physics.operator.name=identity; for a mask or a blur choose "
                "task=inpainter or task=deconvolver"
            )
        super().__init__(network, physics, optimizer, schedule, seed, loss)


@TASKS.register("deconvolver")
class Deconvolver(Reconstruction):
    """y = h * x + n with a known point spread function h."""


@TASKS.register("inpainter")
class Inpainter(Reconstruction):
    """y = M x with lost pixels set to 0, in units normalised to mean 0 and standard deviation 1.

    The network works on (x - mean) / std, and its loss is in those units; PSNR is of intensities.
    A lost pixel is thus the mean gray of the data, not black.
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
        self.mean, self.std = mean, std

    def corrupt(
        self,
        x: Tensor,
        random: torch.Generator | Tensor | None,
        sigma: float | Tensor | None = None,
        shard: tuple[int, int] = (0, 1),
    ) -> Tensor:
        y, noise = self.physics.operator(x), self.physics.noise
        if noise.is_silent(sigma):
            return y
        # sigma is of intensities, and so becomes sigma / std in the network's units.
        return y + noise(torch.zeros_like(y), random, sigma, shard) / self.std

    def numbers(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        """The loss over all pixels in the network's units, and the PSNR of the lost pixels alone."""
        lost = self.physics.operator(torch.ones_like(x[:1])) == 0
        loss = (self.normalise(x_hat) - self.normalise(x)).square().flatten(1).mean(dim=1)
        error = ((x_hat - x).square() * lost).flatten(1).sum(dim=1) / lost.sum()
        return {"loss": loss, "psnr_lost": -10 * torch.log10(error)}

    def normalise(self, image: Tensor) -> Tensor:
        return (image - self.mean).div_(self.std)

    def denormalise(self, x: Tensor) -> Tensor:
        return x * self.std + self.mean
