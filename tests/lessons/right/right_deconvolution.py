"""Right solutions of the lesson `deconvolution`; the name of a function begins with that of its exercise."""

import cmath
import math

import numpy as np
import torch
from torch.fft import fft2, ifft2, irfft2, rfft2


def otf_by_index(psf, size):
    """One weight at a time, by negative indices."""
    image = torch.zeros(size, dtype=psf.dtype)
    kh, kw = psf.shape
    for i in range(kh):
        for j in range(kw):
            image[i - kh // 2, j - kw // 2] = psf[i, j]
    return fft2(image)


def otf_in_numpy(psf, size):
    """NumPy's roll, one axis after the other."""
    image = np.zeros(size)
    image[: psf.shape[0], : psf.shape[1]] = psf
    for axis, side in enumerate(psf.shape):
        image = np.roll(image, -(side // 2), axis=axis)
    return np.fft.fft2(image)


def otf_by_phase(psf, size):
    """The shift as a factor in the Fourier domain."""
    spectrum = torch.fft.fft2(psf, s=size)
    for axis, side in enumerate(psf.shape):
        frequencies = torch.fft.fftfreq(size[axis], dtype=torch.float64)
        phase = torch.exp(2j * math.pi * frequencies * (side // 2))
        spectrum = spectrum * (phase[:, None] if axis == 0 else phase)
    return spectrum


def otf_by_definition(psf, size):
    """The sum of the definition."""
    (kh, kw), (h, w) = psf.shape, size
    transfer = np.zeros((h, w), dtype=complex)
    for a in range(h):
        for b in range(w):
            for i in range(kh):
                for j in range(kw):
                    angle = a * (i - kh // 2) / h + b * (j - kw // 2) / w
                    transfer[a, b] += psf[i, j].item() * cmath.exp(-2j * math.pi * angle)
    return transfer


def wiener_divided_by_h(y, H, snr):
    """|H|² / H for its conjugate."""
    power = (H * H.conj()).real
    return ifft2(fft2(y) / H * power / (power + 1 / snr)).real


def wiener_times_snr(y, H, snr):
    """Numerator and denominator times snr, in complex64."""
    H = H.to(torch.complex64)
    return torch.real(ifft2(snr * torch.conj(H) * fft2(y.float()) / (snr * H.abs().square() + 1)))


def wiener_in_half_spectra(y, H, snr):
    """rfft2 and irfft2."""
    half = H[:, : y.shape[1] // 2 + 1]
    filtered = half.conj() * rfft2(y) / (half.real**2 + half.imag**2 + 1 / snr)
    return irfft2(filtered, s=y.shape)


def update_x_by_adjoints(y, z, u, H, D, rho):
    """Two adjoints with a loop over the differences."""
    numerator, denominator = torch.conj(H) * fft2(y), torch.abs(H) ** 2 + 0j
    for k in range(2):
        numerator = numerator + rho * D[k].conj() * (fft2(z[k]) - fft2(u[k]))
        denominator = denominator + rho * D[k] * D[k].conj()
    return ifft2(numerator / denominator).real


def update_x_divided_by_rho(y, z, u, H, D, rho):
    """The adjoint of the differences by rolls; all divided by rho; NumPy."""
    v = (z - u).numpy()
    adjoint = sum(np.roll(v[k], 1, axis=k) - v[k] for k in range(2))
    H, D = H.numpy(), D.numpy()
    numerator = np.conj(H) * np.fft.fft2(y.numpy()) / rho + np.fft.fft2(adjoint)
    return np.fft.ifft2(numerator / (np.abs(H) ** 2 / rho + (np.abs(D) ** 2).sum(0))).real


def update_z_pixel_by_pixel(grad_x, u, lam, rho):
    """A loop over the pixels."""
    v = grad_x + u
    z = torch.zeros_like(v)
    for i in range(v.shape[1]):
        for j in range(v.shape[2]):
            length = math.hypot(v[0, i, j], v[1, i, j])
            if length > lam / rho:
                z[:, i, j] = v[:, i, j] * (length - lam / rho) / length
    return z


def update_z_by_projection(grad_x, u, lam, rho):
    """Moreau: v minus its projection on the ball of radius lam / rho."""
    v = grad_x + u
    radius = lam / rho
    return v - v * radius / torch.clamp(torch.linalg.vector_norm(v, dim=0, keepdim=True), min=radius)


def update_z_with_epsilon(grad_x, u, lam, rho):
    """A small number against 0 / 0, float32."""
    v = (grad_x + u).float()
    length = torch.sqrt(v[0] ** 2 + v[1] ** 2)
    return v / (length + 1e-8) * torch.relu(length - lam / rho)


def update_u_in_place_of_a_copy(u, grad_x, z):
    """In place on its own copy."""
    new = u.clone()
    new += grad_x
    new -= z
    return new


def update_u_by_components(u, grad_x, z):
    """One component after the other."""
    return torch.stack([u[k] - (z[k] - grad_x[k]) for k in range(2)])


def update_u_as_lists(u, grad_x, z):
    """Python's lists."""
    return (u.numpy() + (grad_x.numpy() - z.numpy())).tolist()
