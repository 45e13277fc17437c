"""Mistakes in `add_noise`; each docstring is what the check must say of it."""

import numpy as np
import torch

SHARED = torch.Generator().manual_seed(0)


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


def always_seed_zero(x, sigma, seed):
    """seed ignored"""
    return x + sigma * drawn(x.shape, 0)


def adds_to_the_input(x, sigma, seed):
    """in place on a saved tensor"""
    x += sigma * drawn(x.shape, seed)
    return x


def noise_alone(x, sigma, seed):
    """x forgotten"""
    return sigma * drawn(x.shape, seed)


def multiplied(x, sigma, seed):
    """multiplied by x"""
    return x * (1 + sigma * drawn(x.shape, seed))


def one_noise_for_all_channels(x, sigma, seed):
    """same noise in all channels"""
    n, _, h, w = x.shape
    return x + sigma * drawn((n, 1, h, w), seed)


def reseeded_for_each_image(x, sigma, seed):
    """same noise in all images"""
    y = torch.empty_like(x)
    for i, image in enumerate(x):
        y[i] = image + sigma * drawn(image.shape, seed)
    return y


def numpy_with_the_root(x, sigma, seed):
    """root of sigma"""
    noise = np.random.default_rng(seed).normal(0, np.sqrt(sigma), size=tuple(x.shape))
    return x + torch.from_numpy(noise)


def only_at_import(x, sigma, seed):
    """not repeatable"""
    return x + sigma * torch.randn(x.shape, generator=SHARED, dtype=x.dtype)


def centred_uniform(x, sigma, seed):
    """uniform noise in [-sigma, sigma)"""
    torch.manual_seed(seed)
    return x + sigma * (2 * torch.rand(x.shape) - 1)


def not_below_zero(x, sigma, seed):
    """clipped"""
    return (x + sigma * drawn(x.shape, seed)).clamp(min=0)


def sigma_as_the_mean(x, sigma, seed):
    """noise's mean"""
    return x + torch.normal(sigma, sigma, x.shape, generator=torch.Generator().manual_seed(seed))


def rows_alike(x, sigma, seed):
    """same noise in all rows"""
    n, c, _, w = x.shape
    return x + sigma * drawn((n, c, 1, w), seed)


def mixed(x, sigma, seed):
    """x is multiplied"""
    return (1 - sigma) * x + sigma * drawn(x.shape, seed)


def noise_for_eight_bits(x, sigma, seed):
    """sigma multiplied by 255"""
    return x + 255 * sigma * drawn(x.shape, seed)


def without_sigma(x, sigma, seed):
    """sigma forgotten"""
    return x + drawn(x.shape, seed)


def one_number_for_each_image(x, sigma, seed):
    """same noise in all"""
    return x + sigma * drawn((x.shape[0], 1, 1, 1), seed)
