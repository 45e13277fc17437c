"""Mistakes in `wiener`; each docstring is what the check must say of it."""

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
