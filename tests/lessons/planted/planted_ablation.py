"""Mistakes in `ablation`; each docstring is what the check must say of it."""

import numpy as np
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


def measures_the_noisy_images(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """they are not restored"""
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, add_noise(train_images, sigma, seed), train_images)
            noisy = add_noise(test_images, sigma, seed + 1)
            table[i, j] = mean_psnr(noisy, test_images)
    return table


def compares_with_the_noisy_images(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """compared with the noisy images"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    table = np.zeros((len(biases), len(widths)))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(noisy_test), noisy_test)
    return table


def builds_width_by_bias(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """bias and width exchanged in build"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(width, bias)
            train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(noisy_test), test_images)
    return table


def one_network_for_a_row(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """one network for all widths"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    table = []
    for bias in biases:
        network, row = build(bias, widths[0]), []
        for _ in widths:
            train(network, noisy, train_images)
            row.append(float(mean_psnr(network(noisy_test), test_images)))
        table.append(row)
    return table


def clean_and_noisy_exchanged(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """noisy and clean exchanged in the training"""
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, train_images, add_noise(train_images, sigma, seed))
            table[i, j] = mean_psnr(network(add_noise(test_images, sigma, seed + 1)), test_images)
    return table


def a_seed_for_each_cell(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """other noise for each network"""
    table, number = torch.zeros(len(biases), len(widths)), seed
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, add_noise(train_images, sigma, number), train_images)
            number += 1
            table[i, j] = mean_psnr(network(add_noise(test_images, sigma, number)), test_images)
    return table


def restores_clean_images(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """tested without noise"""
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, add_noise(train_images, sigma, seed), train_images)
            table[i, j] = mean_psnr(network(test_images), test_images)
    return table


def one_list(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """flattened"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    results = []
    for bias in biases:
        for width in widths:
            network = build(bias, width)
            train(network, noisy, train_images)
            results.append(mean_psnr(network(noisy_test), test_images))
    return results


def trained_twice(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """trained twice"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            for _ in range(2):
                train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(noisy_test), test_images)
    return table


def restores_twice(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """restored twice"""
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, add_noise(train_images, sigma, seed), train_images)
            table[i, j] = mean_psnr(network(network(add_noise(test_images, sigma, seed + 1))), test_images)
    return table


def gain(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """gain over the noisy images"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(noisy_test), test_images) - mean_psnr(noisy_test, test_images)
    return table


def square_loop(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """IndexError"""
    noisy, noisy_test = add_noise(train_images, sigma, seed), add_noise(test_images, sigma, seed + 1)
    table = torch.zeros(len(biases), len(biases))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(noisy_test), test_images)
    return table


def seed_for_training_plus_one(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """training noise has the seed of the test noise"""
    noisy, noisy_test = add_noise(train_images, sigma, seed + 1), add_noise(test_images, sigma, seed + 1)
    table = []
    for bias in biases:
        table.append([])
        for width in widths:
            network = build(bias, width)
            train(network, noisy, train_images)
            table[-1].append(mean_psnr(network(noisy_test), test_images).item())
    return table


def no_seeds(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """not repeatable"""
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, train_images + sigma * torch.randn(train_images.shape), train_images)
            noisy = test_images + sigma * torch.randn(test_images.shape)
            table[i, j] = mean_psnr(network(noisy), test_images)
    return table


def seeds_exchanged(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """test noise has the seed of the training noise and training noise has the seed of the test noise"""
    noisy, noisy_test = add_noise(train_images, sigma, seed + 1), add_noise(test_images, sigma, seed)
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(noisy_test), test_images)
    return table


def trains_on_what_it_tests(
    build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed
):
    """trained on the test images"""
    noisy = add_noise(test_images, sigma, seed)
    rows = []
    for bias in biases:
        for width in widths:
            network = build(bias, width)
            train(network, noisy, test_images)
            rows.append(mean_psnr(network(add_noise(test_images, sigma, seed + 1)), test_images))
    return torch.stack(rows).view(len(biases), len(widths))


def noise_twice(build, train, add_noise, mean_psnr, train_images, test_images, biases, widths, sigma, seed):
    """noise on the noisy"""
    noisy = add_noise(train_images, sigma, seed)
    table = torch.zeros(len(biases), len(widths))
    for i, bias in enumerate(biases):
        for j, width in enumerate(widths):
            network = build(bias, width)
            train(network, noisy, train_images)
            table[i, j] = mean_psnr(network(add_noise(noisy, sigma, seed + 1)), train_images)
    return table
