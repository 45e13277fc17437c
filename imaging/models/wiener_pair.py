"""Unrolled deconvolution: two Wiener filters, U-Nets, and a data-consistency step after each U-Net."""

import math

import torch
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.models.initialisation import initialise_
from imaging.models.unet import UNet
from imaging.physics.by_size import BySize
from imaging.physics.fourier import squared_frequencies
from imaging.physics.operators.blur import otf
from imaging.physics.psf import make_psf
from imaging.settings import Count
from imaging.shapes import Images, Sigmas

# sigma² · STRENGTH · |f|² is about the ratio of the powers of noise and photographs, f in cycles per pixel.
STRENGTH = 1000.0
QUIET = 0.02  # fraction of the frequencies from which the noise is estimated


@MODELS.register("wiener_pair")
class WienerPair(nn.Module):
    """x₀ = w₁; x_k = deconvolve(y, around x_{k-1} + net_k(y, w, x_{k-1})); x_hat is the last x_k.

    w₁ and w₂ are Wiener estimates from y: w₁ with a strength about right for the noise, and w₂, the w of the
    first stage, with a tenth of it. `deconvolve` keeps the output of each `UNet` at frequencies that the blur
    suppresses, and replaces it by the measurement at the others (half-quadratic splitting, as in Zhang et al.
    2020, "Deep unfolding network for image super-resolution"). All strengths are trained.

    Args:
        psf: a config for `imaging.physics.make_psf`, of a circular blur.
        stages: number of networks.
        channels, hidden_channels, levels, bias, seed: as in `UNet`.

    Raises:
        ImagingError: a wrong setting.
    """

    def __init__(
        self,
        psf: dict,
        stages: Count = 2,
        channels: Count = 3,
        hidden_channels: Count = 28,
        levels: Count = 3,
        bias: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        self.takes_sigma = True  # if set to False, it estimates sigma
        self.psf = make_psf(psf)
        # Each network's estimate is closer to the image, and deserves more trust, than the one before.
        trust = [math.log(STRENGTH) + (1 + stage / 2) * math.log(10) for stage in range(stages)]
        self.log_strength = nn.Parameter(torch.tensor([math.log(STRENGTH), math.log(STRENGTH / 10)]))
        self.log_trust = nn.Parameter(torch.tensor(trust))
        sizes: dict = {"hidden_channels": hidden_channels, "levels": levels, "bias": bias}
        others: dict = {"padding": "circular", "residual": False, "inputs": 3 * channels}
        self.networks = nn.ModuleList(UNet(channels, **sizes, **others) for _ in range(stages))
        initialise_(self, seed)  # again, because each UNet has the same initial weights
        self._transfer = BySize(lambda size: otf(self.psf.double(), size))
        self._squared = BySize(squared_frequencies)
        self._quiet = BySize(self._quiet_frequencies)

    def forward(self, y: Images, sigma: Sigmas | None = None) -> Images:
        """Restore (N, C, H, W), with noise sigma (N, 1, 1, 1); None: estimated by `noise_level`."""
        sigma = self.noise_level(y) if sigma is None else sigma
        smooth, sharp = (self.deconvolve(y, sigma, strength) for strength in self.log_strength.exp())
        x, views = smooth, [sharp] + [smooth] * (len(self.networks) - 1)
        for network, view, trust in zip(self.networks, views, self.log_trust.exp(), strict=True):
            x = self.deconvolve(y, sigma, trust, x + network(torch.cat([y, view, x], dim=1)))
        return x

    def deconvolve(self, y: Images, sigma: Sigmas, strength: Tensor, around: Images | None = None) -> Images:
        """The minimiser x of |y - h * x|² / sigma² + strength · |∇(x - around)|² / (2π)²; float32.

        X = (conj(H) · Y + n · Z) / (|H|² + n), n = sigma² · strength · |f|², Z the transform of `around`.
        With around=None, Z = 0: the Wiener filter for photographs, whose power falls as 1/|f|² (Field 1987).

        Args:
            y, around: (N, C, H, W).
            sigma: (N, 1, 1, 1).
            strength: a scalar.
        """
        size = y.shape[-2:]
        with torch.autocast(y.device.type, enabled=False):
            transfer = self._transfer(size, y.device, torch.complex64)
            # Without noise, a frequency with H = 0 would be a division by 0.
            weight = strength * self._squared(size, y.device, torch.float32)
            weight = sigma.float().clamp_min(1e-4).square() * weight
            spectrum = torch.fft.rfft2(y.float()) * transfer.conj()
            if around is not None:
                spectrum = spectrum + weight * torch.fft.rfft2(around.float())
            return torch.fft.irfft2(spectrum / (transfer.abs().square() + weight), s=size)

    def noise_level(self, y: Images, periodic: bool = True) -> Sigmas:
        """Estimate the standard deviation of the noise in each blurred image: float32 (N, 1, 1, 1).

        At the frequencies that the blur suppresses most, |Y|² is the noise's: exponentially distributed with
        median sigma² · ln 2. On photographs blurred by the digit the mean estimate is 1 to 2 % too high.

        Args:
            y: (N, C, H, W), not smaller than the psf.
            periodic: whether the blur is circular. If not, y is multiplied by a Hann window, because the jump
                between opposite borders would count as noise.
        """
        with torch.autocast(y.device.type, enabled=False):
            y = y.detach().float()
            if not periodic:
                rows, columns = (torch.hann_window(n + 2, False, device=y.device)[1:-1] for n in y.shape[-2:])
                window = rows[:, None] * columns
                y = (y - y.mean((-2, -1), keepdim=True)) * window / window.square().mean().sqrt()
            power = torch.fft.rfft2(y, norm="ortho").abs().square().flatten(2)
            quiet = power[..., self._quiet(y.shape[-2:], y.device, torch.long)].flatten(1)
            return (quiet.median(dim=1).values / math.log(2)).sqrt()[:, None, None, None]

    def _quiet_frequencies(self, size: tuple[int, int]) -> Tensor:
        power = otf(self.psf.double(), size).abs().square() / squared_frequencies(size).clamp_min(1e-12)
        return power.flatten().argsort()[: max(1, round(QUIET * power.numel()))]
