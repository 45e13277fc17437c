"""Unrolled deconvolution: two Wiener filters, U-Nets, and a data-consistency step after each U-Net."""

import math

import torch
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.models.data_step import DataStep
from imaging.models.initialisation import initialise_
from imaging.models.noise_level import medians
from imaging.models.unet import UNet
from imaging.physics.by_size import BySize
from imaging.physics.fourier import squared_frequencies
from imaging.physics.operators.blur import Blur, Boundary, otf
from imaging.settings import Count
from imaging.shapes import Images, Measurements, Sigmas

# sigma² · STRENGTH · |f|² is about the ratio of the powers of noise and photographs, f in cycles per pixel.
STRENGTH = 1000.0
# Conjugate gradients at first and after each network; without backward passes more of them take little time.
TRAINING, EVALUATION = (8, 5), (24, 15)
QUIET = 0.02  # fraction of the frequencies from which the noise is estimated


@MODELS.register("wiener_pair")
class WienerPair(nn.Module):
    """x₀ = w₁; x_k = solve(y, around x_{k-1} + net_k(y, w, x_{k-1})); x_hat is the last x_k.

    w₁ and w₂ are Wiener estimates from y for photographs, whose power falls as 1/|f|² (Field 1987): w₁ with a
    strength about right for the noise, and w₂, the w of the first stage, with a tenth of it. `solve`, of
    `imaging.models.data_step.DataStep`, keeps the output of each `UNet` at frequencies that the blur
    suppresses, and replaces it by the measurement at the others (half-quadratic splitting, as in Zhang et al.
    2020, "Deep unfolding network for image super-resolution"). All strengths are trained. Without a circular
    boundary nothing is assumed beyond the borders of y.

    Args:
        psf: a config for `imaging.physics.make_psf`.
        boundary: of the blur; see `imaging.physics.Blur`.
        stages: number of networks.
        sigma_map: whether the networks see sigma, as a constant image beside the others.
        channels, hidden_channels, levels, bias, seed: as in `UNet`.

    Raises:
        ImagingError: a wrong setting.
    """

    takes_operator = True

    def __init__(
        self,
        psf: dict,
        boundary: Boundary = "circular",
        stages: Count = 2,
        sigma_map: bool = False,
        channels: Count = 3,
        hidden_channels: Count = 28,
        levels: Count = 3,
        bias: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        self.takes_sigma = True  # if set to False, it estimates sigma
        self.operator, self.sigma_map = Blur(psf, boundary), sigma_map
        # Each network's estimate is closer to the image, and deserves more trust, than the one before.
        trust = [math.log(STRENGTH) + (1 + stage / 2) * math.log(10) for stage in range(stages)]
        self.log_strength = nn.Parameter(torch.tensor([math.log(STRENGTH), math.log(STRENGTH / 10)]))
        self.log_trust = nn.Parameter(torch.tensor(trust))
        sizes: dict = {"hidden_channels": hidden_channels, "levels": levels, "bias": bias}
        others: dict = {"padding": "circular", "residual": False, "inputs": 3 * channels + sigma_map}
        self.networks = nn.ModuleList(UNet(channels, **sizes, **others) for _ in range(stages))
        initialise_(self, seed)  # again, because each UNet has the same initial weights
        self._quiet = BySize(lambda size: _quiet_frequencies(self.operator, size))

    def forward(self, y: Measurements, sigma: Sigmas | None = None, operator: Blur | None = None) -> Images:
        """Restore blurred images.

        Args:
            y: (N, C, H, W), or smaller than that with the boundary "valid".
            sigma: of the noise, (N, 1, 1, 1); None: estimated by `noise_level`.
            operator: the blur; None: that of the settings.
        """
        operator = self.operator if operator is None else operator
        sigma = self.noise_level(y, operator) if sigma is None else sigma
        with torch.autocast(y.device.type, enabled=False):
            step, sigma = DataStep(operator, y.float()), sigma.float()
            # Without noise, a frequency with H = 0 would be a division by 0.
            variance = sigma.clamp_min(1e-4).square()
            first, then = TRAINING if self.training else EVALUATION
            strengths = self.log_strength.exp()
            smooth, sharp = (step.solve(variance * strength, None, first) for strength in strengths)
        x, views = smooth, [sharp] + [smooth] * (len(self.networks) - 1)
        extra = [sigma.expand(-1, 1, *step.size)] if self.sigma_map else []
        for network, view, trust in zip(self.networks, views, self.log_trust.exp(), strict=True):
            change = network(torch.cat([step.y, view, x, *extra], dim=1))
            with torch.autocast(y.device.type, enabled=False):
                x = step.solve(variance * trust, x + change.float(), then)
        return step.crop(x)

    def noise_level(self, y: Measurements, operator: Blur | None = None) -> Sigmas:
        """Estimate the standard deviation of the noise in each blurred image: float32 (N, 1, 1, 1).

        At the frequencies that the blur suppresses most, |Y|² is the noise's: exponentially distributed with
        median sigma² · ln 2. On photographs blurred by the digit the mean estimate is 1 to 2 % too high.

        Args:
            y: (N, C, H, W), not smaller than the psf.
            operator: the blur; None: that of the settings. Unless it is circular, y is multiplied by a Hann
                window, because the jump between opposite borders would count as noise.
        """
        size = y.shape[-2:]
        if operator is None or operator is self.operator:
            quiet = self._quiet(size, y.device, torch.long)
        else:
            quiet = _quiet_frequencies(operator, (size[0], size[1])).to(y.device)
        with torch.autocast(y.device.type, enabled=False):
            y = y.detach().float()
            if (self.operator if operator is None else operator).boundary != "circular":
                rows, columns = (torch.hann_window(n + 2, False, device=y.device)[1:-1] for n in size)
                window = rows[:, None] * columns
                y = (y - y.mean((-2, -1), keepdim=True)) * window / window.square().mean().sqrt()
            power = torch.fft.rfft2(y, norm="ortho").abs().square().flatten(2)
            power = power.take_along_dim(quiet.reshape(-1, 1, quiet.shape[-1]), 2).flatten(1)
            return (medians(power) / math.log(2)).sqrt()[:, None, None, None]


def _quiet_frequencies(operator: Blur, size: tuple[int, int]) -> Tensor:
    """The flat indices of the frequencies at which a blurred photograph has the least power, int64 (…, n)."""
    power = otf(operator.psf.double(), size).abs().square() / squared_frequencies(size).clamp_min(1e-12)
    power = power.flatten(-2)
    return power.argsort(-1)[..., : max(1, round(QUIET * power.shape[-1]))]
