"""Mistakes in `mean_psnr`; each docstring is what the check must say of it."""

import math

import torch


def of_the_mean_error(x_hat, x):
    """PSNR of the mean error where the mean of PSNRs belongs"""
    mse = ((x_hat - x) ** 2).mean()
    return 10 * torch.log10(1 / mse)


def clipped_first(x_hat, x):
    """clipped"""
    mse = (x_hat.clamp(0, 1) - x).square().mean(dim=(1, 2, 3))
    return (10 * torch.log10(1 / mse)).mean()


def natural_logarithm(x_hat, x):
    """natural logarithm"""
    values = [10 * math.log(1 / (a - b).pow(2).mean().item()) for a, b in zip(x_hat, x, strict=True)]
    return sum(values) / len(values)


def twenty_with_the_squares(x_hat, x):
    """20 in place of 10"""
    mse = ((x_hat - x) ** 2).flatten(1).mean(1)
    return (20 * torch.log10(1 / mse)).mean()


def upside_down(x_hat, x):
    """wrong sign"""
    mse = ((x_hat - x) ** 2).flatten(1).mean(1)
    return (10 * torch.log10(mse)).mean()


def peak_of_eight_bits(x_hat, x):
    """peak 255"""
    mse = ((x_hat - x) ** 2).flatten(1).mean(1)
    return (10 * torch.log10(255**2 / mse)).mean()
