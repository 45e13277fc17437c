"""Point spread functions: the image of a point.

A psf is a float32 (kh, kw) tensor, non-negative, with sum 1. Its centre, the weight with which a pixel
contributes to itself, is (kh // 2, kw // 2), for odd and for even sizes.
"""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.images.arrays import FITS, SUFFIXES, read_array
from imaging.images.reading import read_gray
from imaging.registry import Registry
from imaging.settings import Limit, within
from imaging.shapes import Plane, Psf

PSFS = Registry("psf", "imaging.physics")
TRAJECTORIES = Path(__file__).with_name("trajectories.npy")

# Larger ones would take more memory than the images, and more time than the training.
Side = Annotated[int, within(1, 2000)]
Extent = Annotated[float, Limit("a positive number, at most 300", lambda value: 0 < value <= 300)]

# The first training image of MNIST (LeCun et al. 1998), every fourth row and column.
DIGIT = (
    (0, 0, 0, 0, 0, 0, 0),
    (0, 0, 0, 0, 0, 0, 0),
    (0, 0, 219, 253, 247, 0, 0),
    (0, 0, 0, 190, 0, 0, 0),
    (0, 0, 0, 0, 93, 0, 0),
    (0, 0, 0, 221, 253, 0, 0),
    (0, 136, 212, 0, 0, 0, 0),
)


def make_psf(psf: Mapping | Tensor) -> Tensor:
    """Build the psf of a config, or normalise that of a tensor.

    Args:
        psf: a tensor of weights, (kh, kw), or (N, kh, kw) for a batch with a psf for each image; or one of
            `{name: digit}`, `{name: gaussian, sigma, size}`, `{name: motion, length, angle}`, `{name: disk,
            radius}`, `{name: box, size}`, `{name: trajectory, index}` and `{name: image, path, key}`, with
            the arguments of the functions of these names.

    Returns:
        float32 (kh, kw), or (N, kh, kw) for a batch, non-negative, with sum 1, centre (kh // 2, kw // 2).

    Raises:
        ImagingError: an unknown name or setting, a value out of range, or a tensor that is not a psf.

    Examples:
        >>> make_psf({"name": "gaussian", "sigma": 1.5, "size": 7}).shape
        torch.Size([7, 7])
    """
    if not isinstance(psf, Tensor):
        weights = PSFS.build(psf).double()
    elif psf.dim() in (2, 3) and psf.numel() and not psf.is_complex():
        weights = psf.detach().double().cpu()
        check_weights(weights, "psf: this tensor")
    else:
        raise ImagingError(f"psf is {psf.dtype} {tuple(psf.shape)}; expected real weights, (height, width)")
    return (weights / weights.sum((-2, -1), keepdim=True)).float()


def check_weights(weights: Tensor, name: str) -> None:
    """Raise an ImagingError that begins with `name` if weights (…, kh, kw) cannot be made a psf."""
    totals = weights.double().sum((-2, -1))
    if not (weights.min() >= 0 and (totals > 0).all() and totals.isfinite().all()):
        raise ImagingError(
            f"{name} cannot be a psf; expected values of at least 0 with a positive finite sum"
        )


@PSFS.register("digit")
def digit() -> Tensor:
    """A coarse handwritten 5, int64 (7, 7), from MNIST: an irregular kernel without symmetry."""
    return torch.tensor(DIGIT)


@PSFS.register("gaussian")
def gaussian(sigma: Extent, size: Side | None = None) -> Psf:
    """A Gaussian, exp(-r² / (2 sigma²)), with r the distance from the centre: float64 (size, size).

    Args:
        sigma: standard deviation in pixels.
        size: side length in pixels; None: the smallest odd size that reaches 3 sigma on each side.
    """
    size = 2 * math.ceil(3 * sigma) + 1 if size is None else size
    line = torch.exp(-((torch.arange(size).double() - size // 2) ** 2) / (2 * sigma**2))
    return torch.outer(line, line)


@PSFS.register("motion")
def motion(length: Annotated[float, within(1, 2000)], angle: float) -> Tensor:
    """An anti-aliased line through the centre: float64 (kh, kw).

    The weight falls linearly from 1 to 0 within one pixel of the line, across it and beyond its ends: a
    horizontal line of length 9 has nine equal weights.

    Args:
        length: in pixels, at least 1.
        angle: in degrees, anticlockwise from horizontal.
    """
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    end = (length + 1) / 2  # where the weight reaches 0
    # Rounded, because 1 + 1e-16 would add a row of zeros on each side.
    half_h = math.ceil(round(end * abs(sin) + abs(cos), 9)) - 1
    half_w = math.ceil(round(end * abs(cos) + abs(sin), 9)) - 1
    right = torch.arange(-half_w, half_w + 1).double()
    up = -torch.arange(-half_h, half_h + 1).double()[:, None]
    along, across = cos * right + sin * up, cos * up - sin * right
    return (end - along.abs()).clamp(0, 1) * (1 - across.abs()).clamp(0, 1)


@PSFS.register("disk")
def disk(radius: Extent) -> Psf:
    """An anti-aliased disk, the blur of a lens out of focus: float64 (k, k), k odd.

    A weight is the part of its pixel inside the circle, counted on 33 × 33 points.

    Args:
        radius: in pixels.
    """
    half, points = max(0, math.ceil(radius - 0.5)), 33  # an odd number: one point is the centre
    side = 2 * half + 1
    line = (torch.arange(side * points).double() + 0.5) / points - side / 2
    rows = [torch.hypot(row[:, None], line) <= radius for row in line.view(side, points)]
    return torch.stack([inside.view(points, side, points).double().mean((0, 2)) for inside in rows])


@PSFS.register("box")
def box(size: Side) -> Psf:
    """Equal weights in a square, the mean of a neighbourhood: float64 (size, size).

    Args:
        size: side length in pixels; for an even size, one more pixel before the centre than after it.
    """
    return torch.ones(size, size, dtype=torch.float64)


@PSFS.register("trajectory")
def trajectory(index: Annotated[int, within(0, 7)]) -> Tensor:
    """One of eight paths of a shaking camera, 10 to 27 pixels long: float32 (kh, kw), odd sides.

    `benchmarks/trajectories.py` made them. No network of this project was trained on them.

    Args:
        index: from 0, the shortest, to 7.
    """
    weights = torch.from_numpy(np.load(TRAJECTORIES)[index])
    for dim in (0, 1):  # without the zeros around it, as far as the centre stays in the middle
        while not weights.narrow(dim, 0, 1).any() and not weights.narrow(dim, -1, 1).any():
            weights = weights.narrow(dim, 1, weights.shape[dim] - 2)
    return weights


@PSFS.register("image")
def image(path: str, key: str | None = None) -> Plane:
    """The values in a file: float32 or float64 (H, W).

    Args:
        path: an image file, whose gray values are read; or a .npy, .mat or FITS file.
        key: name of the variable in a .mat file, or of the extension in a FITS file; None: the only matrix.

    Raises:
        ImagingError: a file that cannot be read, a key for another file, or values that are not
            non-negative with a positive finite sum.
    """
    suffix = Path(path).suffix.lower()
    if key is not None and suffix not in (".mat", *FITS):
        raise ImagingError(
            f"psf.key is {key}, but only .mat and FITS files have names, and psf.path is {path}"
        )
    weights = read_array(path, "psf.path", key) if suffix in SUFFIXES else read_gray(path, "psf.path")
    check_weights(weights, f"psf.path: {path}")
    return weights
