"""Checks of what a user gives to restore."""

import math
from numbers import Real
from pathlib import Path

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.images.reading import read_gray
from imaging.images.writing import check_suffix
from imaging.physics.operator import LinearOperator

LARGE = 5  # mean intensity of an image that was meant for another range than [0, 1]


def check_images(y) -> Tensor:
    """Check that y is an image or a batch of images; returns the batch, (N, C, H, W).

    Raises:
        ImagingError: not a tensor (C, H, W) or (N, C, H, W) with C 1 or 3, uint8 or float; or its floats are
            not finite, or of another range, such as 0 to 255.
    """
    if not isinstance(y, Tensor):
        raise ImagingError(f"expected a tensor (1 or 3, H, W); got {type(y).__name__}")
    if y.dim() not in (3, 4) or y.shape[-3] not in (1, 3) or y.numel() == 0:
        raise ImagingError(
            f"expected an image (1 or 3, H, W), or a batch (N, 1 or 3, H, W); got {tuple(y.shape)}"
        )
    if y.dtype != torch.uint8 and not y.is_floating_point():
        raise ImagingError(f"expected uint8 or floats in [0, 1]; got {y.dtype}")
    if y.is_floating_point():
        size = float(y.detach().float().abs().mean())  # of noise of sigma 1, which is the most, it is below 2
        if not size < LARGE:
            got = (
                f"intensities around {size:.0f}" if math.isfinite(size) else "values that are nan or infinite"
            )
            raise ImagingError(
                f"expected uint8 or floats in [0, 1]; got {got}: divide by the largest that can occur"
            )
    return y if y.dim() == 4 else y[None]


def check_sigma(sigma: float | Tensor | None, n: int = 1) -> None:
    """Check that sigma is None, or a standard deviation for intensities in [0, 1].

    Args:
        sigma: a number, or a tensor with one for each of n images.
        n: number of images.

    Raises:
        ImagingError: it is not a number from 0 to 1, or n of them.
    """
    values: list = [sigma]
    if isinstance(sigma, Tensor) and sigma.numel() in (1, n):
        values = sigma.flatten().tolist()
    for value in values:
        number = isinstance(value, Real) and not isinstance(value, bool)
        if sigma is not None and not (number and 0 <= value <= 1):
            raise ImagingError(
                f"sigma is {value!r}; expected a number from 0 to 1, for intensities in [0, 1] (25/255 is "
                "0.098)"
            )


def beyond_training(sigma: float, trained: tuple[float, float], homogeneous: bool) -> list[str]:
    """A warning if sigma is far outside the training's (lowest, highest), else none.

    A homogeneous network restores an image with more noise like a darker image with less noise.
    """
    (low, high), factor = trained, 3 if homogeneous else 1.3
    if low / factor <= sigma <= high * factor:
        return []
    sigmas = f"{low:g}" if low == high else f"{low:g} to {high:g}"
    return [f"the network was trained on sigma {sigmas}: the result may be worse"]


def check_target(path: Path, source: Path) -> None:
    """Check the path of an output file.

    Raises:
        ImagingError: an unsupported suffix, or the output is the image itself.
    """
    check_suffix(path)
    if path.exists() and source.exists() and path.samefile(source):
        raise ImagingError(f"the output is the image itself, {source}; choose another name")


def read_mask(path: str | Path) -> Tensor:
    """Read a mask image: float32 (H, W), 1 where it is brighter than half its maximum, else 0.

    The threshold is for JPEG files, which blur the edges of a mask.

    Raises:
        ImagingError: the file is not an image, or is black.
    """
    gray = read_gray(str(path), "mask")
    if not gray.max() > 0:
        raise ImagingError(f"mask: {path} is black; expected 0 only where pixels are lost")
    return (gray > gray.max() / 2).float()


def refuse_measurements(name: str, operator: LinearOperator, images: Tensor) -> None:
    """Raise an ImagingError if images (N, C, H, W) cannot be measurements of the operator of this name."""
    if operator.photograph == "none":
        raise ImagingError(f"this network inverts {name}, whose measurements are not photographs")
    if operator.photograph == "mosaic" and images.shape[1] != 1:
        raise ImagingError(
            f"this network inverts {name}: it expects the raw samples of a sensor, a gray image; this "
            f"image has {images.shape[1]} channels"
        )
