"""Estimation of the noise level from an image."""

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.operator import LinearOperator
from imaging.shapes import Images, Sigmas

# Fourth differences along rows and columns respond to noise and hardly to image structure, even less than the
# Laplacians of Immerkaer, "Fast noise variance estimation", CVIU 1996. They amplify white noise by 70.
DIFFERENCES = (1.0, -4.0, 6.0, -4.0, 1.0)
GAIN = 70.0
AROUND = 17  # side in pixels of the surroundings of a pixel
QUARTILE = 0.6744897501960817  # of the standard normal distribution n: the median of |n|


def refuse_estimate(operator: LinearOperator) -> None:
    """Raise an ImagingError if the noise of an operator's measurements cannot be estimated from them.

    Lost pixels, the colours of a mosaic and random projections look like noise.
    """
    if operator.photograph != "image":
        raise ImagingError(
            f"the noise of the measurements of {type(operator).__name__} cannot be estimated: give sigma"
        )


def medians(rows: Tensor) -> Tensor:
    """The median of each row of (N, M); the lower one if M is even.

    With `dim`, torch's median also returns indices, which are not deterministic on a GPU.
    """
    return torch.stack([row.median() for row in rows])


def noise_level(y: Images, x_hat: Images | None = None) -> Sigmas:
    """Estimate the standard deviation of white Gaussian noise in each image: float32 (N, 1, 1, 1).

    From the median of the absolute differences over all pixels and channels, which is robust to edges
    (Donoho and Johnstone 1994). Texture at the scale of a pixel counts as noise: a clean photograph has
    some; a photograph that was blurred before the noise was added has little.

    Clipping reduces noise, so the estimate is lower then: 0.13 for 0.2 in a dark image. With `x_hat`, it is
    that of the parts that were clipped least.

    Args:
        y: (N, C, H, W).
        x_hat: the restored images. With them, only the quarter of the pixels counts around which they have
            the least structure, so that texture matters less.

    Raises:
        ImagingError: the images are smaller than 5×5 pixels.

    Examples:
        >>> from imaging.randomness import generator
        >>> y = 0.5 + 0.1 * torch.randn(1, 3, 256, 256, generator=generator(0, "noise"))
        >>> round(noise_level(y).item(), 2)
        0.1
    """
    if min(y.shape[-2:]) < 5:
        raise ImagingError("the noise of fewer than 5×5 pixels cannot be estimated")
    with torch.autocast(y.device.type, enabled=False):
        response = _differences(y)
        if x_hat is None:
            rows = response.abs().flatten(1)
        else:
            structure = _differences(x_hat).square().mean(1, keepdim=True)
            # Where the noise was clipped, an image looks smooth, and has less noise.
            limits = ((y == 0) | (y == 1))[..., 2:-2, 2:-2]
            structure = structure + limits.any(1, keepdim=True).float()
            structure = F.avg_pool2d(structure, AROUND, 1, AROUND // 2, count_include_pad=False).flatten(1)
            smooth = structure.topk(max(1, structure.shape[1] // 4), largest=False).indices
            rows = response.abs().flatten(2).gather(2, smooth[:, None].expand(-1, y.shape[1], -1)).flatten(1)
        return (medians(rows) / (GAIN * QUARTILE))[:, None, None, None]


def _differences(images: Tensor) -> Tensor:
    """The fourth differences along columns of those along rows, (N, C, H - 4, W - 4)."""
    response = images.detach().float().flatten(0, 1)[:, None]
    line = torch.tensor(DIFFERENCES, device=images.device)
    for kernel in (line[:, None], line[None, :]):
        response = F.conv2d(response, kernel[None, None])
    return response.unflatten(0, images.shape[:2]).squeeze(2)
