"""Linear, shift-invariant, circular: products in the Fourier domain."""

from collections.abc import Callable

import torch
from torch import Tensor


class FourierFilter:
    """Circular filtering by a filter that is computed once for each image size, device and dtype.

    There is no FFT of bfloat16, so lower precisions are computed in float32, also under autocast, and
    returned in the dtype they came in.

    Args:
        response: from an image size (H, W), the filter's complex (H, W // 2 + 1), in double precision.
    """

    ENTRIES = 16  # as many sizes as a data set usually mixes; a filter is as large as one channel

    def __init__(self, response: Callable[[tuple[int, int]], Tensor]):
        self.response = response
        self._cache: dict[tuple, Tensor] = {}

    def __call__(self, x: Tensor, *, conjugate: bool = False) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W): each channel filtered alike, by the conjugate for the adjoint."""
        size = x.shape[-2:]
        with torch.autocast(x.device.type, enabled=False):
            real = x if x.dtype in (torch.float32, torch.float64) else x.float()
            response = self._response(size, real.device, real.dtype)
            # Row by row and column by column: irfft2 would copy what it is given.
            spectrum = torch.fft.fft(torch.fft.rfft(real), dim=-2)
            spectrum = spectrum * (response.conj() if conjugate else response)
            return torch.fft.irfft(torch.fft.ifft(spectrum, dim=-2), n=size[1]).to(x.dtype)

    def _response(self, size: torch.Size, device: torch.device, dtype: torch.dtype) -> Tensor:
        key = (tuple(size), device, dtype)
        if key not in self._cache:
            if len(self._cache) >= self.ENTRIES:
                del self._cache[next(iter(self._cache))]
            # A tensor made in inference mode could not be used in training later.
            with torch.inference_mode(False):
                self._cache[key] = self.response(tuple(size)).to(device, dtype.to_complex())
        return self._cache[key]
