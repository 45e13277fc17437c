"""Deconvolution of photographs with a network that is told the blur, and what does not fit in the result."""

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.operators.blur import Blur
from imaging.restoring.tiling import cut
from imaging.tasks.reconstruction import Reconstruction, as_float

LARGE = 1024  # pixels of a side from which an image is cut: one of 12 megapixels would take 20 GB as a whole
OVERLAP = 32  # pixels around a tile, beside the size of the psf

# With the right psf, `deconvolver` leaves at most 0.99 sigma between A x_hat and y, and values outside the
# range in fewer than one of two thousand; with a wrong one that is too large, mostly more of either.
RESIDUAL = 1.05  # in units of sigma
LEAST = 0.002  # sigma of an image without noise, which has been rounded to 8 bits
BEYOND, OUTSIDE = 0.05, 0.001  # values this far outside [0, 1], and the fraction of them
CLIPPED = 0.01  # fraction of pixels


def deconvolve(
    task: Reconstruction, y: Tensor, sigma: Tensor | None, operator: Blur
) -> tuple[Tensor, list[str]]:
    """Restore blurred images, large ones in tiles that overlap, as if each were a photograph.

    Args:
        task: with a network that takes the operator.
        y: (N, C, H, W), uint8 or float in [0, 1].
        sigma: of the noise, (N, 1, 1, 1), on the task's device; None: for a network that does not take it.
        operator: the blur.

    Returns:
        the restored images, float32 (N, C, H, W), and a sentence for each thing that does not fit; see
        `doubts`.
    """

    def restore(part: Tensor) -> tuple[Tensor, Tensor]:
        part = as_float(part.to(task.device))
        x_hat = task.restore(task.normalise(part), sigma, operator)
        return operator.visible(x_hat), misfit(operator, part, x_hat, sigma)

    if torch.is_grad_enabled() or operator.boundary == "circular" or max(y.shape[-2:]) <= LARGE:
        x_hat, values = restore(y)
        return x_hat, doubts(values)
    whole, found = torch.empty(y.shape, dtype=torch.float32), torch.zeros(len(y), 3)
    for inner, outer, tile in cut(y.shape[-2:], LARGE, OVERLAP + max(operator.psf.shape[-2:])):
        x_hat, values = restore(y[(..., *outer)])
        whole[(..., *inner)] = part = x_hat[(..., *tile)].cpu()
        found += values.cpu() * part[0, 0].numel() / whole[0, 0].numel()
    return whole, doubts(found)


def check_psf(operator: Blur | None, y: Tensor) -> None:
    """Check that a blur is at most twice as large as the pictures, (…, H, W); None: nothing to check.

    Raises:
        ImagingError: it is larger. A kernel that is wide because of its zeros may be larger than a picture.
    """
    if operator is None:
        return
    psf, size = operator.psf.shape[-2:], y.shape[-2:]
    if any(k > 2 * side for k, side in zip(psf, size, strict=True)):
        raise ImagingError(
            "the psf, {} x {} pixels, is more than twice as large as the picture, {} x {}: give the psf of "
            "this picture's blur".format(*psf, *size)
        )


@torch.no_grad()
def misfit(operator: Blur, y: Tensor, x_hat: Tensor, sigma: Tensor | None) -> Tensor:
    """How A x_hat differs from y: float32 (N, 3).

    Args:
        operator: A.
        y: intensities, (N, C, H, W).
        x_hat: the estimates, of the shape that the operator takes.
        sigma: of the noise, (N, 1, 1, 1), or None if it is unknown.

    Returns:
        the mean square of A x_hat - y over the variance of the noise, or 0 if that is unknown, the fraction
        of values of x_hat far outside [0, 1], and that of values of y clipped at white.
    """
    error = torch.zeros(len(y), device=y.device)
    if sigma is not None:
        error = (operator(x_hat) - y).square().mean((1, 2, 3)) / sigma.flatten().clamp_min(LEAST).square()
    seen, top = operator.visible(x_hat), y.amax((1, 2, 3), keepdim=True)
    outside = ((seen < -BEYOND) | (seen > 1 + BEYOND)).float().mean((1, 2, 3))
    clipped = ((y == top) & (top >= 1)).float().mean((1, 2, 3))
    return torch.stack([error, outside, clipped], 1)


def doubts(values: Tensor) -> list[str]:
    """What to tell of a `misfit`, (N, 3), about the image of the batch for which each is strongest."""
    error, outside, clipped = values.amax(0).tolist()
    notes = []
    if error**0.5 > RESIDUAL:
        notes.append(
            f"blurred again, the result differs from the image by {error**0.5:.1f} times its noise: the psf "
            "or sigma may be wrong"
        )
    if outside > OUTSIDE:
        notes.append(
            f"{outside:.1%} of the restored values are far outside [0, 1], as they are with rings: the psf "
            "may be wrong"
        )
    if clipped > CLIPPED:
        notes.append(f"{clipped:.1%} of the image is clipped at white: expect rings around it")
    return notes
