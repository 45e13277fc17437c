"""A network that is homogeneous is, at each y, a linear map: x_hat = J(y) y. What that map looks like.

Mohan, Kadkhodaie, Simoncelli and Fernandez-Granda 2020, "Robust and interpretable blind image denoising via
bias-free convolutional neural networks", section 5: the rows of the Jacobian are filters that adapt to the
image and to the noise, and few of its singular values are not small.
"""

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.evaluation.evaluate import Protocol, test_noise
from imaging.evaluation.places import strongest_edge, window
from imaging.tasks.reconstruction import Reconstruction, as_float

REACH = 20  # pixels shown on each side of the chosen one
CROP = 16  # side of the piece whose whole Jacobian is computed


def linear_view(
    task: Reconstruction, name: str, image: Tensor, protocol: Protocol
) -> dict[str, np.ndarray] | None:
    """The network's equivalent filter at one pixel of a test image, and the Jacobian's singular values.

    Args:
        task: with its network; None is returned unless the network says that it is `homogeneous`.
        name, image: a test image (C, H, W), as the evaluation measures it.
        protocol: the lowest and the highest of its sigmas above 0 are shown, at its pixel, or else where the
            image has its strongest edge.

    Returns:
        arrays: `image`, `pixel` (row, column), `sigmas` (n,); around the pixel `measured` and `restored`
        (n, C, h, w), `filters` (n, h, w) by `equivalent_filter`, and `center`, the pixel's place in them;
        `singular_values` (n, k), descending, of the Jacobian at CROP × CROP pixels around it taken alone;
        k = 0 if the network takes none so small.
    """
    sigmas = sorted({sigma for sigma in protocol.sigmas if sigma > 0})
    if not task.network.homogeneous or not sigmas:
        return None
    sigmas = sigmas[:1] + sigmas[1:][-1:]
    x = as_float(image.to(task.device))[None]
    pixel = protocol.pixel or strongest_edge(x[0].cpu().numpy())
    shown, alone = (window(pixel, x.shape[-2:], side) for side in (2 * REACH + 1, CROP))
    found: dict[str, list] = {"measured": [], "restored": [], "filters": [], "singular_values": []}
    with torch.inference_mode(False), torch.enable_grad():
        for sigma in sigmas:
            y = task.measure(x, test_noise(protocol, name, sigma, 0), sigma)
            x_hat, gray = equivalent_filter(task, y, pixel)
            found["measured"].append(task.denormalise(y)[0][(..., *shown)])
            found["restored"].append(x_hat[0][(..., *shown)])
            found["filters"].append(gray[shown])
            found["singular_values"].append(singular_values(task, y[(..., *alone)]))
    arrays = {key: torch.stack(values).detach().cpu().numpy() for key, values in found.items()}
    center = [at - part.start for at, part in zip(pixel, shown, strict=True)]
    place = {"pixel": np.array(pixel), "center": np.array(center)}
    return {"image": np.array(name), "sigmas": np.array(sigmas)} | place | arrays


def equivalent_filter(task: Reconstruction, y: Tensor, pixel: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """x_hat (1, C, H, W), and the row of its Jacobian at a pixel, from gray to gray: (H, W).

    That is the gradient of mean_c x_hat[c, pixel] with respect to y (1, C, H, W), summed over the channels of
    y: with what weight each pixel of a gray y enters the restored gray value.
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
        (C·h·w,), in descending order; (0,) if y is too small for the network.
    """
    y = y.clone().requires_grad_()
    try:
        x_hat = task.restore(y).flatten()
    except ImagingError:
        return torch.empty(0)
    rows = torch.eye(x_hat.numel(), device=y.device)
    (jacobian,) = torch.autograd.grad(x_hat, y, grad_outputs=rows, is_grads_batched=True)
    return torch.linalg.svdvals(jacobian.flatten(1).double())
