"""Reasons not to believe the expected error of a restored image."""

import torch.nn.functional as F
from torch import Tensor

AROUND = 17  # side in pixels of the surroundings in which a pixel is smooth or not
SHIFTS = ((0, 1), (1, 0), (1, 1))  # rows and columns, to neighbours


def doubts_of(
    y: Tensor, x_hat: Tensor, sigma: float | None, found: float, unsure: float, clipped: float
) -> list[str]:
    """A line for each sign that the noise is not what the expected error assumes.

    Args:
        y, x_hat: measured and restored intensities, (C, H, W).
        sigma: the standard deviation that the user gave, or None.
        found: that was found in the image.
        unsure: the standard deviation of `found`, as a fraction.
        clipped: the share of the elements that the expected error leaves out.
    """
    doubts = []
    if sigma is not None and abs(found / sigma - 1) > 0.1 and abs(sigma / max(found, 1e-9) - 1) > 4 * unsure:
        doubts.append(f"the noise looks like sigma {found:.3f}, and the expected error is for {sigma:g}")
    correlation, used = neighbour_correlation(y, x_hat), sigma or found
    # White noise of BSDS300, restored by denoiser-64, stays below: texture that was removed with the noise
    # correlates too, the more the weaker the noise is. What a weak denoiser leaves makes it negative.
    if used and correlation > 0.07 + 7e-5 / used**2:
        doubts.append(
            f"the noise is not white, as of a JPEG or after resizing (neighbours correlate by "
            f"{correlation:.2f}): the expected error is wrong"
        )
    if clipped > 0.01:
        rest = "of the rest" if clipped < 0.5 else "not to be believed"
        doubts.append(
            f"{clipped:.0%} of the image is near black or white, where its file clips the noise: the "
            f"expected PSNR is {rest}"
        )
    return doubts


def neighbour_correlation(y: Tensor, x_hat: Tensor) -> float:
    """The correlation of neighbours in y - x_hat, in the quarter of the image with the least structure.

    The largest of three neighbours; 0 for an image without noise, or of one pixel in a row or column. White
    noise has about 0.

    Args:
        y, x_hat: measured and restored intensities, (C, H, W).
    """
    residual = (y - x_hat).double()
    height, width = (side - 1 for side in y.shape[-2:])
    if min(height, width) < 1:
        return 0.0
    structure = (x_hat[:, 1:, 1:] - x_hat[:, :-1, :-1]).square().mean(0)[None]
    structure = F.avg_pool2d(structure, AROUND, 1, AROUND // 2, count_include_pad=False)[0]
    smooth = structure.flatten().topk(max(1, structure.numel() // 4), largest=False).indices
    here = residual[:, :height, :width].flatten(1)[:, smooth]
    power = here.square().mean()
    if power == 0:
        return 0.0
    there = (residual[:, r : r + height, c : c + width].flatten(1)[:, smooth] for r, c in SHIFTS)
    return max(((here * one).mean() / power).item() for one in there)
