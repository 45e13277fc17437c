"""Restore a photograph to another file."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.restoring.checks import beyond_training, check_sigma, check_target, read_mask
from imaging.restoring.error_map import check_map_path, write_map
from imaging.restoring.estimation import Border, estimate_sigma
from imaging.restoring.files import bits_of, read_photograph, write_photograph
from imaging.restoring.tiling import restore_to_integers

if TYPE_CHECKING:
    from imaging.restoring.restorer import Restorer


def restore_file(
    restorer: "Restorer",
    image: str | Path,
    output: str | Path,
    sigma: float | None = None,
    mask: str | Path | None = None,
    boundary: Border | None = None,
    error: str | Path | None = None,
) -> str:
    """Restore a file to another file, with its bits per sample, colour profile and EXIF data.

    Args:
        restorer: of a network; this function is a method of it.
        image, output: the measured and the restored file.
        sigma: standard deviation of the noise, for intensities in [0, 1]; None: estimated.
        mask: an image file that is 0 where pixels are lost; only for an inpainter, which needs it.
        boundary: "unknown" or "circular", as in a call.
        error: a file for the map of the expected error, .png or .npy; see `write_map`. Only for a denoiser.

    Returns:
        A line for the user, with the estimated noise, the expected PSNR and warnings.

    Raises:
        ImagingError: a file that cannot be read or written, equal files, or a wrong sigma or mask.
    """
    image, output = Path(image), Path(output)
    check_sigma(sigma)
    check_target(output, image)
    if error is not None:
        check_map_path(Path(error), image, output)
    photograph = read_photograph(image)
    notes = [f"{image} -> {output}"]
    unknown, network = sigma is None, restorer.task.network
    required = restorer.task.takes_sigma  # otherwise the estimate is only for the warning
    seen = restorer.operator.photograph == "image"
    if error is not None:
        if mask is not None or boundary is not None:
            raise ImagingError("the expected error is for denoising, without a mask and without a boundary")
        x_hat, expected = restorer.restore_with_error(photograph.pixels, sigma)
        sigma = expected.sigma
    elif unknown and (required or min(photograph.pixels.shape[-2:]) >= 5) and seen:
        sigma = estimate_sigma(network, photograph.pixels, restorer.operator_for(None, boundary))
    elif not unknown and not required:
        notes.append(f"this network does not take sigma: {sigma:g} has no effect")
    if sigma is not None:
        notes += [f"noise estimated at sigma {sigma:.3f} ({255 * sigma:.1f} of 255)"] * unknown
        notes += beyond_training(sigma, restorer.trained_sigmas, network.homogeneous)
    bits = bits_of(output, photograph.bits)
    if bits < photograph.bits:
        notes.append(f"{output.suffix[1:]} files have 8 bits per sample: 16 bits are rounded to 8")
    if error is not None:
        write_photograph(output, _rounded(x_hat, bits), photograph)
        notes += [str(expected), *expected.doubts, write_map(Path(error), expected.bound)]
    else:
        lost = None if mask is None else read_mask(mask)
        pixels = _integers(restorer, photograph.pixels, bits, sigma, lost, boundary)
        write_photograph(output, pixels, photograph)
        notes += restorer.doubts
    return "; ".join(notes)


def _integers(
    restorer: "Restorer",
    pixels: Tensor,
    bits: int,
    sigma: float | None,
    mask: Tensor | None,
    boundary: Border | None,
) -> np.ndarray:
    plain = restorer.operator.photograph == "image" and mask is None and boundary is None
    if len(pixels) == restorer.channels and plain and restorer.in_tiles:
        return restore_to_integers(restorer.task, pixels, bits, sigma=sigma)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the doubts are among the notes
        sigma = sigma if restorer.task.takes_sigma else None
        return _rounded(restorer(pixels, sigma, mask, boundary=boundary), bits)


def _rounded(x_hat: Tensor, bits: int) -> np.ndarray:
    with torch.no_grad():
        values = x_hat.clamp(0, 1).mul_(2**bits - 1).round_().numpy()
    return values.astype({8: np.uint8, 16: np.uint16}[bits])
