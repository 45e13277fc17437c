"""Estimation of a photograph's noise, with what a network knows of its blur."""

from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.models.noise_level import noise_level
from imaging.physics.operators.blur import Blur
from imaging.tasks.reconstruction import as_float

Border = Literal["unknown", "circular"]  # what lies beyond the borders of an image
PIECE = 512  # side in pixels of the nine pieces of a large photograph
MIN_SIDE = 64  # of an image in pixels, for an estimate from its spectrum


def estimate_sigma(network: nn.Module, image: Tensor, operator: Blur | None) -> float:
    """Estimate the standard deviation of the noise of an image, for intensities in [0, 1].

    The median over pieces of the image; see `imaging.models.noise_level`, for which fine texture counts as
    noise. A network that knows the blur gives a second estimate, and the lower one is used.

    Args:
        network: an `imaging.models.network.Network`.
        image: (C, H, W), uint8 or float.
        operator: the blur of the image, if the network is told it.

    Raises:
        ImagingError: the image is smaller than 5×5 pixels.
    """
    height, width = image.shape[-2:]
    if min(height, width) < 5:
        raise ImagingError(f"the noise of {height}×{width} pixels cannot be estimated: give sigma")
    places = [
        (slice(top, top + PIECE), slice(left, left + PIECE))
        for top in sorted({0, max(0, (height - PIECE) // 2), max(0, height - PIECE)})
        for left in sorted({0, max(0, (width - PIECE) // 2), max(0, width - PIECE)})
    ]
    if operator is not None and len(places) > 1:
        operator = Blur(operator.psf, "valid")  # a piece is not periodic
    pieces = (as_float(image[(..., *place)])[None] for place in places)
    return float(np.median([_of_piece(network, piece, operator) for piece in pieces]))


def photograph_sigma(denoiser, image: Tensor) -> float:
    """Estimate the standard deviation of the noise of a photograph, with the help of a denoiser.

    The denoiser shows where the photograph has least texture; see `imaging.models.noise_level`.

    Args:
        denoiser: a `imaging.restoring.restorer.Restorer` for RGB images.
        image: (1 or 3, H, W), uint8 or float.

    Raises:
        ImagingError: the image is smaller than 5×5 pixels.
    """
    y = as_float(image)
    x_hat = denoiser(y.expand(3, -1, -1))[: len(y)]
    return noise_level(y[None], x_hat[None]).item()


def estimate_sigmas(network: nn.Module, images: Tensor, operator: Blur | None) -> Tensor:
    """Estimate the noise of each image of a batch (N, C, H, W), float32 (N,); see `estimate_sigma`."""
    blurs = [operator] * len(images)
    if operator is not None and operator.psf.dim() == 3:
        blurs = [Blur(psf, operator.boundary) for psf in operator.psf]
    pairs = zip(images, blurs, strict=True)
    return torch.tensor([estimate_sigma(network, image, blur) for image, blur in pairs])


def _of_piece(network, piece: Tensor, operator: Blur | None) -> float:
    level = noise_level(piece).item()
    if network.noise_level is None or operator is None:
        return level
    if min(piece.shape[-2:]) < max(MIN_SIDE, *operator.psf.shape[-2:]):
        return level
    return min(level, network.noise_level(piece, operator).item())
