"""Mistakes in `update_x`; each docstring is what the check must say of it."""

from torch.fft import fft2, fftn, ifft2


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


def residual_the_other_way(y, z, u, H, D, rho):
    """z - u of the wrong sign"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fft2(u - z)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def without_the_square(y, z, u, H, D, rho):
    """|H| where |H|² belongs"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() + rho * (D.abs() ** 2).sum(0))).real


def data_forgotten(y, z, u, H, D, rho):
    """data term forgotten"""
    numerator = rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def identity_for_the_differences(y, z, u, H, D, rho):
    """|D|² forgotten in the denominator"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho)).real


def objective_without_halves(y, z, u, H, D, rho):
    """rho / 2 where rho belongs"""
    numerator = 2 * H.conj() * fft2(y) + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (2 * H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def squares_of_complex_numbers(y, z, u, H, D, rho):
    """D² where |D|² belongs"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D**2).sum(0))).real


def without_the_data_transform(y, z, u, H, D, rho):
    """transform of y forgotten"""
    numerator = H.conj() * y + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def no_conj_at_all(y, z, u, H, D, rho):
    """conj of H forgotten and conj of D forgotten"""
    numerator = H * fft2(y) + rho * (D * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def transform_over_all_three_axes(y, z, u, H, D, rho):
    """transform of z - u also from one difference to the other"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fftn(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def first_difference_twice(y, z, u, H, D, rho):
    """first difference for both|D[0]"""
    split = sum(D[0].conj() * fft2(z[k] - u[k]) for k in range(2))
    return ifft2((H.conj() * fft2(y) + rho * split) / (H.abs() ** 2 + rho * 2 * D[0].abs() ** 2)).real


def dual_left_out(y, z, u, H, D, rho):
    """u forgotten"""
    numerator = H.conj() * fft2(y) + rho * (D.conj() * fft2(z)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real


def not_summed(y, z, u, H, D, rho):
    """not summed over the two differences"""
    numerator = H.conj() * fft2(y) + rho * D.conj() * fft2(z - u)
    return ifft2(numerator / (H.abs() ** 2 + rho * D.abs() ** 2)).real


def identity_for_the_blur(y, z, u, H, D, rho):
    """H forgotten"""
    numerator = fft2(y) + rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (1 + rho * (D.abs() ** 2).sum(0))).real


def lagrangian_without_u_and_rho(y, z, u, H, D, rho):
    """rho forgotten"""
    numerator = H.conj() * fft2(y) + (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + (D.abs() ** 2).sum(0))).real


def adjoint_of_the_wrong_sign(y, z, u, H, D, rho):
    """z - u of the wrong sign"""
    numerator = H.conj() * fft2(y) - rho * (D.conj() * fft2(z - u)).sum(0)
    return ifft2(numerator / (H.abs() ** 2 + rho * (D.abs() ** 2).sum(0))).real
