"""PSNR and SSIM: defined once, used by training, evaluation and reports alike."""

import math

import torch
import torch.nn.functional as F
from torchmetrics import Metric

# What is done to an estimate before it is measured, by the name that every record carries: nothing, or, as
# in much of the denoising literature, clipping to [0, 1]. Always over the whole image, peak 1.
CONVENTIONS = {"unclipped": lambda x_hat: x_hat, "clipped": lambda x_hat: x_hat.clamp(0, 1)}
CONVENTION = "unclipped"


def psnr(x_hat: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """Peak signal-to-noise ratio in dB, 10·log10(1 / MSE), image by image.

    The estimate is not clipped, nothing is cropped, and no epsilon caps the value: a perfect
    estimate has infinite PSNR.

    Args:
        x_hat: estimate, (N, C, H, W), in units where the peak is 1.
        x: clean image, of the same shape.

    Returns:
        (N,) float32 tensor in dB.
    """
    if x_hat.shape != x.shape:
        raise ValueError(f"estimate {tuple(x_hat.shape)} and clean image {tuple(x.shape)} differ in shape")
    error = F.mse_loss(x_hat.float(), x.float(), reduction="none").flatten(1).mean(dim=1)
    return -10 * torch.log10(error)


class PSNR(Metric):
    """Mean over all images seen of their PSNR in dB; summed over processes."""

    full_state_update = False

    def __init__(self):
        super().__init__()
        # float64: the mean over 100,000 images must not depend on their order in the last digit shown.
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, x_hat: torch.Tensor, x: torch.Tensor) -> None:
        values = psnr(x_hat, x)
        self.total += values.double().sum()
        self.count += values.numel()

    def compute(self) -> torch.Tensor:
        return (self.total / self.count).float()


# The 11-tap Gaussian of standard deviation 1.5.
_TAPS = [math.exp(-0.5 * (offset / 1.5) ** 2) for offset in range(-5, 6)]
_TAPS = [tap / sum(_TAPS) for tap in _TAPS]


def _weighted_means(images: torch.Tensor) -> torch.Tensor:
    """(…, H, W) under all full windows, (…, H - 10, W - 10).

    Sums of shifted images take a quarter of the time of a convolution, which torch tunes for many channels.
    """
    for dim in (-1, -2):
        size = images.shape[dim] - 10
        means = images.narrow(dim, 0, size) * _TAPS[0]
        for shift, tap in enumerate(_TAPS[1:], 1):
            means.add_(images.narrow(dim, shift, size), alpha=tap)
        images = means
    return images


Moments = tuple[torch.Tensor, torch.Tensor]


def ssim_moments(x: torch.Tensor) -> Moments | None:
    """Local means of clean images (N, C, H, W) and of their squares, for `ssim`; None if too small for it."""
    if min(x.shape[-2:]) < 11:
        return None
    return _weighted_means(x.float()), _weighted_means(x.float().square())


def ssim(x_hat: torch.Tensor, x: torch.Tensor, moments: Moments | None = None) -> torch.Tensor:
    """Structural similarity, image by image: mean over channels and over all full windows.

    Wang, Bovik, Sheikh and Simoncelli 2004: Gaussian window of standard deviation 1.5 px and 11×11 px,
    K1 = 0.01, K2 = 0.03, data range 1, population covariance. Equals scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)`.

    Args:
        x_hat, x: (N, C, H, W).
        moments: of x, by `ssim_moments`, where several estimates are compared with one clean image.

    Returns:
        (N,) float32 tensor; nan for images smaller than the window.
    """
    moments = ssim_moments(x) if moments is None else moments
    if moments is None:
        return torch.full((len(x),), float("nan"))
    mean_b, bb = moments
    a = x_hat.float()
    mean_a, aa, ab = (_weighted_means(image) for image in (a, a * a, a * x.float()))
    c1, c2 = 0.01**2, 0.03**2
    # (2 cov + c2) (2 mean_a mean_b + c1) / ((var_a + var_b + c2) (mean_a² + mean_b² + c1)), in few passes
    # over the maps: a photograph's are larger than the caches.
    cross = torch.addcmul(ab.new_tensor(c1 / 2), mean_a, mean_b)
    squares = torch.addcmul((mean_b * mean_b).add_(c1), mean_a, mean_a)
    numerator = ab.sub_(cross).add_((c1 + c2) / 2).mul_(cross)
    denominator = aa.add_(bb).sub_(squares).add_(c1 + c2).mul_(squares)
    return 4 * numerator.div_(denominator).flatten(1).mean(dim=1)
