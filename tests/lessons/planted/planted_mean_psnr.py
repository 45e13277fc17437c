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


def absolute_errors(x_hat, x):
    """absolute error"""
    error = (x_hat - x).abs().mean(dim=(1, 2, 3))
    return (-10 * torch.log10(error)).mean()


def root_and_ten(x_hat, x):
    """root of the MSE"""
    rmse = torch.sqrt(((x_hat - x) ** 2).mean(dim=(1, 2, 3)))
    return torch.mean(10 * torch.log10(1 / rmse))


def one_for_each_image(x_hat, x):
    """no mean over the images"""
    mse = ((x_hat - x) ** 2).flatten(1).mean(1)
    return 10 * torch.log10(1 / mse)


def guarded_logarithm(x_hat, x):
    """added to the MSE: 1e-08"""
    mse = ((x_hat - x) ** 2).flatten(1).mean(1) + 1e-8
    return (10 * torch.log10(1 / mse)).mean()


def brightest_pixel(x_hat, x):
    """peak taken from all images"""
    mse = ((x_hat - x) ** 2).flatten(1).mean(1)
    return (20 * torch.log10(x.max()) - 10 * torch.log10(mse)).mean()


def by_channel(x_hat, x):
    """PSNR of each channel"""
    mse = ((x_hat - x) ** 2).mean((-2, -1))
    return (10 * torch.log10(1 / mse)).mean()


def summed_squares(x_hat, x):
    """sum over the pixels"""
    total = ((x_hat - x) ** 2).sum(dim=(1, 2, 3))
    return (10 * torch.log10(1 / total)).mean()


def last_image_of_the_loop(x_hat, x):
    """only the last image"""
    for estimate, truth in zip(x_hat, x, strict=True):
        value = -10 * math.log10(torch.mean((estimate - truth) ** 2))
    return value


def eight_bits_and_clipped(x_hat, x):
    """peak 255|clipped"""
    mse = ((x_hat.clip(0, 1) - x) ** 2).mean((1, 2, 3))
    return (10 * torch.log10(255**2 / mse)).mean()


def channels_summed(x_hat, x):
    """sum over the channels"""
    mse = ((x_hat - x) ** 2).mean((2, 3)).sum(1)
    return (10 * torch.log10(1 / mse)).mean()


def peak_not_squared(x_hat, x):
    """peak 255, not squared"""
    mse = ((x_hat - x) ** 2).mean((1, 2, 3))
    return (10 * torch.log10(255 / mse)).mean()


def rounded_to_eight_bits(x_hat, x):
    """rounded to 8 bits"""
    x_hat, x = (x_hat * 255).round() / 255, (x * 255).round() / 255
    mse = ((x_hat - x) ** 2).mean((1, 2, 3))
    return (10 * torch.log10(1 / mse)).mean()


def median_image(x_hat, x):
    """median"""
    mse = ((x_hat - x) ** 2).flatten(1).mean(1)
    return (-10 * mse.log10()).median()


def of_the_variance(x_hat, x):
    """variance"""
    return (-10 * torch.log10((x_hat - x).flatten(1).var(dim=1, unbiased=False))).mean()


def ratio_to_the_signal(x_hat, x):
    """power of x"""
    noise = (x_hat - x).pow(2).sum((1, 2, 3))
    return (10 * torch.log10(x.pow(2).sum((1, 2, 3)) / noise)).mean()


def tenth(x_hat, x):
    """1 in place of 10"""
    return torch.log10(1 / ((x_hat - x) ** 2).mean((1, 2, 3))).mean()
