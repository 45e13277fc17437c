# %% [markdown]
# # Plug and play with a denoiser
#
# A denoiser knows what photographs look like. Half-quadratic splitting lets it restore what it was never
# trained for: minimise |A x - y|² / (2 σ²) + R(x) by alternating between x with z fixed (`operator.solve`)
# and z with x fixed, which is denoising (Zhang et al. 2021, DPIR). The noise level of the denoiser falls from
# one iteration to the next.

# %%
import math

import matplotlib.pyplot as plt
import torch

import imaging
from imaging.metrics import psnr
from imaging.physics import Blur
from imaging.physics.operators.mosaic import Mosaic
from imaging.randomness import generator

denoise = imaging.load("denoiser-blind-64")
*_, (_, image) = imaging.data("bundled", crop=[192, 192]).test_images()
x = image[None] / 255


def plug_and_play(operator, y, sigma, turns=8, first=0.1):
    x_hat, curve = operator.preview(y), []
    for level in torch.linspace(math.log(first), math.log(sigma), turns).exp().tolist():
        z = operator.solve(y, x_hat, 0.5 * (sigma / level) ** 2)
        x_hat = denoise(z)
        curve.append(psnr(x_hat, x).item())
    return x_hat, curve


# %%
OPERATORS = {
    "out of focus": Blur({"name": "digit"}),
    "a moving camera": Blur({"name": "motion", "length": 15, "angle": 30}),
    "one colour for each pixel": Mosaic(),
}
sigma = 0.01
figure, axes = plt.subplots(3, 3, figsize=(9, 8.5), layout="constrained")
for row, (title, operator) in zip(axes, OPERATORS.items(), strict=True):
    clean = operator(x)
    y = clean + sigma * torch.randn(clean.shape, generator=generator("noise", title))
    x_hat, curve = plug_and_play(operator, y, sigma)
    before = psnr(operator.preview(y), x).item()
    print(f"{title}: {before:.2f} dB -> {curve[-1]:.2f} dB")
    assert curve[-1] > before + 1
    for axis, one, name in zip(row, (operator.preview(y), x_hat), ("y", "x̂"), strict=False):
        axis.imshow(one[0].clamp(0, 1).permute(1, 2, 0))
        axis.set_title(f"{name}: {psnr(one, x).item():.2f} dB")
        axis.set_axis_off()
    row[2].plot(range(1, len(curve) + 1), curve)
    row[2].set_title(title)
    row[2].set_xlabel("turn")
    row[2].set_ylabel("PSNR (dB)")
plt.show()

# %% [markdown]
# One denoiser, three instruments, no training. As a model of its own, `model=hqs` takes any operator and
# any denoiser that was trained with this project: `python train.py sweep=deconvolution_priors
# data=bsds300`.
