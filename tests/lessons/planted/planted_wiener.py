"""Mistakes in `wiener`; each docstring is what the check must say of it."""

import numpy as np
import torch
from torch.fft import fft2, ifft2


def snr_in_place_of_its_inverse(y, H, snr):
    """SNR upside down"""
    return ifft2(H.conj() / (H.abs() ** 2 + snr) * fft2(y)).real


def without_conj(y, H, snr):
    """conj forgotten"""
    return ifft2(H / (H.abs() ** 2 + 1 / snr) * fft2(y)).real


def magnitude_not_squared(y, H, snr):
    """|H| where |H|² belongs"""
    return ifft2(H.conj() / (H.abs() + 1 / snr) * fft2(y)).real


def snr_in_decibels(y, H, snr):
    """SNR taken as decibels"""
    power = 10 ** (snr / 10)
    return ifft2(H.conj() / (H.abs() ** 2 + 1 / power) * fft2(y)).real


def complex_image(y, H, snr):
    """real part not taken"""
    Y = torch.fft.fft2(y)
    return torch.fft.ifft2(torch.conj(H) * Y / (torch.abs(H) ** 2 + 1 / snr))


def inverse_filter(y, H, snr):
    """SNR forgotten"""
    return ifft2(fft2(y) / H).real


def magnitude_of_the_image(y, H, snr):
    """magnitude where the real part belongs"""
    return ifft2(H.conj() / (H.abs() ** 2 + 1 / snr) * fft2(y)).abs()


def square_without_abs(y, H, snr):
    """H² where |H|² belongs"""
    return ifft2(H.conj() * fft2(y) / (H * H + 1 / snr)).real


def denominator_only(y, H, snr):
    """1 where conj(H) belongs"""
    return ifft2(fft2(y) / (H.abs() ** 2 + 1 / snr)).real


def stays_in_the_fourier_domain(y, H, snr):
    """inverse transform forgotten"""
    return (H.conj() / (H.abs() ** 2 + 1 / snr) * fft2(y)).real


def clipped_image(y, H, snr):
    """clipped to [0, 1]"""
    return ifft2(H.conj() / (H.abs() ** 2 + 1 / snr) * fft2(y)).real.clamp(0, 1)


def centred_for_display(y, H, snr):
    """fftshift of the image"""
    return torch.fft.fftshift(ifft2(H.conj() / (H.abs() ** 2 + 1 / snr) * fft2(y)).real)


def conj_below_and_not_above(y, H, snr):
    """conj forgotten and conj(H)² where |H|² belongs"""
    return ifft2(H / (torch.conj(H) ** 2 + 1 / snr) * fft2(y)).real


def blurs_again(y, H, snr):
    """denominator forgotten"""
    return ifft2(H.conj() * fft2(y)).real


def one_added(y, H, snr):
    """SNR upside down and |H|² forgotten|1 + snr"""
    return ifft2(snr * H.conj() / (1 + snr * H.abs()) * fft2(y)).real


def rows_transformed(y, H, snr):
    """transform along the rows only"""
    return torch.fft.ifft(H.conj() / (H.abs() ** 2 + 1 / snr) * torch.fft.fft(y)).real


def snr_to_decibels(y, H, snr):
    """SNR converted to decibels"""
    noise = 1 / (10 * np.log10(snr))
    return ifft2(H.conj() / (H.abs() ** 2 + noise) * fft2(y)).real


def precedence(y, H, snr):
    """1/snr outside the fraction"""
    return ifft2((H.conj() / H.abs() ** 2 + 1 / snr) * fft2(y)).real


def root_of_snr(y, H, snr):
    """root of the SNR"""
    return ifft2(H.conj() / (H.abs() ** 2 + 1 / snr**0.5) * fft2(y)).real


def one_for_the_noise(y, H, snr):
    """SNR forgotten"""
    return ifft2(H.conj() / (H.abs() ** 2 + 1) * fft2(y)).real


def conj_of_the_spectrum(y, H, snr):
    """conj of Y where that of H belongs"""
    return ifft2(H / (H.abs() ** 2 + 1 / snr) * fft2(y).conj()).real


def noise_subtracted(y, H, snr):
    """1/snr subtracted"""
    return ifft2(H.conj() / (H.abs() ** 2 - 1 / snr) * fft2(y)).real
