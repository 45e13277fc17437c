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


def middle_of_the_image(psf, size):
    """otf not centred"""
    (kh, kw), (h, w) = psf.shape, size
    image = torch.zeros(h, w, dtype=psf.dtype)
    top, left = (h - kh) // 2, (w - kw) // 2
    image[top : top + kh, left : left + kw] = psf
    return torch.fft.fft2(image)


def rows_only(psf, size):
    """rolled along"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(padded.roll(-(kh // 2), 0))


def sides_exchanged(psf, size):
    """height and width exchanged"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[0] - kw, 0, size[1] - kh))
    return torch.fft.fft2(padded.roll((-(kh // 2), -(kw // 2)), (0, 1)))


def orthonormal(psf, size):
    """divided by the root of the number of pixels"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(padded.roll((-(kh // 2), -(kw // 2)), (0, 1)), norm="ortho")


def correlation(psf, size):
    """psf mirrored"""
    kh, kw = psf.shape
    padded = pad(psf.flip(0, 1), (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(padded.roll((-(kh // 2), -(kw // 2)), (0, 1)))


def psf_not_its_transform(psf, size):
    """transform forgotten"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return padded.roll((-(kh // 2), -(kw // 2)), (0, 1))


def ifftshift_of_the_corner(psf, size):
    """fftshift of the padded psf"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(torch.fft.ifftshift(padded))


def axes_exchanged_in_the_roll(psf, size):
    """height and width exchanged in the roll"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(padded.roll((-(kh // 2), -(kw // 2)), (1, 0)))


def minus_before_the_division(psf, size):
    """for an odd side"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(padded.roll((-kh // 2, -kw // 2), (0, 1)))


def spectrum_rolled(psf, size):
    """the spectrum is rolled"""
    kh, kw = psf.shape
    return torch.fft.fft2(psf, s=size).roll((-(kh // 2), -(kw // 2)), (0, 1))


def transform_of_rows(psf, size):
    """transform along the rows only"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft(padded.roll((-(kh // 2), -(kw // 2)), (0, 1)))


def not_padded(psf, size):
    """shape ("""
    return torch.fft.fft2(torch.roll(psf, (-(psf.shape[0] // 2), -(psf.shape[1] // 2)), (0, 1)))


def shifted_both(psf, size):
    """otf not centred|fftshift of the padded psf"""
    kh, kw = psf.shape
    top, left = (size[0] - kh) // 2, (size[1] - kw) // 2
    image = torch.zeros(size, dtype=psf.dtype)
    image[top : top + kh, left : left + kw] = psf
    return torch.fft.fftshift(torch.fft.fft2(image))


def real_part(psf, size):
    """real part only"""
    kh, kw = psf.shape
    padded = pad(psf, (0, size[1] - kw, 0, size[0] - kh))
    return torch.fft.fft2(padded.roll((-(kh // 2), -(kw // 2)), (0, 1))).real
