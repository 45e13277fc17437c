"""View a homogeneous network as the linear map that it is at each y: x_hat = J(y) y.

Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda 2020, "Robust and interpretable blind image denoising via
bias-free convolutional neural networks", section 5: the rows of the Jacobian are filters that adapt to the
image and to the noise, and most of its singular values are small.
"""

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.evaluation.places import strongest_edge, window
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.testing import test_noise
from imaging.tasks.reconstruction import Reconstruction, as_float

REACH = 20  # pixels in the window on each side of the pixel
CROP = 16  # side in pixels of the crop whose full Jacobian is computed


def linear_view(
    task: Reconstruction, name: str, image: Tensor, protocol: Protocol
) -> dict[str, np.ndarray] | None:
    """The equivalent filter of a network at one pixel, and the singular values of its Jacobian.

    Args:
        task: the network with its physics, on its device.
        name, image: id and intensities (C, H, W) of a test image.
        protocol: its lowest and highest sigma above 0 are used, and its pixel; None: the strongest edge.

    Returns:
        None if the network is not `homogeneous`, y has another shape than x, the noise is not Gaussian, or no
        sigma is above 0. Otherwise the arrays `image` (its name), `pixel` (row, column) and `sigmas` (n,). In
        a window around the pixel: `measured` and `restored` (n, C, h, w), `filters` (n, h, w) of
        `equivalent_filter`, and `center`, the position of the pixel. `singular_values` (n, k) of the Jacobian
        for a crop of CROP × CROP pixels, in descending order; k = 0 if the crop is too small for the network.
    """
    sigmas = sorted({sigma for sigma in protocol.levels if sigma > 0})
    linear = task.network.homogeneous and task.physics.operator.keeps_shape
    if not linear or not sigmas or protocol.level != "sigma":
        return None
    sigmas = sigmas[:1] + sigmas[1:][-1:]
    x = as_float(image.to(task.device))[None]
    pixel = protocol.pixel or strongest_edge(x[0].cpu().numpy())
    area, crop = (window(pixel, x.shape[-2:], side) for side in (2 * REACH + 1, CROP))
    lists: dict[str, list] = {"measured": [], "restored": [], "filters": [], "singular_values": []}
    with torch.inference_mode(False), torch.enable_grad():
        for sigma in sigmas:
            y = task.measure(x, test_noise(protocol, name, sigma, 0), sigma)
            x_hat, gray = equivalent_filter(task, y, pixel)
            lists["measured"].append(task.denormalise(y)[0][(..., *area)])
            lists["restored"].append(x_hat[0][(..., *area)])
            lists["filters"].append(gray[area])
            lists["singular_values"].append(singular_values(task, y[(..., *crop)]))
    arrays = {key: torch.stack(values).detach().cpu().numpy() for key, values in lists.items()}
    center = [at - part.start for at, part in zip(pixel, area, strict=True)]
    place = {"pixel": np.array(pixel), "center": np.array(center)}
    return {"image": np.array(name), "sigmas": np.array(sigmas)} | place | arrays


def equivalent_filter(task: Reconstruction, y: Tensor, pixel: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Restore y (1, C, H, W), and compute the row of the Jacobian at a pixel for gray images.

    Returns:
        x_hat (1, C, H, W), and the gradient (H, W) of mean_c x_hat[c, pixel] with respect to y, summed over
        the channels of y: the weight of each pixel of a gray y in the restored gray value.
    """
    y = y.clone().requires_grad_()
    x_hat = task.restore(y)
    (gradient,) = torch.autograd.grad(x_hat[0, :, pixel[0], pixel[1]].mean(), y)
    return x_hat.detach(), gradient[0].sum(0)


def singular_values(task: Reconstruction, y: Tensor) -> Tensor:
    """Singular values of the Jacobian of x_hat with respect to y.

    Args:
        task: in evaluation mode.
        y: (1, C, h, w), in the network's units.

    Returns:
        (C·h·w,) in descending order; (0,) if y is too small for the network.
    """
    y = y.clone().requires_grad_()
    try:
        x_hat = task.restore(y).flatten()
    except ImagingError:
        return torch.empty(0)
    rows = torch.eye(x_hat.numel(), device=y.device)
    (jacobian,) = torch.autograd.grad(x_hat, y, grad_outputs=rows, is_grads_batched=True)
    return torch.linalg.svdvals(jacobian.flatten(1).double())
