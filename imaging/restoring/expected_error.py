"""The expected error of a restored image, from its measurement alone."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.models.noise_level import noise_level
from imaging.randomness import generator
from imaging.restoring.checks import check_images, check_sigma
from imaging.restoring.doubts import doubts_of
from imaging.restoring.error_map import NORMAL, Calibration, expected_magnitude
from imaging.tasks.equations import as_float
from imaging.tasks.expected import DIFFERENCE, PROBES, reliable

if TYPE_CHECKING:
    from imaging.restoring.restorer import Restorer

TWO_SIDED = 1.959964  # 95 % of a normal distribution


def error_of_sigma(sigma: float, elements: int) -> float:
    """The standard deviation of an estimated sigma, as a fraction of it.

    Of `imaging.models.noise_level` beside the restored photograph; fitted to 25 training images of BSDS300,
    restored by denoiser-64: 0.12, 0.027, 0.011 and 0.009 at sigma 0.02, 0.05, 0.1 and 0.2. The first part is
    that of texture, the second that of a finite image. With texture everywhere the estimate is too high.

    Args:
        sigma: the estimate.
        elements: of the image, C · H · W.
    """
    return 4.7e-5 / sigma**2 + 0.009 * math.sqrt(3 * 321 * 481 / elements)


@dataclass(frozen=True)
class ExpectedError:
    """The expected error of one restored image.

    Args:
        mse: expected mean squared error.
        deviation: standard deviation of the true mean squared error around it.
        sigma: of the noise, known or estimated.
        bound: of each pixel, (H, W), the error that 90 % of such pixels do not exceed: the absolute error,
            mean over the channels. See `imaging.restoring.error_map`.
        clipped: the share of the elements that is not counted in `mse`, because their noise was clipped; see
            `imaging.tasks.expected.reliable`.
        doubts: a line for each reason not to believe it.
    """

    mse: float
    deviation: float
    sigma: float
    bound: Tensor
    clipped: float = 0.0
    doubts: tuple[str, ...] = ()

    @property
    def psnr(self) -> float:
        """The expected PSNR in dB."""
        return _psnr(self.mse)

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the true PSNR in dB, 95 %; it has no upper end if no error is among its values."""
        spread = TWO_SIDED * self.deviation
        return _psnr(self.mse + spread), _psnr(self.mse - spread)

    def __str__(self) -> str:
        low, high = self.interval
        if math.isinf(low):
            return "expected PSNR unknown: the error cannot be told from none"
        if math.isinf(high):
            return f"expected PSNR above {low:.2f} dB (95 %)"
        return f"expected PSNR {self.psnr:.2f} dB (95 %: {low:.2f} to {high:.2f})"


def _psnr(mse: float) -> float:
    return -10 * math.log10(mse) if mse > 0 else math.inf


@torch.no_grad()
def expected_error(
    denoise: Callable[[Tensor], Tensor],
    y: Tensor,
    x_hat: Tensor,
    sigma: float,
    sigma_error: float = 0.0,
    calibration: Calibration | None = None,
) -> ExpectedError:
    """Estimate the mean squared error of x_hat = f(y) for y = x + n with white Gaussian noise.

    SURE = mean |y - f(y)|² - sigma² + 2 sigma² div f(y) / N, the divergence by several probes; see
    `imaging.tasks.losses.sure`. Its deviation has three parts: of the probes; of the noise, which with
    g(y) = y - f(y) and the Jacobian G of g is N⁻² (2 sigma⁴ |2 G - I|² + 4 sigma² |G x|²), for g that is
    linear near y; and of sigma.

    Args:
        denoise: f, for tensors like y.
        y: measurement, float (C, H, W), of N elements.
        x_hat: f(y).
        sigma: standard deviation of the noise.
        sigma_error: standard deviation of sigma, as a fraction of it; 0: sigma is known.
        calibration: of the network's error maps; None: the errors count as normally distributed.

    Raises:
        ImagingError: the noise was clipped nearly everywhere.
    """
    counted = reliable(y[None], x_hat[None], sigma)[0]
    all_of = counted.double() / counted.sum()  # weights of a mean
    # Other images have other probes, so that the probes' error is not that of all images of a size.
    image = hashlib.blake2b(y.cpu().numpy().tobytes(), digest_size=8).hexdigest()
    y, x_hat = y.double(), x_hat.double()
    n, residual = int(counted.sum()), (y - x_hat) * counted
    divergences, squares, mixed, responses = [], [], [], torch.zeros_like(y)
    for probe in range(PROBES):
        random = generator("expected error", image, probe)
        b = (2.0 * torch.randint(2, y.shape, generator=random) - 1.0).to(y)
        moved = denoise((y + DIFFERENCE * sigma * b).float()).double()
        jacobian = (moved - x_hat) / (DIFFERENCE * sigma)  # of f, times b
        responses += b * jacobian / PROBES
        divergences.append((b * jacobian * all_of).sum())
        mixed.append(((b - 2 * jacobian) * counted).square().sum())  # |(2 G - I) b|²
        squares.append(((b - jacobian) * counted).square().sum())  # |G b|²
    divergence, spread = torch.stack(divergences).mean(), torch.stack(divergences).var() / PROBES
    mse = residual.square().sum() / n - sigma**2 + 2 * sigma**2 * divergence
    signal = (residual.square().sum() - sigma**2 * torch.stack(squares).mean()).clamp_min(0)  # |G x|²
    of_noise = (2 * sigma**4 * torch.stack(mixed).mean() + 4 * sigma**2 * signal) / n**2
    of_sigma = ((2 * divergence - 1) * 2 * sigma**2 * sigma_error) ** 2
    variance = 4 * sigma**4 * spread + of_noise + of_sigma
    deviation = math.sqrt(variance.item())
    magnitude = expected_magnitude(responses, sigma, max(mse.item(), deviation))
    bound = (calibration or NORMAL).bound(magnitude, sigma)
    return ExpectedError(mse.item(), deviation, sigma, bound, 1 - n / y.numel())


def restore_with_error(
    restorer: "Restorer", y: Tensor, sigma: float | None = None
) -> tuple[Tensor, ExpectedError]:
    """Remove the noise of an image, and say how wrong the result is; a method of `Restorer`.

    The noise must be white and Gaussian; where it is not, `doubts` tries to say so.

    Args:
        restorer: of a network that denoises.
        y: (C, H, W), as in a call of `Restorer`.
        sigma: standard deviation of the noise; None: estimated, which widens the interval.

    Returns:
        x_hat, and its expected error.

    Raises:
        ImagingError: the network does not denoise, y is not one image, or a wrong argument.

    Examples:
        >>> import imaging
        >>> from imaging.randomness import generator
        >>> y = 0.5 + 0.1 * torch.randn(3, 64, 64, generator=generator(0, "noise"))
        >>> _, error = imaging.load("denoiser-32", "cpu").restore_with_error(y, sigma=0.1)
        >>> error.psnr > 30
        True
    """
    operator = restorer.config["physics"]["operator"]["name"]
    if operator != "identity":
        raise ImagingError(f"the expected error is for denoising, and this network inverts {operator}")
    check_images(y)
    y = y.detach()
    if not torch.isfinite(as_float(y)).all():
        raise ImagingError("y has values that are not finite")
    if y.dim() != 3:
        raise ImagingError(f"y has the shape {tuple(y.shape)}; expected one image, (C, H, W)")
    check_sigma(sigma)
    if sigma == 0:
        raise ImagingError("sigma is 0: without noise there is nothing to restore")
    told = restorer.task.takes_sigma
    level = restorer.estimate_sigma(y) if sigma is None and told else sigma
    images = as_float(y)
    x_hat = restorer(images, level if told else None)
    found = noise_level(images[None], x_hat[None]).item()
    if sigma is None and found == 0:
        raise ImagingError("no noise is found in this image: give sigma")
    unsure = error_of_sigma(found, images.numel()) if found else math.inf

    def denoise(z: Tensor) -> Tensor:
        return restorer(z, level if told else None)

    fraction = unsure if sigma is None else 0.0
    error = expected_error(denoise, images, x_hat, sigma or found, fraction, restorer.calibration)
    doubts = doubts_of(images, x_hat, sigma, found, unsure, error.clipped)
    return x_hat, replace(error, doubts=tuple(doubts))
