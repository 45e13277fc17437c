"""Downsampling by an anti-aliasing filter and decimation, for super-resolution."""

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.by_size import BySize
from imaging.physics.fourier import FourierFilter
from imaging.physics.operator import OPERATORS, LinearOperator, Shape
from imaging.physics.operators.blur import otf
from imaging.settings import Positive
from imaging.shapes import Images, Measurements, Psf, Spectrum

Kernel = Literal["bicubic", "gaussian", "box"]


def make_kernel(name: Kernel, factor: int, sigma: float | None = None) -> Psf:
    """The kernel of a downsampling: float64 (k, k), with sum 1; k is even for an even factor, else odd.

    Args:
        name: with t the distance in pixels from the kernel's centre, which is the middle of a block of
            factor × factor pixels, and in rows and columns alike:
            "bicubic": c(t / factor) with Keys' cubic convolution kernel c for a = -0.5 (Keys 1981), stretched
            by the factor against aliasing, as `imresize` in MATLAB and `resize` in Pillow;
            "gaussian": exp(-t² / (2 sigma²)) up to 3 sigma;
            "box": 1 in the block, so that y is the mean of each block.
        factor: of the downsampling.
        sigma: of the Gaussian, in pixels of x.
    """
    odd = factor % 2
    half = {"bicubic": 2 * factor - odd, "gaussian": math.ceil(3 * (sigma or 0)), "box": factor // 2}[name]
    size = 2 * half + odd
    t = (torch.arange(size, dtype=torch.float64) - (size - 1) / 2).abs()
    if name == "bicubic":
        t = t / factor
        near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
        line = torch.where(t <= 1, near, torch.where(t < 2, far, 0))
    elif name == "gaussian":
        line = torch.exp(-(t**2) / (2 * sigma**2))
    else:
        line = torch.ones_like(t)
    line = line / line.sum()
    return torch.outer(line, line)


@OPERATORS.register("downsampling")
class Downsampling(LinearOperator):
    """y = S (k ∗ x): circular convolution with an anti-aliasing kernel k, and decimation by a factor.

    S divides the image into blocks of factor × factor pixels and keeps one value of each: the filtered image
    at the middle of the block. (It keeps the pixels (factor - 1) // 2, (factor - 1) // 2 + factor, … in rows
    and columns; a kernel for an even factor has even size and its centre half a pixel further.) Away from the
    borders, y is what MATLAB's and Pillow's resize give; at the borders, x is periodic.

    `solve` has the closed form of Zhao et al. 2016, "Fast single image super-resolution using a new
    analytical solution for ℓ2–ℓ2 problems": A Aᵀ is a circular filter of y.

    Args:
        factor: 2, 3 or 4.
        kernel: bicubic, gaussian or box; see `make_kernel`.
        sigma: standard deviation of the Gaussian in pixels of x; None: 0.4 · factor, which is 1.6 for 4.

    Raises:
        ImagingError: a wrong value; sigma for another kernel; in `forward`, images whose height or width is
            not a multiple of the factor or is smaller than the kernel.

    Examples:
        >>> Downsampling(factor=4)(torch.rand(2, 3, 32, 48)).shape
        torch.Size([2, 3, 8, 12])
    """

    keeps_shape = False

    def __init__(
        self, factor: Literal[2, 3, 4] = 2, kernel: Kernel = "bicubic", sigma: Positive | None = None
    ):
        super().__init__()
        if sigma is not None and kernel != "gaussian":
            raise ImagingError(
                f"physics.operator.sigma is {sigma:g}, but the kernel is {kernel}: set kernel=gaussian or "
                "sigma=null"
            )
        self.factor = factor
        self.kernel = make_kernel(kernel, factor, 0.4 * factor if sigma is None else sigma)
        self._filter = FourierFilter(self._otf)
        self._gram_otf = BySize(self._otf_of_gram)

    def _otf(self, size: tuple[int, int]) -> Spectrum:
        return otf(self.kernel, size)

    def _otf_of_gram(self, size: tuple[int, int]) -> Tensor:
        """The real spectrum of A Aᵀ, for y of `size`: the mean of |otf|² over the aliases of a frequency."""
        h, w = size[0] * self.factor, size[1] * self.factor
        autocorrelation = torch.fft.irfft2(otf(self.kernel, (h, w)).abs().square(), s=(h, w))
        return torch.fft.rfft2(autocorrelation[:: self.factor, :: self.factor]).real

    def forward(self, x: Images) -> Measurements:
        self.output_shape(x.shape[1:])
        first, step = (self.factor - 1) // 2, self.factor
        return self._filter(x)[..., first::step, first::step].contiguous()

    def adjoint(self, y: Measurements) -> Images:
        c, h, w = self.input_shape(y.shape[1:])
        x = y.new_zeros(len(y), c, h, w)
        first, step = (self.factor - 1) // 2, self.factor
        x[..., first::step, first::step] = y
        return self._filter(x, conjugate=True)

    def output_shape(self, shape: Shape) -> Shape:
        c, h, w = shape
        s, (k, _) = self.factor, self.kernel.shape
        if min(h, w) < k:
            raise ImagingError(
                f"the images are {h} x {w}, smaller than the {k} x {k} kernel for physics.operator.factor="
                f"{s}; use larger images or patches"
            )
        if h % s or w % s:
            raise ImagingError(
                f"the images are {h} x {w}, not multiples of physics.operator.factor={s}: set "
                f"data.crop=[{h // s * s},{w // s * s}], or patch sizes that are multiples of {s}"
            )
        return c, h // s, w // s

    def input_shape(self, shape: Shape) -> Shape:
        c, h, w = shape
        x = c, h * self.factor, w * self.factor
        self.output_shape(x)
        return x

    def preview(self, y: Measurements) -> Images:
        """y interpolated to the size of x by Keys' cubic convolution with a = -0.75, torch's "bicubic"."""
        return F.interpolate(y, scale_factor=self.factor, mode="bicubic")

    def _invert(self, r: Tensor, weight: Tensor, tolerance: float, iterations: int) -> Tensor:
        spectrum = self._gram_otf(r.shape[-2:], r.device, r.dtype) + weight
        return torch.fft.irfft2(torch.fft.rfft2(r) / spectrum, s=r.shape[-2:])
