"""Linear, shift-invariant, circular: products in the Fourier domain."""

from collections.abc import Callable

import torch
from torch import Tensor

from imaging.physics.by_size import BySize


class FourierFilter:
    """Circular filtering by a filter that is computed once for each image size, device and dtype.

    There is no FFT of bfloat16, so lower precisions are computed in float32, also under autocast, and
    returned in the dtype they came in.

    Args:
        response: from an image size (H, W), the filter's complex (H, W // 2 + 1), in double precision.
    """

    def __init__(self, response: Callable[[tuple[int, int]], Tensor]):
        # With the inverse transform's 1 / (H·W), which then takes no pass of its own.
        self._scaled = BySize(lambda size: response(size) / (size[0] * size[1]))

    def __call__(self, x: Tensor, *, conjugate: bool = False) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W): each channel filtered alike, by the conjugate for the adjoint."""
        size = x.shape[-2:]
        with torch.autocast(x.device.type, enabled=False):
            real = x if x.dtype in (torch.float32, torch.float64) else x.float()
            response = self._scaled(size, real.device, real.dtype.to_complex())
            # In place, of two tensors of one layout: the transforms alone take nearly all of the time.
            spectrum = torch.fft.rfft2(real).mul_(response.conj() if conjugate else response)
            return torch.fft.irfft2(spectrum, s=size, norm="forward").to(x.dtype)


def squared_frequencies(size: tuple[int, int]) -> Tensor:
    """|f|² in cycles per pixel at the frequencies of a real image's transform, float64 (H, W // 2 + 1)."""
    rows = torch.fft.fftfreq(size[0], dtype=torch.float64)[:, None]
    return rows**2 + torch.fft.rfftfreq(size[1], dtype=torch.float64) ** 2
