"""Whether a restored photograph explains the measurement."""

import torch
from torch import Tensor

from imaging.physics.operator import LinearOperator

# With the right psf, `deconvolver` leaves at most 0.98 sigma between A x_hat and y, and values outside the
# range in fewer than one pixel of a thousand; with a wrong one that is too large, mostly more of either.
RESIDUAL = 1.05  # in units of sigma
BEYOND, OUTSIDE = 0.05, 0.003  # values this far outside [0, 1], and the fraction of them
CLIPPED = 0.01  # fraction of pixels


@torch.no_grad()
def doubts(operator: LinearOperator, y: Tensor, x_hat: Tensor, sigma: Tensor) -> list[str]:
    """What does not fit in a deconvolution: A x_hat against y, values out of range, clipped highlights.

    Args:
        operator: A.
        y: measurements, (N, C, H, W), intensities.
        x_hat: the estimates, of the shape that the operator takes.
        sigma: of the noise, (N, 1, 1, 1).

    Returns:
        a sentence for each doubt, about the image of the batch for which it is strongest.
    """
    notes = []
    residual = (operator(x_hat) - y).square().mean((1, 2, 3)).sqrt() / sigma.flatten().clamp_min(1e-3)
    ratio = residual.max().item()
    if ratio > RESIDUAL:
        notes.append(
            f"blurred again, the result differs from the image by {ratio:.1f} times its noise: the psf or "
            "sigma may be wrong"
        )
    seen = operator.visible(x_hat)
    outside = ((seen < -BEYOND) | (seen > 1 + BEYOND)).float().mean((1, 2, 3)).max().item()
    if outside > OUTSIDE:
        notes.append(
            f"{outside:.1%} of the restored values are far outside [0, 1], as they are with rings: the psf "
            "may be wrong"
        )
    top = y.amax((1, 2, 3), keepdim=True)
    clipped = ((y == top) & (top >= 1)).float().mean((1, 2, 3)).max().item()
    if clipped > CLIPPED:
        notes.append(f"{clipped:.1%} of the image is clipped at white: expect rings around it")
    return notes
