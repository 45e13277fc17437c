"""Inputs of the lesson `deconvolution`: images, psfs without symmetry, and their transforms."""

import torch
from torch import Tensor
from torch.fft import fft2

from imaging.randomness import generator

Size = tuple[int, int]
CONJ = {"conj": torch.conj, "none": lambda t: t}
REAL = {"real": lambda t: t.real, "none": lambda t: t, "abs": torch.abs, "imag": lambda t: t.imag}


def draw(*shape: int, key: str) -> Tensor:
    """Uniform numbers in [0, 1] that depend on the shape and the key: float64."""
    return torch.rand(shape, generator=generator("deconvolution", key, *shape), dtype=torch.float64)


def make_psf(*sides: int) -> Tensor:
    """A psf without symmetry, heavier in its middle, with sum 1."""
    psf = draw(*sides, key="psf")
    psf[sides[0] // 2, sides[1] // 2] += 2
    return psf / psf.sum()


def transfer(sides: Size, size: Size) -> Tensor:
    """H of such a psf: complex (H, W)."""
    (kh, kw), (h, w) = sides, size
    padded = torch.zeros(h, w, dtype=torch.float64)
    padded[:kh, :kw] = make_psf(kh, kw)
    return fft2(padded.roll((-(kh // 2), -(kw // 2)), (0, 1)))


def differences(x: Tensor) -> Tensor:
    """Circular differences of neighbours: (2, H, W)."""
    return torch.stack([x.roll(-1, dim) - x for dim in (0, 1)])


def difference_transfers(size: Size) -> Tensor:
    """The transfer functions of the two differences: complex (2, H, W)."""
    point = torch.zeros(size, dtype=torch.float64)
    point[0, 0] = 1
    return fft2(differences(point))
