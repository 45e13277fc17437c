"""Deconvolution: fill in the five functions. README.md has the formulas and the shapes."""

import torch


def otf(psf, size):
    """The optical transfer function: the Fourier transform of a psf with its centre at pixel (0, 0).

    Args:
        psf: (kh, kw), its centre is [kh // 2, kw // 2].
        size: (height, width) of the images, at least (kh, kw).

    Returns:
        Complex (height, width), in the order of `torch.fft.fft2`.
    """
    raise NotImplementedError


def wiener(y, H, snr):
    """Wiener deconvolution.

    Args:
        y: blurred and noisy image, (height, width).
        H: otf, complex (height, width).
        snr: power of the image over that of the noise, not in dB.

    Returns:
        The restored image, real (height, width).
    """
    raise NotImplementedError


def update_x(y, z, u, H, D, rho):
    """ADMM's first update: the x that minimises 1/2 |A x - y|² + rho/2 |∇x - z + u|².

    Args:
        y: blurred and noisy image, (height, width).
        z, u: the split gradients and their scaled dual, (2, height, width).
        H: otf of A, complex (height, width).
        D: transfer functions of the two differences, complex (2, height, width).
        rho: weight, positive.

    Returns:
        x, real (height, width).
    """
    raise NotImplementedError


def update_z(grad_x, u, lam, rho):
    """ADMM's second update: the z that minimises lam Σ |z[:, i, j]| + rho/2 |∇x - z + u|².

    Args:
        grad_x: ∇x, (2, height, width).
        u: scaled dual, (2, height, width).
        lam, rho: weights, positive.

    Returns:
        z, (2, height, width).
    """
    raise NotImplementedError


def update_u(u, grad_x, z):
    """ADMM's third update, of the scaled dual.

    Args:
        u: scaled dual, (2, height, width).
        grad_x: ∇x, (2, height, width).
        z: split gradients, (2, height, width).

    Returns:
        The new u, (2, height, width).
    """
    raise NotImplementedError
