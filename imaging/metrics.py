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


def local_means(x: torch.Tensor) -> torch.Tensor | None:
    """Of clean images (N, C, H, W) under SSIM's window; None if they are too small for it."""
    return _weighted_means(x.float()) if min(x.shape[-2:]) >= 11 else None


def ssim(x_hat: torch.Tensor, x: torch.Tensor, means: torch.Tensor | None = None) -> torch.Tensor:
    """Structural similarity, image by image: mean over channels and over all full windows.

    Wang, Bovik, Sheikh and Simoncelli 2004: Gaussian window of standard deviation 1.5 px and 11×11 px,
    K1 = 0.01, K2 = 0.03, data range 1, population covariance. Equals scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)`.

    Args:
        x_hat, x: (N, C, H, W).
        means: of x, by `local_means`, where several estimates are compared with one clean image.

    Returns:
        (N,) float32 tensor; nan for images smaller than the window.
    """
    mean_b = local_means(x) if means is None else means
    if mean_b is None:
        return torch.full((len(x),), float("nan"))
    a, b = x_hat.float(), x.float()
    mean_a, ab, dd = (_weighted_means(image) for image in (a, a * b, (a - b).square_()))
    c1, c2 = 0.01**2, 0.03**2
    # With l = mean_a mean_b + c1 / 2 and n = cov + c2 / 2:
    #   2l · 2n / ((m + 2l) (dd - m + 2n)), m = (mean_a - mean_b)².
    # So what is subtracted is small, and equal images have exactly 1; by variances, white ones would not. In
    # place, as a photograph's maps are larger than the caches.
    l = torch.addcmul(ab.new_tensor(c1 / 2), mean_a, mean_b)
    n = ab.sub_(l).add_((c1 + c2) / 2)
    m = (mean_a - mean_b).square_()
    numerator = n * l
    denominator = dd.sub_(m).add_(n, alpha=2).mul_(m.add_(l, alpha=2))
    return 4 * numerator.div_(denominator).flatten(1).mean(dim=1)
