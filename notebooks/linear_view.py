# %% [markdown]
# # What filter is a network?
#
# A network of convolutions and ReLU without biases is homogeneous: f(a y) = a f(y) for a > 0. By Euler's
# theorem it is then, at each y, a linear map: x̂ = J(y) y with the Jacobian J. A row of J is the filter
# that makes one pixel of x̂. The filter adapts to the image and to the noise (Mohan et al. 2020).

# %%
import matplotlib.pyplot as plt
import torch

import imaging
from imaging.evaluation.linear_view import equivalent_filter, singular_values
from imaging.evaluation.places import strongest_edge, window
from imaging.formats.networks import load_network
from imaging.randomness import generator

task, _ = load_network("denoiser-64", device="cpu")
(_, image), *_ = imaging.data("bundled", crop=[200, 300]).test_images()
x = image[None] / 255

y = x + 0.1 * torch.randn(x.shape, generator=generator("noise", 0))
with torch.no_grad():
    twice = task.restore(2 * y)
    torch.testing.assert_close(twice, 2 * task.restore(y), rtol=0, atol=1e-4)
print("f(2 y) = 2 f(y)")

# %% [markdown]
# ## One row of J
#
# With little noise the filter is nearly a point; with much it averages over a neighbourhood of the same
# kind.

# %%
pixel = strongest_edge(x[0].numpy())
here = tuple(slice(at - 10, at + 11) for at in pixel)
figure, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
centres = []
for (measured, restored, weights), sigma in zip(axes, (0.02, 0.2), strict=True):
    y = x + sigma * torch.randn(x.shape, generator=generator("noise", 0))
    x_hat, row = equivalent_filter(task, y, pixel)
    for axis, one, title in ((measured, y, f"y, sigma {sigma}"), (restored, x_hat, "x̂")):
        axis.imshow(one[0].clamp(0, 1).permute(1, 2, 0))
        axis.plot(pixel[1], pixel[0], "+", color="orange")
        axis.set_title(title)
    largest = row.abs().max()
    weights.imshow(row[here], "RdBu_r", vmin=-largest, vmax=largest)
    weights.set_title(f"filter, sum {row.sum():.2f}")
    centres.append(row[pixel].item())
for axis in axes.flat:
    axis.set_axis_off()
plt.show()
print(f"the weight of the pixel itself is {centres[0]:.2f} and {centres[1]:.2f}")
assert centres[1] < 0.7 * centres[0]

# %% [markdown]
# ## Singular values
#
# Those of J for a crop of 16×16 pixels. Most are far below 1: what the network keeps is a space of few
# dimensions, fewer where there is more noise.

# %%
crop = window(pixel, x.shape[-2:], 16)
for sigma in (0.02, 0.2):
    y = x + sigma * torch.randn(x.shape, generator=generator("noise", 0))
    values = singular_values(task, y[(..., *crop)])
    plt.plot(values, label=f"sigma {sigma}: sum {values.sum():.0f} of {len(values)}")
plt.legend()
plt.title("singular values of J")
plt.show()
