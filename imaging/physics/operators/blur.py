"""Blur, as a product in the Fourier domain, with several boundaries."""

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.fourier import FourierFilter
from imaging.physics.operator import OPERATORS, LinearOperator, Shape
from imaging.physics.operators.reflect import reflect, reflect_adjoint
from imaging.physics.psf import make_psf
from imaging.shapes import Images, Measurements


def otf(psf: Tensor, size: tuple[int, int]) -> Tensor:
    """The optical transfer function: the Fourier transform of the psf, with its centre at pixel (0, 0).

    Args:
        psf: real (…, kh, kw), centre (kh // 2, kw // 2).
        size: (H, W) of the images.

    Returns:
        Complex (…, H, W // 2 + 1), the half spectrum of `torch.fft.rfft2`, on the psf's device.

    Raises:
        ImagingError: the images are smaller than the psf.

    Examples:
        >>> otf(make_psf({"name": "digit"}), (321, 481)).shape
        torch.Size([321, 241])
    """
    check_size(psf, size)
    (kh, kw), (h, w) = psf.shape[-2:], size
    padded = F.pad(psf, (0, w - kw, 0, h - kh))
    return torch.fft.rfft2(padded.roll((-(kh // 2), -(kw // 2)), (-2, -1)))


def check_size(psf: Tensor, size: tuple[int, int]) -> None:
    """Raise an ImagingError if images of `size` = (H, W) are smaller than the psf, (…, kh, kw)."""
    (kh, kw), (h, w) = psf.shape[-2:], size
    if h < kh or w < kw:
        raise ImagingError(f"the images are {h} x {w}, smaller than the {kh} x {kw} psf; use larger images")


def place(image: Tensor, first: Sequence[int], size: Sequence[int]) -> Tensor:
    """An image (N, C, H, W) on zeros of `size`, with its first pixel at row and column `first`."""
    (top, left), (h, w) = first, image.shape[-2:]
    return F.pad(image, (left, size[1] - left - w, top, size[0] - top - h))


def crop(image: Tensor, first: Sequence[int], size: Sequence[int]) -> Tensor:
    """The adjoint of `place`: the part of `size` = (H, W) from row and column `first` on."""
    (top, left), (h, w) = first, size
    return image[..., top : top + h, left : left + w]


def fast_size(h: int, w: int) -> tuple[int, int]:
    """The smallest size from (h, w) on that is fast to transform."""
    from scipy.fft import next_fast_len  # here, because few operators need it

    return next_fast_len(h, real=True), next_fast_len(w, real=True)


Boundary = Literal["circular", "valid", "reflect", "zero"]


@OPERATORS.register("blur")
class Blur(LinearOperator):
    """y = h ∗ x, the convolution of each channel with the psf h, by products in the Fourier domain.

    With `boundary`, what lies beyond the borders of x:

    - "circular": x is periodic, y = F⁻¹(H · F x) with H = otf(h), and the adjoint is F⁻¹(conj(H) · F y).
      `solve` has the closed form X = Z + conj(H) · (Y - H Z) / (|H|² + weight).
    - "valid": nothing is assumed. y has only the pixels whose neighbourhood lies inside x, as in a camera,
      which sees a part of the scene: (H - kh + 1) × (W - kw + 1) pixels.
    - "reflect": x is mirrored about the centres of its border pixels, the `reflect` of NumPy and torch, which
      scipy calls `mirror`.
    - "zero": x is 0.

    y has the size of x except with "valid"; `solve` uses conjugate gradients except with "circular".

    Attributes:
        before, after: the pixels before and after a pixel on which its blurred value depends, in rows and in
            columns.

    Args:
        psf: a config or a tensor for `make_psf`; a tensor (N, kh, kw) has a psf for each of the N images.
        boundary: circular, valid, reflect or zero.

    Raises:
        ImagingError: a wrong psf or boundary; in `forward`, images smaller than the psf.

    Examples:
        >>> Blur({"name": "digit"})(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 3, 32, 32])
        >>> Blur({"name": "digit"}, boundary="valid")(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 3, 26, 26])
    """

    psf: Tensor

    def __init__(self, psf: dict | Tensor, boundary: Boundary = "circular"):
        super().__init__()
        self.psf, self.boundary = make_psf(psf), boundary
        self.keeps_shape, self.is_local = boundary != "valid", boundary == "valid"
        self._filter = FourierFilter(self._otf)
        sides = self.psf.shape[-2:]
        self.before, self.after = [(k - 1) // 2 for k in sides], [k // 2 for k in sides]
        # The first pixel of y, after a circular filter: behind the pixels that are mixed with the opposite
        # side, unless that is padded with zeros.
        self._first = (0, 0) if boundary == "zero" else self.before

    def _otf(self, size: tuple[int, int]) -> Tensor:
        transfer = otf(self.psf.double(), size)
        return transfer[:, None] if self.psf.dim() == 3 else transfer  # for all channels of an image

    def transfer(self, size: tuple[int, int], device: torch.device) -> Tensor:
        """The otf for periodic images of `size`, complex64, which broadcasts to (N, C, H, W // 2 + 1)."""
        return self._filter.response(size, device, torch.complex64)

    def forward(self, x: Images) -> Measurements:
        if self.boundary == "circular":
            return self._filter(x)
        _, h, w = self.output_shape(x.shape[1:])
        if self.boundary == "reflect":
            x = reflect(x, self.before, self.after)
        return crop(self._filter(place(x, (0, 0), self._canvas(h, w))), self._first, (h, w))

    def adjoint(self, y: Measurements) -> Images:
        if self.boundary == "circular":
            return self._filter(y, conjugate=True)
        _, *size = self.input_shape(y.shape[1:])
        h, w = y.shape[-2:]
        x = self._filter(place(y, self._first, self._canvas(h, w)), conjugate=True)
        if self.boundary != "reflect":
            return crop(x, (0, 0), size)
        kh, kw = self.psf.shape[-2:]
        return reflect_adjoint(crop(x, (0, 0), (h + kh - 1, w + kw - 1)), self.before, self.after)

    def _canvas(self, h: int, w: int) -> tuple[int, int]:
        """A size on which a circular filter gives y of H × W pixels, and which is fast to transform."""
        more = self.after if self.boundary == "zero" else [k - 1 for k in self.psf.shape[-2:]]
        return fast_size(h + more[0], w + more[1])

    def output_shape(self, shape: Shape) -> Shape:
        c, h, w = shape
        check_size(self.psf, (h, w))
        kh, kw = self.psf.shape[-2:]
        return (c, h - kh + 1, w - kw + 1) if self.boundary == "valid" else shape

    def input_shape(self, shape: Shape) -> Shape:
        c, h, w = shape
        kh, kw = self.psf.shape[-2:]
        if self.boundary == "valid":
            return c, h + kh - 1, w + kw - 1
        check_size(self.psf, (h, w))
        return shape

    def preview(self, y: Measurements) -> Images:
        """y itself; with "valid", its border pixels are repeated up to the size of x."""
        if self.boundary != "valid":
            return y
        (top, left), (bottom, right) = self.before, self.after
        return F.pad(y, (left, right, top, bottom), mode="replicate")

    def visible(self, x: Images) -> Tensor:
        return x if self.boundary != "valid" else crop(x, self.before, self.output_shape(x.shape[1:])[1:])

    def _solve(self, y: Tensor, z: Tensor, weight: Tensor, tolerance: float, iterations: int) -> Tensor:
        if self.boundary == "circular":
            return self._filter.solve(y, z, weight)
        return super()._solve(y, z, weight, tolerance, iterations)

    def _precondition(self, r: Tensor, weight: Tensor) -> Tensor:
        """The inverse for a circular blur.

        With weight 1e-4, a valid blur of a photograph by the digit takes 30 iterations in place of 450.
        """
        if self.boundary == "reflect":  # which needs as many iterations with it
            return r
        size = r.shape[-2:]
        r = place(r, self._first, self._canvas(*size))
        return crop(self._filter.divide(r, weight), self._first, size)
