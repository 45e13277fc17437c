"""Two Wiener filters of the measurement, and U-Nets that are held to it."""

import math

import torch
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.models.initialisation import initialise_
from imaging.models.unet import UNet
from imaging.physics.blur import otf
from imaging.physics.by_size import BySize
from imaging.physics.fourier import squared_frequencies
from imaging.physics.psf import make_psf
from imaging.settings import Count

# sigma² · STRENGTH · |f|² is about the power of noise over that of photographs, f in cycles per pixel.
STRENGTH = 1000.0
QUIET = 0.02  # share of the frequencies in which the noise is looked for


@MODELS.register("wiener_pair")
class WienerPair(nn.Module):
    """x₀ = w₁; x_k = the image nearest both to y and to x_{k-1} + net_k(y, w, x_{k-1}); x_hat the last x_k.

    w₁ and w₂ are Wiener filters of y: one of a strength that is about right for the noise, and one that
    keeps ten times more of what noise hides. What each `UNet` makes of them goes through `deconvolved`,
    which leaves it alone where the blur has hidden the image and takes the measurement where it has not
    (half-quadratic splitting, as in Zhang et al. 2020, "Deep unfolding network for image super-resolution").
    All strengths are trained with the networks.

    Args:
        psf: what `imaging.physics.make_psf` takes; of a circular blur.
        stages: number of networks.
        channels, hidden_channels, levels, bias, seed: as of `UNet`.

    Raises:
        ImagingError: for a wrong setting.
    """

    homogeneous = False
    reach = None  # a circular filter reaches round the image

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
        self.takes_sigma = True  # False: it estimates it
        self.psf = make_psf(psf)
        # A network's estimate is nearer to the image than a guess by its spectrum, each one more so.
        trust = [math.log(STRENGTH) + (1 + stage / 2) * math.log(10) for stage in range(stages)]
        self.log_strength = nn.Parameter(torch.tensor([math.log(STRENGTH), math.log(STRENGTH / 10)]))
        self.log_trust = nn.Parameter(torch.tensor(trust))
        sizes: dict = {"hidden_channels": hidden_channels, "levels": levels, "bias": bias}
        others: dict = {"padding": "circular", "residual": False, "inputs": 3 * channels}
        self.networks = nn.ModuleList(UNet(channels, **sizes, **others) for _ in range(stages))
        initialise_(self, seed)  # anew: by themselves all stages would begin alike
        self._transfer = BySize(lambda size: otf(self.psf.double(), size))
        self._squared = BySize(squared_frequencies)
        self._quiet = BySize(self._quiet_frequencies)

    def forward(self, y: Tensor, sigma: Tensor | None = None) -> Tensor:
        """(N, C, H, W) and sigma (N, 1, 1, 1), or None: by `noise_level` -> (N, C, H, W)."""
        sigma = self.noise_level(y) if sigma is None else sigma
        smooth, sharp = (self.deconvolved(y, sigma, strength) for strength in self.log_strength.exp())
        x, views = smooth, [sharp] + [smooth] * (len(self.networks) - 1)
        for network, view, trust in zip(self.networks, views, self.log_trust.exp(), strict=True):
            x = self.deconvolved(y, sigma, trust, x + network(torch.cat([y, view, x], dim=1)))
        return x

    def deconvolved(self, y: Tensor, sigma: Tensor, strength: Tensor, around: Tensor | None = None) -> Tensor:
        """The x of least |y - h * x|² / sigma² + strength · |∇(x - around)|² / (2π)²; float32.

        X = (conj(H) · Y + n · Z) / (|H|² + n), n = sigma² · strength · |f|², Z of `around`. Around nothing
        it is the Wiener filter for photographs, whose power falls as 1/|f|² (Field 1987).
        """
        size = y.shape[-2:]
        with torch.autocast(y.device.type, enabled=False):
            transfer = self._transfer(size, y.device, torch.complex64)
            # Where H is 0, no noise at all would be a division by 0.
            weight = strength * self._squared(size, y.device, torch.float32)
            weight = sigma.float().clamp_min(1e-4).square() * weight
            spectrum = torch.fft.rfft2(y.float()) * transfer.conj()
            if around is not None:
                spectrum = spectrum + weight * torch.fft.rfft2(around.float())
            return torch.fft.irfft2(spectrum / (transfer.abs().square() + weight), s=size)

    def noise_level(self, y: Tensor, periodic: bool = True) -> Tensor:
        """The standard deviation of the noise in each blurred image: float32 (N, 1, 1, 1).

        From the frequencies of which the blur leaves least: there |Y|² is the noise's, exponentially
        distributed, and its median is sigma² · ln 2. On photographs
        blurred by the digit it says 1 to 2 % too much in the mean.

        Args:
            y: (N, C, H, W), not smaller than the blur.
            periodic: whether its blur is; else the jump from one border to the other would pass for noise,
                and y fades out towards its borders first.
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
        left = otf(self.psf.double(), size).abs().square() / squared_frequencies(size).clamp_min(1e-12)
        return left.flatten().argsort()[: max(1, round(QUIET * left.numel()))]
