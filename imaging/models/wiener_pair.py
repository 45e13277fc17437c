"""A U-Net that sees the measurement and two Wiener filters' views of it."""

import math

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.models import MODELS
from imaging.models.noise_level import noise_level
from imaging.models.unet import UNet
from imaging.physics.blur import otf
from imaging.physics.psf import make_psf

# sigma² · STRENGTH · |f|² is about the power of noise over that of photographs, f in cycles per pixel.
STRENGTH = 1000.0


@MODELS.register("wiener_pair")
class WienerPair(nn.Module):
    """x_hat = w₁ + net(y, w₁, w₂), w_i the Wiener filter of strength s_i on y, and net a `UNet`.

    W_i = conj(H) / (|H|² + sigma² · s_i · |f|²) · Y: the power of natural images falls as 1/|f|² (Field
    1987), and the noise is white. One filter is about right for the noise, and the other keeps ten times more
    of what it hides; both strengths are trained with the network.

    Args:
        psf: what `imaging.physics.make_psf` takes; of a circular blur.
        sigma: "known": `forward` is told it; "estimated": by `noise_level`, from y alone.
        channels, hidden_channels, levels, bias, seed: as of `UNet`.

    Raises:
        ImagingError: for a wrong setting.
    """

    homogeneous = False
    reach = None  # a circular filter reaches round the image

    def __init__(
        self,
        psf: dict,
        sigma: str = "known",
        channels: int = 3,
        hidden_channels: int = 32,
        levels: int = 3,
        bias: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        if sigma not in ("known", "estimated"):
            raise ImagingError(f"model.sigma is {sigma!r}; expected 'known' or 'estimated'")
        self.takes_sigma = sigma == "known"
        self.psf = make_psf(psf)
        self.log_strength = nn.Parameter(torch.tensor([math.log(STRENGTH), math.log(STRENGTH / 10)]))
        sizes = {"hidden_channels": hidden_channels, "levels": levels, "bias": bias, "seed": seed}
        self.network = UNet(channels, **sizes, padding="circular", residual=False, inputs=3 * channels)
        self._grids: dict[tuple, tuple[Tensor, Tensor]] = {}

    def forward(self, y: Tensor, sigma: Tensor | None = None) -> Tensor:
        """(N, C, H, W) and, if it is to be known, sigma (N, 1, 1, 1) -> (N, C, H, W)."""
        if not self.takes_sigma:
            sigma = noise_level(y)
        views = self.filtered(y, sigma)
        return views[0] + self.network(torch.cat([y, *views], dim=1))

    def filtered(self, y: Tensor, sigma: Tensor) -> list[Tensor]:
        """w₁ and w₂, float32 (N, C, H, W)."""
        with torch.autocast(y.device.type, enabled=False):
            transfer, squared = self._grid(tuple(y.shape[-2:]), y.device)
            spectrum, power = torch.fft.rfft2(y.float()) * transfer.conj(), transfer.abs().square()
            strengths = self.log_strength.exp()
            # Where H is 0, no noise at all would be a division by 0.
            noise = sigma.float().clamp_min(1e-4).square() * squared
            return [torch.fft.irfft2(spectrum / (power + s * noise), s=y.shape[-2:]) for s in strengths]

    def _grid(self, size: tuple[int, int], device: torch.device) -> tuple[Tensor, Tensor]:
        """H and |f|² at the frequencies of an image of this size."""
        if (size, device) not in self._grids:
            if len(self._grids) >= 16:
                del self._grids[next(iter(self._grids))]
            # A tensor made in inference mode could not be used in training later.
            with torch.inference_mode(False):
                rows = torch.fft.fftfreq(size[0], dtype=torch.float64)[:, None]
                columns = torch.fft.rfftfreq(size[1], dtype=torch.float64)
                squared = (rows**2 + columns**2).to(device, torch.float32)
                transfer = otf(self.psf.double(), size).to(device, torch.complex64)
                self._grids[size, device] = transfer, squared
        return self._grids[size, device]
