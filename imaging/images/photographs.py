"""Photographs as files, with their colour profile and EXIF data."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from imaging.images.opening import is_tiff, open_image
from imaging.images.reading import count_pages, read_pixels
from imaging.images.tiff import ORIENTATION, open_tiff


@dataclass
class Photograph:
    """An upright photograph with its metadata.

    Args:
        pixels: (1 or 3, H, W), uint8, or float32: in [0, 1] for 16 bits; of the first page.
        profile: the ICC colour profile.
        exif: the EXIF data, without the orientation, because the pixels are upright.
        bits: per sample; 32 are floating-point numbers.
        pages: number of pages; a TIFF may have several.
    """

    pixels: Tensor
    profile: bytes | None = None
    exif: bytes | None = None
    bits: int = 8
    pages: int = 1


def read_photograph(path: str | Path) -> Photograph:
    """Read a photograph, gray or RGB as in the file, with its metadata.

    Raises:
        ImagingError: the file cannot be read; see `imaging.images.reading.read_image`.
    """
    path = Path(path)
    pages = count_pages(path)
    pixels = read_pixels(path, 0 if pages > 1 else None)
    bits = 8 if pixels.dtype == torch.uint8 else 16
    if is_tiff(path):
        with open_tiff(path) as tiff:
            profile, exif = tiff.profile(), None  # the EXIF data of a TIFF describes its layout
            bits = 32 if tiff.floating(0) else bits
    else:
        with open_image(path) as image:
            image.load()  # because the EXIF data of a PNG may follow the pixels
            profile, exif = image.info.get("icc_profile"), _without_orientation(image.getexif())
    if profile and profile[16:20] not in (b"GRAY", b"RGB "):
        profile = None  # of another colour space, such as CMYK, from which the pixels were converted
    return Photograph(pixels, profile or None, exif, bits, pages)


def _without_orientation(exif) -> bytes | None:
    """The EXIF data without orientation; None if it is empty or broken."""
    exif.pop(ORIENTATION, None)
    try:
        return exif.tobytes() if len(exif) else None
    except Exception:  # Pillow raises many kinds of exception for a wrong tag
        return None
