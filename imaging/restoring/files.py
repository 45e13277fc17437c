"""Photographs as files, with their colour profile and EXIF data."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from imaging.data.image_files import check_suffix, read_pixels, write_pillow
from imaging.errors import ImagingError
from imaging.files import write_atomically

ORIENTATION, PROFILE = 274, 34675  # EXIF and TIFF tags
DEEP = (".png", ".tif", ".tiff")  # formats with 16 bits per sample
ROWS = 256  # of a PNG in one chunk


@dataclass
class Photograph:
    """An upright photograph with its metadata.

    Args:
        pixels: (1 or 3, H, W), uint8, or float32 in [0, 1] from 16 bits.
        profile: the ICC colour profile.
        exif: the EXIF data, without the orientation, because the pixels are upright.
    """

    pixels: Tensor
    profile: bytes | None = None
    exif: bytes | None = None

    @property
    def bits(self) -> int:
        return 16 if self.pixels.is_floating_point() else 8


def read_photograph(path: str | Path) -> Photograph:
    """Read a photograph, gray or RGB as in the file, with its metadata.

    Raises:
        ImagingError: the file cannot be read; see `imaging.data.image_files.read_pixels`.
    """
    from PIL import Image

    pixels = read_pixels(path)
    try:
        with Image.open(path) as image:
            image.load()  # because the EXIF data of a PNG may follow the pixels
            profile, exif = image.info.get("icc_profile"), image.getexif()
    except OSError:  # a TIFF that Pillow does not support
        return Photograph(pixels, _tiff_profile(path))
    if profile and profile[16:20] not in (b"GRAY", b"RGB "):
        profile = None  # of another colour space, such as CMYK, from which the pixels were converted
    return Photograph(pixels, profile or None, _without_orientation(exif, image.format))


def _without_orientation(exif, kind: str) -> bytes | None:
    """The EXIF data without orientation; None if empty, broken, or a TIFF's, which describes its layout."""
    exif.pop(ORIENTATION, None)
    try:
        return exif.tobytes() if len(exif) and kind != "TIFF" else None
    except Exception:  # Pillow raises many kinds of exception for a wrong tag
        return None


def bits_of(path: Path, bits: int) -> int:
    """The bits per sample, 8 or 16, for a file with this suffix: `bits` if the format has them, else 8."""
    return bits if path.suffix.lower() in DEEP else 8


def write_photograph(path: str | Path, pixels: np.ndarray, like: Photograph) -> None:
    """Write a restored photograph with the metadata of the measured one, atomically.

    Args:
        path: the file; its suffix determines the format.
        pixels: uint8 (1 or 3, H, W), or uint16 for PNG and TIFF.
        like: the measured photograph, for the colour profile and the EXIF data.

    Raises:
        ImagingError: an unsupported suffix, or the file cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    if pixels.dtype == np.uint8:
        metadata = {"icc_profile": like.profile, "exif": like.exif}
        write_pillow(path, pixels, {key: value for key, value in metadata.items() if value})
        return
    write = _write_png if path.suffix.lower() == ".png" else _write_tiff
    try:
        write_atomically(path, lambda file: write(file, pixels, like))
    except OSError as error:
        raise ImagingError(f"cannot write {path}: {error.strerror or error}") from None


def _write_png(file, pixels: np.ndarray, like: Photograph) -> None:
    """Write a 16-bit PNG, because Pillow cannot write 16 bits in colour.

    PNG specification, third edition: chunks (5.3), filter "sub" (9.2), IHDR, iCCP and eXIf (11).
    """

    def chunk(kind: bytes, data: bytes) -> None:
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

    channels, height, width = pixels.shape
    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 0, 0, 0, 0))
    if like.profile:
        chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(like.profile))
    if like.exif:
        chunk(b"eXIf", like.exif.removeprefix(b"Exif\0\0"))
    stream = zlib.compressobj()
    for top in range(0, height, ROWS):
        lines = np.moveaxis(pixels[:, top : top + ROWS], 0, -1).astype(">u2")
        lines = lines.reshape(len(lines), -1).view(np.uint8)
        filtered = np.ones((len(lines), 1 + lines.shape[1]), np.uint8)  # 1 is the filter type "sub"
        filtered[:, 1:] = lines
        filtered[:, 1 + 2 * channels :] -= lines[:, : -2 * channels]
        chunk(b"IDAT", stream.compress(filtered.tobytes()))
    chunk(b"IDAT", stream.flush())
    chunk(b"IEND", b"")


def _write_tiff(file, pixels: np.ndarray, like: Photograph) -> None:
    import tifffile

    tags = [(PROFILE, 7, len(like.profile), like.profile, True)] if like.profile else []
    kind = "rgb" if len(pixels) == 3 else "minisblack"
    buffer = io.BytesIO()  # because tifffile does not write to an open file
    interleaved = pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)
    tifffile.imwrite(buffer, interleaved, photometric=kind, extratags=tags)
    file.write(buffer.getbuffer())


def _tiff_profile(path: str | Path) -> bytes | None:
    import tifffile

    with tifffile.TiffFile(path) as file:
        return file.pages.first.tags.valueof(PROFILE)
