"""Mistakes in `update_x`; each docstring is what the check must say of it."""

from torch.fft import fft2, ifft2


def without_conj_of_the_otf(y, z, u, H, D, rho):
    """conj of H forgotten"""
    numerator = H * fft2(y) + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def dual_added(y, z, u, H, D, rho):
    """u of the wrong sign"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fft2(z + u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def rho_only_below(y, z, u, H, D, rho):
    """rho forgotten in the numerator"""
    numerator = H.conj() * fft2(y) + (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def rho_only_above(y, z, u, H, D, rho):
    """rho forgotten in the denominator"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + (D.abs() ** 2).sum(0))).real


def without_conj_of_the_differences(y, z, u, H, D, rho):
    """conj of D forgotten"""
    numerator = H.conj() * fft2(y) + rho * (D * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def one_direction(y, z, u, H, D, rho):
    """only one of the two differences"""
    numerator = H.conj() * fft2(y) + rho * D[0].conj() * fft2(z[0] - u[0])
    return ifft2(numerator / (H.abs() ** 2 + rho * D[0].abs() ** 2)).real
