"""Circular linear filters, as products in the Fourier domain."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from imaging.physics.by_size import BySize
from imaging.shapes import Images


def at_least_single(x: Tensor) -> Tensor:
    """x itself if it is float32 or float64, else float32: what transforms and products are computed in."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()


def complex_of(dtype: torch.dtype) -> torch.dtype:
    """complex64 for float32, complex128 for float64; torch 2.6 cannot trace `dtype.to_complex`."""
    return torch.complex128 if dtype is torch.float64 else torch.complex64


class FourierFilter:
    """A circular filter, whose frequency response is computed once for each image size, device and dtype.

    torch has no FFT of bfloat16. Lower precisions are computed in float32, also under autocast, and the
    result has the input's dtype.

    Args:
        response: returns the frequency response for an image size (H, W), complex128, which broadcasts to
            (N, C, H, W // 2 + 1).
    """

    def __init__(self, response: Callable[[tuple[int, int]], Tensor]):
        self.response = BySize(response)
        # Includes the inverse transform's factor 1 / (H·W), which saves a pass over the image.
        self._scaled = BySize(lambda size: response(size) / (size[0] * size[1]))

    def __call__(self, x: Images, *, conjugate: bool = False) -> Images:
        """Filter each channel of (N, C, H, W); with `conjugate` apply the adjoint."""
        size = x.shape[-2:]
        with torch.autocast(x.device.type, enabled=False):
            real = at_least_single(x)
            response = self._scaled(size, real.device, complex_of(real.dtype))
            # In place, on two tensors of the same layout: the transforms then take nearly all of the time.
            spectrum = torch.fft.rfft2(real).mul_(response.conj() if conjugate else response)
            return torch.fft.irfft2(spectrum, s=size, norm="forward").to(x.dtype)

    def solve(self, y: Images, z: Images, weight: Tensor) -> Images:
        """The minimiser over x of |h ∗ x - y|² + weight · |x - z|², with h the filter.

        X = Z + conj(H) · (Y - H Z) / (|H|² + weight), one division for each frequency.

        Args:
            y, z: (N, C, H, W), float32 or float64.
            weight: positive, of y's real dtype; broadcast to (N, C, H, W // 2 + 1), so it may differ between
                images and between frequencies.
        """
        size = y.shape[-2:]
        response = self.response(size, y.device, complex_of(y.dtype))
        start = torch.fft.rfft2(z)
        gain = response.conj() / (response.real.square() + response.imag.square() + weight)
        return torch.fft.irfft2(start + gain * (torch.fft.rfft2(y) - response * start), s=size)

    def divide(self, y: Images, weight: Tensor) -> Images:
        """Divide by |H|² + weight in the Fourier domain: (A Aᵀ + weight)⁻¹ y, with A the filter.

        Args:
            y, weight: as in `solve`.
        """
        response = self.response(y.shape[-2:], y.device, complex_of(y.dtype))
        power = response.real.square() + response.imag.square()
        return torch.fft.irfft2(torch.fft.rfft2(y) / (power + weight), s=y.shape[-2:])


def squared_frequencies(size: tuple[int, int]) -> Float[Tensor, "h w2"]:
    """|f|², f in cycles per pixel, at the frequencies of `torch.fft.rfft2`: float64 (H, W // 2 + 1)."""
    rows = torch.fft.fftfreq(size[0], dtype=torch.float64)[:, None]
    return rows**2 + torch.fft.rfftfreq(size[1], dtype=torch.float64) ** 2
