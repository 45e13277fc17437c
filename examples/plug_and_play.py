"""Deconvolution with a denoiser for a prior, by half-quadratic splitting (Zhang et al. 2021, DPIR)."""

import torch

import imaging
from imaging.metrics import psnr
from imaging.physics import Blur
from imaging.randomness import generator

denoise, operator, sigma = imaging.load("denoiser-blind-64"), Blur({"name": "digit"}), 0.01
for name, image in imaging.data("bundled", crop=[256, 256]).test_images():
    x = image[None] / 255
    y = operator(x) + sigma * torch.randn(x.shape, generator=generator("noise", name))
    x_hat = y
    for level in torch.logspace(-1, -2, 8).tolist():  # the denoiser's noise, from 0.1 to sigma
        x_hat = denoise(operator.solve(y, x_hat, 0.5 * (sigma / level) ** 2))
    print(f"{name}: {psnr(y, x).item():.2f} dB -> {psnr(x_hat, x).item():.2f} dB")
