"""Mistakes in `add_noise`; each docstring is what the check must say of it."""

import torch


def drawn(shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sigma_of_eight_bits(x, sigma, seed):
    """sigma divided by 255"""
    return x + sigma / 255 * drawn(x.shape, seed)


def sigma_as_variance(x, sigma, seed):
    """sigma squared"""
    return x + sigma**2 * drawn(x.shape, seed)


def without_the_seed(x, sigma, seed):
    """not repeatable"""
    return x + sigma * torch.randn_like(x)


def one_noise_for_all_images(x, sigma, seed):
    """same noise in all images"""
    return x + sigma * drawn(x.shape[1:], seed)


def rand_for_randn(x, sigma, seed):
    """uniform"""
    torch.manual_seed(seed)
    return x + sigma * torch.rand_like(x)


def clipped_to_the_range(x, sigma, seed):
    """clipped"""
    return (x + sigma * drawn(x.shape, seed)).clamp(0, 1)
