"""Wiener deconvolution, alone and before a network."""

import torch
from torch import Tensor, nn

from imaging.models import MODELS, build_model
from imaging.models.network import Behind
from imaging.physics.fourier import FourierFilter, squared_frequencies
from imaging.physics.operators.blur import otf
from imaging.physics.psf import make_psf
from imaging.settings import Positive
from imaging.shapes import Images, Sigmas


@MODELS.register("wiener")
class Wiener(nn.Module):
    """X_hat = conj(H) / (|H|² + 1/snr) · Y in the Fourier domain, H the otf of the psf; for circular blur.

    Wiener 1949, for white spectra of image and noise with the power ratio snr. Each channel is restored
    independently, in float32 or float64, also under autocast. There are no trainable parameters.

    Args:
        psf: a config for `imaging.physics.make_psf`.
        snr: power of the image over that of the noise, not in dB.

    Raises:
        ImagingError: a wrong psf, or an snr <= 0; in `forward`, images smaller than the psf.

    Examples:
        >>> Wiener({"name": "digit"}, snr=100)(torch.rand(1, 3, 32, 33)).shape
        torch.Size([1, 3, 32, 33])
    """

    homogeneous = True  # it is linear

    def __init__(self, psf: dict, snr: Positive = 100.0):
        super().__init__()
        self.psf = make_psf(psf)
        self.snr = snr
        self._filter = FourierFilter(self._response)

    def _response(self, size: tuple[int, int]) -> Tensor:
        transfer = otf(self.psf.double(), size)
        return transfer.conj() / (transfer.abs() ** 2 + 1 / self.snr)

    def forward(self, y: Images) -> Images:
        """Restore (N, C, H, W): the same shape and dtype."""
        return self._filter(y)


@MODELS.register("wiener_prior")
class WienerPrior(nn.Module):
    """X_hat = conj(H) / (|H|² + strength · |f|²) · Y in the Fourier domain, f in cycles per pixel.

    The Wiener filter for natural images, whose power falls as 1/|f|² (Field 1987), and a circular blur with
    the otf H. `strength` is chosen on validation images; see `imaging.models.classical`.

    Args:
        psf: a config for `imaging.physics.make_psf`.
    """

    homogeneous = True
    candidates = tuple(10 ** (exponent / 4) for exponent in range(-12, 7))  # from 0.001 to 32
    strength: Tensor

    def __init__(self, psf: dict):
        super().__init__()
        self.psf = make_psf(psf)
        self.register_buffer("strength", torch.tensor(0.1, dtype=torch.float64))

    def forward(self, y: Images) -> Images:
        """Restore (N, C, H, W): the same shape and dtype."""
        return FourierFilter(self._response)(y)

    def _response(self, size: tuple[int, int]) -> Tensor:
        transfer = otf(self.psf.double(), size)
        noise_to_signal = self.strength.cpu() * squared_frequencies(size)
        return transfer.conj() / (transfer.abs() ** 2 + noise_to_signal)


@MODELS.register("wiener_front_end")
class WienerFrontEnd(Behind):
    """x_hat = network(wiener(y)): the network removes the noise and ringing of the Wiener filter.

    It wraps any network, like the preconditioning of EDM (Karras et al. 2022).

    Args:
        wiener: the settings of `Wiener`.
        network: a model's name and settings, for `build_model`.

    Raises:
        ImagingError: a wrong setting of either.
    """

    def __init__(self, wiener: dict, network: dict):
        super().__init__(build_model(network))
        self.wiener = MODELS.build({**wiener, "name": "wiener"})
        self.homogeneous = self.network.homogeneous

    def forward(self, y: Images, *sigma: Sigmas) -> Images:
        """Restore (N, C, H, W), with the noise's sigma (N, 1, 1, 1) if the network takes it."""
        return self.network(self.wiener(y), *sigma)
