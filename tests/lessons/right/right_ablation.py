"""Right solutions of the lesson `ablation`; the name of a function begins with that of its exercise."""

import itertools
import math

import numpy as np
import torch


def mean_psnr_by_image(x_hat, x):
    """A loop, Python's numbers."""
    values = []
    for estimate, truth in zip(x_hat, x, strict=True):
        mse = torch.nn.functional.mse_loss(estimate, truth).item()
        values.append(10 * math.log10(1 / mse))
    return sum(values) / len(values)


def mean_psnr_by_root(x_hat, x):
    """20 log10 of the root, keepdim."""
    rmse = (x_hat - x).pow(2).mean(dim=(1, 2, 3), keepdim=True).sqrt()
    return (-20 * torch.log10(rmse)).mean()


def mean_psnr_by_natural_logarithm(x_hat, x):
    """Natural logarithms, divided by that of 10; NumPy."""
    mse = np.mean((x_hat.numpy() - x.numpy()) ** 2, axis=(1, 2, 3))
    return np.mean(-10 * np.log(mse) / np.log(10))


def mean_psnr_in_float32(x_hat, x):
    """Half of the digits."""
    error = (x_hat.float() - x.float()).reshape(x.shape[0], -1)
    return torch.log10(error.shape[1] / error.norm(dim=1) ** 2).mul(10).mean()


def add_noise_by_a_generator(x, sigma, seed):
    """torch.Generator"""
    generator = torch.Generator().manual_seed(seed)
    return x + torch.randn(x.shape, generator=generator, dtype=x.dtype) * sigma


def add_noise_by_the_global_state(x, sigma, seed):
    """torch.manual_seed"""
    torch.manual_seed(seed)
    return torch.normal(x, sigma)


def add_noise_in_numpy(x, sigma, seed):
    """NumPy's generator."""
    return x.numpy() + np.random.default_rng(seed).normal(scale=sigma, size=x.shape)


def add_noise_in_float32_and_subtracted(x, sigma, seed):
    """A noise is as good as its negative."""
    noise = torch.empty(x.shape).normal_(0, sigma, generator=torch.Generator().manual_seed(1000 + seed))
    return x - noise


def add_noise_image_by_image(x, sigma, seed):
    """One generator, one image after the other."""
    generator = torch.Generator()
    generator.manual_seed(seed)
    noisy = x.clone()
    for image in noisy:
        image += sigma * torch.randn(*image.shape, generator=generator)
    return noisy


def ablation_by_rows(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """Nested lists."""
    noisy, y = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)

    def cell(bias, width):
        network = build(bias, width)
        train(network, noisy, train_images)
        return mean_psnr(network(y), test_images)

    return [[cell(bias, width) for width in widths] for bias in biases]


def ablation_by_product(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """A flat loop, reshaped."""
    values = []
    for bias, width in itertools.product(biases, widths):
        network = build(bias=bias, width=width)
        train(network, add_noise(train_images, sigma, seed), train_images)
        values.append(float(mean_psnr(network(add_noise(test_images, sigma, seed + 1)), test_images)))
    return np.array(values).reshape(len(biases), -1)


def ablation_widths_outside(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """The other loop outside, float32, all networks trained before the first test."""
    networks = {(b, w): build(b, w) for w in widths for b in biases}
    for network in networks.values():
        train(network, add_noise(train_images, sigma, seed), train_images)
    table = torch.empty(len(biases), len(widths))
    for j, w in enumerate(widths):
        for i, b in enumerate(biases):
            estimates = torch.cat([networks[b, w](add_noise(test_images, sigma, seed + 1))])
            table[i, j] = mean_psnr(estimates, test_images)
    return table
