"""Mistakes in `otf`; each docstring is what the check must say of it."""

import torch
from torch.nn.functional import pad


def corner_at_the_origin(psf, size):
    """otf not centred"""
    return torch.fft.fft2(psf, s=size)


def spectrum_shifted(psf, size):
    """fftshift of the spectrum"""
    kh, kw = psf.shape
    padded = torch.zeros(size, dtype=psf.dtype)
    padded[:kh, :kw] = psf
    return torch.fft.fftshift(torch.fft.fft2(padded.roll((-(kh // 2), -(kw // 2)), (0, 1))))


def rolled_forward(psf, size):
    """rolled in the wrong direction"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(torch.roll(padded, (kh // 2, kw // 2), (0, 1)))


def half_spectrum(psf, size):
    """half of the spectrum"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.rfft2(torch.roll(padded, (-(kh // 2), -(kw // 2)), (0, 1)))


def centre_of_even_sides(psf, size):
    """centre of an even side"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(torch.roll(padded, (-((kh - 1) // 2), -((kw - 1) // 2)), (0, 1)))


def magnitude(psf, size):
    """magnitude only"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(padded).abs()
