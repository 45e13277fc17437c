"""Circular linear filters, as products in the Fourier domain."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from imaging.physics.by_size import BySize
from imaging.shapes import Images


class FourierFilter:
    """A circular filter, whose frequency response is computed once for each image size, device and dtype.

    torch has no FFT of bfloat16. Lower precisions are computed in float32, also under autocast, and the
    result has the input's dtype.

    Args:
        response: returns the frequency response for an image size (H, W), complex128 (H, W // 2 + 1).
    """

    def __init__(self, response: Callable[[tuple[int, int]], Tensor]):
        # Includes the inverse transform's factor 1 / (H·W), which saves a pass over the image.
        self._scaled = BySize(lambda size: response(size) / (size[0] * size[1]))

    def __call__(self, x: Images, *, conjugate: bool = False) -> Images:
        """Filter each channel of (N, C, H, W); with `conjugate` apply the adjoint."""
        size = x.shape[-2:]
        with torch.autocast(x.device.type, enabled=False):
            real = x if x.dtype in (torch.float32, torch.float64) else x.float()
            precise = real.dtype is torch.float64
            response = self._scaled(size, real.device, torch.complex128 if precise else torch.complex64)
            # In place, on two tensors of the same layout: the transforms then take nearly all of the time.
            spectrum = torch.fft.rfft2(real).mul_(response.conj() if conjugate else response)
            return torch.fft.irfft2(spectrum, s=size, norm="forward").to(x.dtype)


def squared_frequencies(size: tuple[int, int]) -> Float[Tensor, "h w2"]:
    """|f|², f in cycles per pixel, at the frequencies of `torch.fft.rfft2`: float64 (H, W // 2 + 1)."""
    rows = torch.fft.fftfreq(size[0], dtype=torch.float64)[:, None]
    return rows**2 + torch.fft.rfftfreq(size[1], dtype=torch.float64) ** 2
