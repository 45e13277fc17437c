"""PSNR and SSIM, for training, evaluation and reports."""

import functools
import math
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torchmetrics import Metric

from imaging.precision import full_precision
from imaging.shapes import Images, PerImage

# How an estimate is transformed before it is measured, by the name in every record: not at all, or clipped to
# [0, 1] as in much of the denoising literature. PSNR is always over the whole image, with peak 1.
Convention = Literal["unclipped", "clipped"]
CONVENTIONS = {"unclipped": lambda x_hat: x_hat, "clipped": lambda x_hat: x_hat.clamp(0, 1)}
CONVENTION: Convention = "unclipped"


def psnr(x_hat: Images, x: torch.Tensor) -> PerImage:
    """Peak signal-to-noise ratio of each image in dB, 10·log10(1 / MSE).

    The estimate is neither clipped nor cropped, and no epsilon limits the value: a perfect estimate has
    infinite PSNR.

    Args:
        x_hat: estimates, (N, C, H, W), in units where the peak is 1.
        x: clean images of the same shape.

    Returns:
        (N,) float32 tensor in dB.

    Raises:
        ValueError: the shapes differ.

    Examples:
        >>> psnr(torch.full((1, 3, 8, 8), 0.6), torch.full((1, 3, 8, 8), 0.5))  # an error of 0.1 everywhere
        tensor([20.0000])
    """
    _check_shapes(x_hat, x)
    error = F.mse_loss(x_hat.float(), x.float(), reduction="none").flatten(1).mean(dim=1)
    return -10 * torch.log10(error)


def _check_shapes(x_hat: torch.Tensor, x: torch.Tensor) -> None:
    if x_hat.shape != x.shape:
        raise ValueError(f"estimate {tuple(x_hat.shape)} and clean image {tuple(x.shape)} differ in shape")


class Mean(Metric):
    """The mean of values over all updates and processes."""

    full_state_update = False
    total: torch.Tensor
    count: torch.Tensor

    def __init__(self):
        super().__init__()
        # float64: the printed digits of a mean over 100,000 images must not depend on their order.
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, values: torch.Tensor) -> None:
        self.total += values.double().sum()
        self.count += values.numel()

    def compute(self) -> torch.Tensor:
        return (self.total / self.count).float()


class PSNR(Mean):
    """The mean PSNR in dB over the images of all updates and processes."""

    def update(self, x_hat: torch.Tensor, x: torch.Tensor) -> None:  # type: ignore[override]
        super().update(psnr(x_hat, x))


# The 11-tap Gaussian of standard deviation 1.5.
_TAPS = [math.exp(-0.5 * (offset / 1.5) ** 2) for offset in range(-5, 6)]
_TAPS = [tap / sum(_TAPS) for tap in _TAPS]

# SSIM's windows are computed as banded matrix products, over tiles of TILE rows and then of TILE columns.
# TILE + 10 products are faster than 11 shifted images, which would pass through the caches eleven times.
TILE = 16
# Pixels of all channels in one strip, for each of three maps. With fewer, the calls take longer than the
# arithmetic; with more, the maps do not fit in the caches.
STRIP = 1 << 19


@functools.cache
def _band(device: torch.device) -> torch.Tensor:
    """(TILE, TILE + 10): row i has the taps in the columns from i to i + 10."""
    taps = torch.tensor(_TAPS, dtype=torch.float32)
    return torch.stack([F.pad(taps, (i, TILE - 1 - i)) for i in range(TILE)]).to(device)


def _strips(shape: torch.Size) -> list[slice]:
    """Strips of rows of images (N, C, H, W): the first rows of the windows, and the 10 rows below them."""
    n, c, height, width = shape
    rows = max(1, STRIP // max(1, n * c * width * TILE)) * TILE
    return [slice(first, first + rows + 10) for first in range(0, height - 10, rows)]


def _room(count: int, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Allocate `count` maps of images (N, C, H, W): the buffer, in whole tiles, and the maps as its views.

    The padding, where tiles extend beyond an image, and the 10 rows after the last tile are set to 0.
    Uninitialised memory could contain nan, and 0 times nan is nan.
    """
    n, c, height, width = images.shape
    tall = (-(-(height - 10) // TILE) + 1) * TILE
    wide = -(-(width - 10) // TILE) * TILE + 10
    space = images.new_empty(count * n * c * tall + 10, wide)
    maps = space[:-10].view(count, n, c, tall, wide)
    space[-10:] = 0
    maps[..., height:, :] = 0
    maps[..., width:] = 0
    return space, maps[..., :height, :width]


def _weighted_means(space: torch.Tensor) -> torch.Tensor:
    """Weighted means of the maps in a buffer of `_room`: (tiles across, rows of all maps, TILE)."""
    band, (height, wide) = _band(space.device), space.shape
    down, across = (height - 10) // TILE, (wide - 10) // TILE
    rows = space.as_strided((down, TILE + 10, wide), (TILE * wide, wide, 1))
    means = torch.bmm(band.expand(down, -1, -1), rows).view(height - 10, wide)
    columns = means.as_strided((across, height - 10, TILE + 10), (TILE, wide, 1))
    return torch.bmm(columns, band.T.expand(across, -1, -1))


@torch.no_grad()
def local_means(x: Images) -> list[torch.Tensor]:
    """Means of clean images under SSIM's Gaussian window, for reuse in `ssim`.

    Args:
        x: (N, C, H, W), intensities in [0, 1].

    Returns:
        A tensor for each strip of rows; an empty list if a side is below 11 pixels.
    """
    means = []
    for strip in _strips(x.shape) if x.shape[-1] >= 11 else []:
        images = x[..., strip, :].float()
        space, maps = _room(1, images)
        maps[0] = images
        with full_precision(x.device):
            means.append(_weighted_means(space))
    return means


@torch.no_grad()
def ssim(x_hat: Images, x: torch.Tensor, means: list[torch.Tensor] | None = None) -> PerImage:
    """Structural similarity of each image: the mean over channels and over all full windows.

    Wang, Bovik, Sheikh and Simoncelli 2004: Gaussian window of standard deviation 1.5 px and 11×11 px,
    K1 = 0.01, K2 = 0.03, data range 1, population covariance. Equals scikit-image's
    `structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)`.

    Args:
        x_hat, x: estimates and clean images, (N, C, H, W), intensities in [0, 1].
        means: `local_means(x)`, to compute it once for several estimates; None: computed here.

    Returns:
        (N,) float32 tensor, without a gradient; nan for images that contain nan or are smaller than the
        window.

    Raises:
        ValueError: the shapes differ.

    Examples:
        >>> x = torch.rand(2, 3, 32, 32)
        >>> ssim(x, x)
        tensor([1., 1.])
    """
    _check_shapes(x_hat, x)
    height, width = x.shape[-2:]
    if min(height, width) < 11 or x.numel() == 0:
        return torch.full((len(x),), float("nan"))
    # float64: the sums do not depend on the sizes of strips and batches.
    total = torch.zeros(x.shape[:2], dtype=torch.float64, device=x.device)
    for strip, mean_b in zip(_strips(x.shape), means or local_means(x), strict=True):
        total += _ssim_of_strip(x_hat[..., strip, :].float(), x[..., strip, :].float(), mean_b)
    return (total.mean(dim=1) / ((height - 10) * (width - 10))).float()


def _ssim_of_strip(a: Images, b: Images, mean_b: torch.Tensor) -> Float[torch.Tensor, "n c"]:
    """The sums of SSIM over all windows, float64 (N, C)."""
    images, channels, height, width = b.shape
    space, (of_a, of_ab, of_dd) = _room(3, b)
    of_a.copy_(a)
    torch.mul(a, b, out=of_ab)
    torch.sub(a, b, out=of_dd).square_()
    with full_precision(b.device):
        means = _weighted_means(space)
    mean_a, ab, dd = means.unflatten(1, (3, -1)).unbind(1)
    c1, c2 = 0.01**2, 0.03**2
    # With l = mean_a mean_b + c1 / 2 and n = cov + c2 / 2:
    #   2l · 2n / ((m + 2l) (dd - m + 2n)), m = (mean_a - mean_b)².
    # In this form only small numbers are subtracted, and equal images give exactly 1; with variances, white
    # images would not. In place, for less memory and fewer cache misses.
    l = torch.addcmul(ab.new_tensor(c1 / 2), mean_a, mean_b)
    m = mean_a.sub_(mean_b).square_()
    n = ab.sub_(l).add_((c1 + c2) / 2)
    denominator = dd.sub_(m).add_(n, alpha=2).mul_(m.add_(l, alpha=2))
    similarity = n.mul_(l).mul_(4).div_(denominator).unflatten(1, (images, channels, -1))
    similarity[-1, ..., (width - 10 - 1) % TILE + 1 :] = 0  # columns beyond the last full window
    return similarity[:, :, :, : height - 10].sum(dim=(0, 3, 4), dtype=torch.float64)
