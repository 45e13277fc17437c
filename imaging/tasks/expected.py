"""The error of restored images that is expected from their measurements, where there are no clean images."""

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.operators.identity import Identity
from imaging.randomness import generator
from imaging.tasks.clipping import MARGIN, unclipped
from imaging.tasks.equations import Equations
from imaging.tasks.losses import BlindLoss

PROBES = 4
DIFFERENCE = 0.1  # of the finite differences, in units of the noise's standard deviation
LEAST = 0.02  # of the elements, that must be reliable
WEIGHTED = BlindLoss()  # its W is that of every network, so that their errors can be compared


@torch.no_grad()
def expected_psnr(
    task: Equations, y: Tensor, x_hat: Tensor, names: list[str], level: float, again: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Estimate the PSNR of restored images from their measurements, 10·log10(1 / expected MSE).

    The mean squared error is that of W A x_hat against W A x, with the W of
    `imaging.tasks.losses.BlindLoss`; of denoising, that of x_hat against x. What A cannot see counts as no
    error. It is estimated with Stein's unbiased risk estimate, see `imaging.tasks.losses.sure`, or with
    second measurements y', as mean |W (A x_hat - y')|² - mean |W (y - y')|² / 2, which needs no level.

    Of images that were clipped to [0, 1], only the elements count that `reliable` names.

    The noise of an image alone changes its estimate. An estimate below this fluctuation, which may be
    negative, is replaced by it, since such an error cannot be told from none.

    Args:
        task: has the network and the physics.
        y: measurements in the network's units.
        x_hat: the restored images, intensities (N, C, H, W).
        names: the id of each image, which seeds the probes.
        level: of the noise.
        again: other measurements of the same scenes, in the network's units, or None.

    Returns:
        of each image, float32 (N,): the expected PSNR in dB of the estimate, and that of y.
    """
    operator, sigma = task.physics.operator, task.sigma_of(level)

    def see(image: Tensor) -> Tensor:
        return WEIGHTED.weigh(operator, operator(task.normalise(image)))

    seen = see(x_hat)
    counted = torch.ones_like(seen, dtype=torch.bool)
    if isinstance(operator, Identity):
        intensities = task.denormalise(y)
        deviation = task.physics.noise.variance_of(intensities, level).abs().sqrt()
        counted = reliable(intensities, x_hat, deviation)
    n = counted.flatten(1).sum(dim=1, dtype=torch.float64)

    def mean(values: Tensor) -> Tensor:
        return (values.double() * counted).flatten(1).sum(dim=1) / n

    if again is not None:
        mse = mean((seen - WEIGHTED.weigh(operator, again)).square())
        noise = mean(WEIGHTED.weigh(operator, y - again).square()) / 2
        mse -= noise
    else:
        variance = task.variance_of(y, level)
        mse = mean((seen - WEIGHTED.weigh(operator, y)).square())
        noise = torch.zeros_like(mse)
        for probe in range(PROBES):
            signs = torch.cat([_signs(y[:1], name, probe) for name in names])
            c = variance.abs().sqrt() * signs
            change = see(task.restore(y + DIFFERENCE * c, sigma)) - seen
            weighed, weighted_c = WEIGHTED.weigh(operator, c), WEIGHTED.weigh(operator, c * variance.sign())
            noise += mean(weighted_c * weighed) / PROBES
            mse += mean(weighted_c * (2 * change / DIFFERENCE - weighed)) / PROBES
    units = (task.denormalise(torch.ones(())) - task.denormalise(torch.zeros(()))).square().item()
    fluctuation = noise.abs() * (2 / n).sqrt()
    return _decibels(units * torch.maximum(mse, fluctuation)), _decibels(units * noise.abs())


def reliable(y: Tensor, x_hat: Tensor, deviation: Tensor | float) -> Tensor:
    """The elements of restored images for which an error can be expected, bool (N, C, H, W).

    Args:
        y, x_hat, deviation: as in `imaging.tasks.clipping.unclipped`.

    Raises:
        ImagingError: there are hardly any in an image.
    """
    counted = unclipped(y, x_hat, deviation)
    if (counted.flatten(1).float().mean(dim=1) < LEAST).any():
        raise ImagingError(
            f"sigma is too large for an image, or the image is saturated: less than {LEAST:.0%} of its "
            f"elements are {MARGIN} sigma from 0 and 1, and the noise would be clipped nearly everywhere; "
            "expected the sigma of its noise (see imaging noise), or 16-bit files with an offset"
        )
    return counted


def _signs(y: Tensor, name: str, probe: int) -> Tensor:
    random = generator("expected error", name, probe)
    return (2.0 * torch.randint(2, y.shape, generator=random) - 1.0).to(y)


def _decibels(mse: Tensor) -> Tensor:
    return (-10 * torch.log10(mse)).float()
