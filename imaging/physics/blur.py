"""Circular blur, as a product in the Fourier domain."""

import torch

from imaging.errors import ImagingError
from imaging.physics.fourier import FourierFilter
from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.physics.psf import make_psf
from imaging.shapes import Images, Psf, Spectrum


def otf(psf: Psf, size: tuple[int, int]) -> Spectrum:
    """The optical transfer function: the Fourier transform of the psf, with its centre at pixel (0, 0).

    Args:
        psf: real (kh, kw), centre (kh // 2, kw // 2).
        size: (H, W) of the images.

    Returns:
        Complex (H, W // 2 + 1), the half spectrum of `torch.fft.rfft2`, on the psf's device.

    Raises:
        ImagingError: the images are smaller than the psf.

    Example:
        >>> otf(make_psf({"name": "digit"}), (321, 481)).shape
        torch.Size([321, 241])
    """
    (kh, kw), (h, w) = psf.shape, size
    if h < kh or w < kw:
        raise ImagingError(f"the images are {h} x {w}, smaller than the {kh} x {kw} psf; use larger images")
    padded = psf.new_zeros(h, w)
    padded[:kh, :kw] = psf
    return torch.fft.rfft2(padded.roll((-(kh // 2), -(kw // 2)), (0, 1)))


@OPERATORS.register("blur")
class CircularBlur(LinearOperator):
    """y = h ⊛ x, the circular convolution of each channel with the psf h: y = F⁻¹(H · F x), H = otf(h).

    The image is periodic beyond its borders. The adjoint is the circular correlation, F⁻¹(conj(H) · F y).

    Args:
        psf: a config for `make_psf`.

    Raises:
        ImagingError: a wrong psf; in `forward`, images smaller than the psf.

    Example:
        >>> CircularBlur({"name": "digit"})(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 3, 32, 32])
    """

    def __init__(self, psf: dict):
        super().__init__()
        self.psf = make_psf(psf)
        self._filter = FourierFilter(self._otf)

    def _otf(self, size: tuple[int, int]) -> Spectrum:
        return otf(self.psf.double(), size)

    def forward(self, x: Images) -> Images:
        return self._filter(x)

    def adjoint(self, y: Images) -> Images:
        return self._filter(y, conjugate=True)
