"""The loop of an ablation: fill in the three functions. README.md has the formulas and the shapes."""

import torch


def mean_psnr(x_hat, x):
    """The mean over the images of the peak signal-to-noise ratio in dB, with peak 1.

    Args:
        x_hat: estimates, (N, C, H, W).
        x: clean images of the same shape.

    Returns:
        A number, or a tensor without dimensions.
    """
    raise NotImplementedError


def add_noise(x, sigma, seed):
    """Images with white Gaussian noise.

    Args:
        x: clean images, (N, C, H, W), intensities in [0, 1].
        sigma: the noise's standard deviation, in the units of x.
        seed: an integer. The same seed gives the same noise, another seed other noise.

    Returns:
        (N, C, H, W), not clipped.
    """
    raise NotImplementedError


def ablation(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """Train a network for each bias and each width, and measure it on the test images.

    Args:
        build: `build(bias, width)` gives a new network; `network(y)` is its estimate x_hat.
        train: `train(network, noisy, clean)` trains a network, and returns nothing.
        add_noise, mean_psnr: right versions of the functions above.
        train_images, test_images: clean, (N, C, H, W).
        biases, widths: lists.
        sigma: the noise's standard deviation, in training and in the test.
        seed: of the training images' noise; `seed + 1` is that of the test images' noise.

    Returns:
        The table of mean PSNR in dB, (len(biases), len(widths)): a tensor, an array or a list of lists.
    """
    raise NotImplementedError
