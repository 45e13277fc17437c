"""A photograph's file: its pixels, and what else belongs to it, read and written."""

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
DEEP = (".png", ".tif", ".tiff")  # formats of 16 bits a sample
ROWS = 256  # of a PNG that are compressed at a time


@dataclass
class Photograph:
    """Pixels, upright, and what belongs to them.

    Args:
        pixels: (1 or 3, H, W), uint8, or float32 in [0, 1] from 16 bits.
        profile: the ICC colour profile.
        exif: the camera's notes; without the orientation, which the pixels have already.
    """

    pixels: Tensor
    profile: bytes | None = None
    exif: bytes | None = None

    @property
    def bits(self) -> int:
        return 16 if self.pixels.is_floating_point() else 8


def read_photograph(path: str | Path) -> Photograph:
    """Gray or RGB as the file has it; see `imaging.data.image_files.read_pixels`.

    Raises:
        ImagingError: it cannot be read.
    """
    from PIL import Image

    pixels = read_pixels(path)
    try:
        with Image.open(path) as image:
            image.load()  # a PNG may have its notes behind the pixels
            profile, notes = image.info.get("icc_profile"), image.getexif()
    except OSError:  # a TIFF that Pillow does not know
        return Photograph(pixels, _tiff_profile(path))
    if profile and profile[16:20] not in (b"GRAY", b"RGB "):
        profile = None  # of colours that the file had, such as CMYK, and the pixels have no more
    return Photograph(pixels, profile or None, _without_orientation(notes, image.format))


def _without_orientation(notes, kind: str) -> bytes | None:
    """The camera's notes; None if there are none, or broken ones, or a TIFF's, about how its pixels lie."""
    notes.pop(ORIENTATION, None)
    try:
        return notes.tobytes() if len(notes) and kind != "TIFF" else None
    except Exception:  # Pillow meets a wrong tag with whatever its packing raises
        return None


def bits_of(path: Path, wanted: int) -> int:
    """As many bits a sample as are wanted, 8 or 16, or as the format of this name has."""
    return wanted if path.suffix.lower() in DEEP else 8


def write_photograph(path: str | Path, pixels: np.ndarray, like: Photograph) -> None:
    """Write a restored photograph, atomically, with what belonged to the measured one.

    Args:
        path: its suffix says the format.
        pixels: uint8 (1 or 3, H, W), or uint16 for PNG and TIFF.
        like: has the colour profile and the camera's notes.

    Raises:
        ImagingError: a suffix that says no format, or a place that cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    if pixels.dtype == np.uint8:
        belongs = {"icc_profile": like.profile, "exif": like.exif}
        write_pillow(path, pixels, {key: value for key, value in belongs.items() if value})
        return
    write = _write_png if path.suffix.lower() == ".png" else _write_tiff
    try:
        write_atomically(path, lambda file: write(file, pixels, like))
    except OSError as error:
        raise ImagingError(f"cannot write {path}: {error.strerror or error}") from None


def _write_png(file, pixels: np.ndarray, like: Photograph) -> None:
    """16 bits, which Pillow cannot write in colour.

    PNG specification, third edition: chunks (5.3), the filter "sub" (9.2), header, profile, notes (11).
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
        filtered = np.ones((len(lines), 1 + lines.shape[1]), np.uint8)  # 1: the filter's number
        filtered[:, 1:] = lines
        filtered[:, 1 + 2 * channels :] -= lines[:, : -2 * channels]
        chunk(b"IDAT", stream.compress(filtered.tobytes()))
    chunk(b"IDAT", stream.flush())
    chunk(b"IEND", b"")


def _write_tiff(file, pixels: np.ndarray, like: Photograph) -> None:
    import tifffile

    tags = [(PROFILE, 7, len(like.profile), like.profile, True)] if like.profile else []
    kind = "rgb" if len(pixels) == 3 else "minisblack"
    buffer = io.BytesIO()  # tifffile does not write into a file that is open already
    interleaved = pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)
    tifffile.imwrite(buffer, interleaved, photometric=kind, extratags=tags)
    file.write(buffer.getbuffer())


def _tiff_profile(path: str | Path) -> bytes | None:
    import tifffile

    with tifffile.TiffFile(path) as file:
        return file.pages.first.tags.valueof(PROFILE)
