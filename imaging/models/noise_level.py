"""Estimation of the noise level from an image."""

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.shapes import Images, Sigmas

# Fourth differences along rows and columns respond to noise and hardly to image structure, even less than the
# Laplacians of Immerkaer, "Fast noise variance estimation", CVIU 1996. They amplify white noise by 70.
DIFFERENCES = (1.0, -4.0, 6.0, -4.0, 1.0)
GAIN = 70.0
QUARTILE = 0.6744897501960817  # of the standard normal distribution n: the median of |n|


def medians(rows: Tensor) -> Tensor:
    """The median of each row of (N, M); the lower one if M is even.

    With `dim`, torch's median also returns indices, which are not deterministic on a GPU.
    """
    return torch.stack([row.median() for row in rows])


def noise_level(y: Images) -> Sigmas:
    """Estimate the standard deviation of white Gaussian noise in each image: float32 (N, 1, 1, 1).

    From the median of the absolute differences over all pixels and channels, which is robust to edges
    (Donoho and Johnstone 1994). Texture at the scale of a pixel counts as noise: a clean photograph has
    some; a photograph that was blurred before the noise was added has little.

    Clipping reduces noise, so the estimate is lower then: 0.13 for 0.2 in a dark image.

    Args:
        y: (N, C, H, W).

    Raises:
        ImagingError: the images are smaller than 5×5 pixels.

    Example:
        >>> from imaging.randomness import generator
        >>> y = 0.5 + 0.1 * torch.randn(1, 3, 256, 256, generator=generator(0, "noise"))
        >>> round(noise_level(y).item(), 2)
        0.1
    """
    if min(y.shape[-2:]) < 5:
        raise ImagingError("the noise of fewer than 5×5 pixels cannot be estimated")
    with torch.autocast(y.device.type, enabled=False):
        response = y.detach().float().flatten(0, 1)[:, None]
        line = torch.tensor(DIFFERENCES, device=y.device)
        for kernel in (line[:, None], line[None, :]):
            response = torch.nn.functional.conv2d(response, kernel[None, None])
        middle = medians(response.abs().reshape(len(y), -1))
        return (middle / (GAIN * QUARTILE))[:, None, None, None]
