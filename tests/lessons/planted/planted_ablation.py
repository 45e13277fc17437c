"""Mistakes in `ablation`; each docstring is what the check must say of it."""

import torch


def one_network_for_all(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """one network for all"""
    table = torch.zeros(len(biases), len(widths))
    network = build(biases[0], widths[0])
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    for i, _ in enumerate(biases):
        for j, _ in enumerate(widths):
            train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(noisy_test), test_images)
    return table


def tests_on_the_training_images(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """tested on the training images"""
    table = []
    for bias in biases:
        row = []
        for width in widths:
            network = build(bias, width)
            train(network, add_noise(train_images, sigma, seed), train_images)
            row.append(mean_psnr(network(add_noise(train_images, sigma, seed + 1)), train_images))
        table.append(row)
    return table


def widths_down(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """transposed"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    table = []
    for width in widths:
        table.append([])
        for bias in biases:
            network = build(bias, width)
            train(network, noisy, train_images)
            table[-1].append(mean_psnr(network(noisy_test), test_images))
    return table


def without_training(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """not trained"""
    noisy_test = add_noise(test_images, sigma, seed + 1)
    rows = [[mean_psnr(build(b, w)(noisy_test), test_images) for w in widths] for b in biases]
    return torch.tensor(rows)


def trains_on_clean_inputs(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """trained without noise"""
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, train_images, train_images)
            table[i, j] = mean_psnr(network(add_noise(test_images, sigma, seed + 1)), test_images)
    return table


def one_seed_for_both(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """test noise has the seed of the training noise"""
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, add_noise(train_images, sigma, seed), train_images)
            table[i, j] = mean_psnr(network(add_noise(test_images, sigma, seed)), test_images)
    return table
