"""Linear, shift-invariant, circular: products in the Fourier domain."""

from collections.abc import Callable

import torch
from torch import Tensor


class BySize:
    """A tensor that depends on an image's size, computed once for each size, device and dtype.

    Args:
        compute: from an image size (H, W), the tensor, in double precision.
    """

    ENTRIES = 16  # as many sizes as a data set usually mixes; a filter is as large as one channel

    def __init__(self, compute: Callable[[tuple[int, int]], Tensor]):
        self.compute = compute
        self._kept: dict[tuple, Tensor] = {}

    def __call__(self, size: tuple[int, int], device: torch.device, dtype: torch.dtype) -> Tensor:
        key = (tuple(size), device, dtype)
        if key not in self._kept:
            if len(self._kept) >= self.ENTRIES:
                del self._kept[next(iter(self._kept))]
            # A tensor made in inference mode could not be used in training later.
            with torch.inference_mode(False):
                self._kept[key] = self.compute(tuple(size)).to(device, dtype)
        return self._kept[key]


class FourierFilter:
    """Circular filtering by a filter that is computed once for each image size, device and dtype.

    There is no FFT of bfloat16, so lower precisions are computed in float32, also under autocast, and
    returned in the dtype they came in.

    Args:
        response: from an image size (H, W), the filter's complex (H, W // 2 + 1), in double precision.
    """

    def __init__(self, response: Callable[[tuple[int, int]], Tensor]):
        self.response = BySize(response)

    def __call__(self, x: Tensor, *, conjugate: bool = False) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W): each channel filtered alike, by the conjugate for the adjoint."""
        size = x.shape[-2:]
        with torch.autocast(x.device.type, enabled=False):
            real = x if x.dtype in (torch.float32, torch.float64) else x.float()
            response = self.response(size, real.device, real.dtype.to_complex())
            # Row by row and column by column: irfft2 would copy what it is given.
            spectrum = torch.fft.fft(torch.fft.rfft(real), dim=-2)
            spectrum = spectrum * (response.conj() if conjugate else response)
            return torch.fft.irfft(torch.fft.ifft(spectrum, dim=-2), n=size[1]).to(x.dtype)
