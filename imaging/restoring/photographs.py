"""Restore a photograph to another file."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.images.opening import TIFF_SUFFIXES
from imaging.images.photographs import Photograph, read_photograph
from imaging.images.reading import read_pages
from imaging.images.writing import bits_of, write_image, write_stack
from imaging.restoring.checks import beyond_training, check_sigma, check_target, read_mask
from imaging.restoring.deconvolution import check_psf
from imaging.restoring.error_map import check_map_path, write_map
from imaging.restoring.estimation import Border, estimate_sigma
from imaging.restoring.tiling import restore_to_integers

if TYPE_CHECKING:
    from imaging.restoring.expected_error import ExpectedError
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

    Each page of a TIFF file is restored. Floating-point numbers are not clipped.

    Args:
        restorer: of the network; this function is its method `file`.
        image, output: the measured and the restored file.
        sigma: standard deviation of the noise, for intensities in [0, 1]; None: estimated.
        mask: an image file that is 0 where pixels are lost; only for an inpainter, which needs it.
        boundary: "unknown" or "circular", as in a call.
        error: a file for the map of the expected error, .png or .npy; see `write_map`. Only for a denoiser.

    Returns:
        A line for the user, and one for each page of several, with the estimated noise, the expected PSNR
        and warnings.

    Raises:
        ImagingError: a file that cannot be read or written, equal files, or a wrong sigma or mask.
    """
    image, output = Path(image), Path(output)
    check_sigma(sigma)
    check_target(output, image)
    if error is not None:
        error = Path(error)
        check_map_path(error, image, output)
        if mask is not None or boundary is not None:
            raise ImagingError("the expected error is for denoising, without a mask and without a boundary")
    photograph = read_photograph(image)
    bits = bits_of(output, photograph.bits)
    lost = None if mask is None else read_mask(mask)
    notes = [f"{image} -> {output}"]
    if bits < photograph.bits:
        had = f"{photograph.bits} bits are rounded to {bits}"
        notes.append(f"{output.suffix[1:]} files have {bits} bits per sample: {had}")

    def page(pixels: Tensor) -> "tuple[np.ndarray, list[str], ExpectedError | None]":
        return _page(restorer, pixels, bits, sigma, lost, boundary, error is not None)

    if photograph.pages > 1:
        return "\n".join(["; ".join(notes), *_stack(image, output, photograph, error, page)])
    pixels, more, expected = page(photograph.pixels)
    write_image(output, pixels, photograph.profile, photograph.exif)
    if error is not None and expected is not None:
        more.append(write_map(error, expected.bound, bool(expected.doubts)))
    return "; ".join(notes + more)


def _stack(
    image: Path, output: Path, photograph: Photograph, error: Path | None, restored: Callable
) -> Iterator[str]:
    """Restore the pages of a TIFF file; a line for each."""
    if output.suffix.lower() not in TIFF_SUFFIXES:
        raise ImagingError(f"{image} has several pages: the output is {output}, expected a TIFF file")
    if error is not None and error.suffix.lower() != ".npy":
        raise ImagingError(f"{image} has several pages: the error map is {error}, expected a .npy file")
    lines, errors = [], []

    def pages() -> Iterator[np.ndarray]:
        for number, pixels in enumerate(read_pages(image), 1):
            page, notes, expected = restored(pixels)
            lines.append(f"  page {number}: {'; '.join(notes) or 'restored'}")
            errors.append(expected)
            yield page

    write_stack(output, pages(), photograph.profile, photograph.pages)
    yield from lines
    if error is not None:
        doubtful = any(expected.doubts for expected in errors)
        yield f"  {write_map(error, torch.stack([expected.bound for expected in errors]), doubtful)}"


def _page(
    restorer: "Restorer",
    pixels: Tensor,
    bits: int,
    sigma: float | None,
    mask: Tensor | None,
    boundary: Border | None,
    mapped: bool,
) -> "tuple[np.ndarray, list[str], ExpectedError | None]":
    """The restored pixels, notes for the user, and the expected error if it is wanted."""
    unknown, network, notes = sigma is None, restorer.task.network, []
    required = restorer.task.takes_sigma  # otherwise the estimate is only for the warning
    seen = restorer.operator.photograph == "image"
    blur = restorer.operator_for(None, boundary) if seen else None
    check_psf(blur, pixels)
    if mapped:
        x_hat, expected = restorer.restore_with_error(pixels, sigma)
        sigma = expected.sigma
    elif unknown and (required or min(pixels.shape[-2:]) >= 5) and seen:
        sigma = estimate_sigma(network, pixels, blur)
    elif not unknown and not required:
        notes.append(f"this network does not take sigma: {sigma:g} has no effect")
    if sigma is not None:
        notes += [f"noise estimated at sigma {sigma:.3f} ({255 * sigma:.1f} of 255)"] * unknown
        notes += beyond_training(sigma, restorer.trained_sigmas, network.homogeneous)
    if mapped:
        return _rounded(x_hat, bits), [*notes, str(expected), *expected.doubts], expected
    restored = _restored(restorer, pixels, bits, sigma, mask, boundary)
    return restored, notes + restorer.doubts, None


def _restored(
    restorer: "Restorer",
    pixels: Tensor,
    bits: int,
    sigma: float | None,
    mask: Tensor | None,
    boundary: Border | None,
) -> np.ndarray:
    plain = restorer.operator.photograph == "image" and mask is None and boundary is None and bits < 32
    if len(pixels) == restorer.channels and plain and restorer.in_tiles:
        return restore_to_integers(restorer.task, pixels, bits, sigma=sigma)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the doubts are among the notes
        sigma = sigma if restorer.task.takes_sigma else None
        return _rounded(restorer(pixels, sigma, mask, boundary=boundary), bits)


def _rounded(x_hat: Tensor, bits: int) -> np.ndarray:
    if bits == 32:
        return x_hat.numpy()
    with torch.no_grad():
        values = x_hat.clamp(0, 1).mul_(2**bits - 1).round_().numpy()
    return values.astype({8: np.uint8, 16: np.uint16}[bits])
