"""Which image files are opened: regular files, of formats that we chose, that fit into memory."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from imaging.errors import ImagingError
from imaging.files import check_regular
from imaging.machine import free_memory

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp", ".pgm", ".ppm", ".pnm")
KINDS = "PNG, JPEG, TIFF, WebP, BMP and PGM or PPM"
TIFF_SUFFIXES = (".tif", ".tiff")
# Pillow's names; without a list it would start Ghostscript for an EPS.
FORMATS = ["PNG", "JPEG", "WEBP", "BMP", "PPM"]
TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # how such a file begins
COPIES = 5  # of the samples that decoding has in memory at once
MAX_PIXELS = 2**40  # Pillow's limit, against decompression bombs, is below the size of a large photograph

_log = logging.getLogger(__name__)
_notices: set[str] = set()


def is_tiff(path: Path) -> bool:
    """Whether a file begins as a TIFF does, whatever its name."""
    with open(path, "rb") as file:
        return file.read(4) in TIFF


@contextlib.contextmanager
def open_image(path: Path, formats: list[str] = FORMATS) -> Iterator:
    """Open a file with Pillow, and check the header.

    Args:
        path: of the file.
        formats: Pillow's names of those that are expected.

    Raises:
        ImagingError: it is no regular file, of another format, animated, or too large.
    """
    from PIL import Image, UnidentifiedImageError

    check_regular(path)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    # Opened here, because Pillow would map a file that it opens, and turn some TIFF files wrongly.
    with open(path, "rb") as file:
        try:
            image = Image.open(file, formats=formats)
        except UnidentifiedImageError:
            raise ImagingError(f"cannot read the image {path}: it is damaged, or none of {KINDS}") from None
        if (frames := getattr(image, "n_frames", 1)) > 1 and image.format in ("PNG", "WEBP"):
            raise ImagingError(
                f"cannot read the image {path}: it has {frames} frames; expected a still picture"
            )
        if image.format == "MPO":
            notice("the further pictures in a JPEG file are left out", path)
        samples = len(image.getbands()) if image.mode != "P" else 3
        check_fits(path, image.height, image.width, samples * (2 if image.mode.startswith("I") else 1))
        yield image


def check_fits(path: Path, height: int, width: int, pixel_bytes: int) -> None:
    """Check that a decoded image fits into half of the free memory.

    Args:
        path: of the file.
        height, width: by its header.
        pixel_bytes: of all samples of a pixel.

    Raises:
        ImagingError: it does not.
    """
    needed, limit = height * width * max(pixel_bytes, 3) * COPIES, free_memory() // 2
    if needed > limit:
        raise ImagingError(
            f"cannot read the image {path}: {width} x {height} pixels take {needed / 1e9:.1f} GB of memory; "
            f"expected at most {limit / 1e9:.1f} GB, half of what is free"
        )


def notice(text: str, path: Path) -> None:
    """Warn once per run of what becomes of images like this one."""
    if text not in _notices:
        _notices.add(text)
        _log.warning("images: %s, first in %s", text, path)
