"""Image files from pixels, with a colour profile and EXIF data, atomically."""

import io
import itertools
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from imaging.errors import ImagingError
from imaging.files import write_atomically
from imaging.images.opening import SUFFIXES, TIFF_SUFFIXES
from imaging.images.tiff import PROFILE

CLASSIC = 2**32 - 2**25  # bytes of pixels that fit into a TIFF with offsets of 32 bits
ROWS = 256  # of a PNG in one chunk


def check_suffix(path: str | Path) -> None:
    """Check that the suffix of an output file is in `SUFFIXES`; raise ImagingError if not."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ImagingError(f"cannot write {path}: expected a name that ends in {', '.join(SUFFIXES)}")


def bits_of(path: Path, bits: int) -> int:
    """The bits per sample for a file with this suffix: `bits` if the format has them, else fewer.

    They are 8, 16, or 32 for floating-point numbers.
    """
    suffix = path.suffix.lower()
    return min(bits, 32 if suffix in TIFF_SUFFIXES else 16 if suffix == ".png" else 8)


def write_image(
    path: str | Path, pixels: np.ndarray, profile: bytes | None = None, exif: bytes | None = None
) -> None:
    """Write an image.

    Args:
        path: the file; its suffix determines the format.
        pixels: (1 or 3, H, W): uint8; uint16 for PNG and TIFF; float32 for TIFF.
        profile: the ICC colour profile.
        exif: the EXIF data; a TIFF of more than 8 bits gets none.

    Raises:
        ImagingError: an unsupported suffix, or the file cannot be written.
    """
    path = Path(path)
    check_suffix(path)
    if pixels.dtype == np.uint8:
        _write_pillow(path, pixels, profile, exif)
    elif path.suffix.lower() == ".png":
        _write(path, lambda file: _write_png(file, pixels, profile, exif))
    else:
        write_stack(path, [pixels], profile)


def write_stack(
    path: str | Path, pages: Iterable[np.ndarray], profile: bytes | None = None, number: int = 1
) -> None:
    """Write the pages of a TIFF file, each when it comes.

    Args:
        path: of the file.
        pages: each (1 or 3, H, W), uint8, uint16 or float32.
        profile: the ICC colour profile.
        number: of the pages.

    Raises:
        ImagingError: the file cannot be written.
    """
    import tifffile

    tags = [(PROFILE, 7, len(profile), profile, True)] if profile else []

    def write(file) -> None:
        buffer = io.BytesIO()  # because tifffile does not write to an open file
        rest = iter(pages)
        first = next(rest)
        with tifffile.TiffWriter(buffer, bigtiff=number * first.nbytes > CLASSIC) as writer:
            for pixels in itertools.chain([first], rest):
                kind = "rgb" if len(pixels) == 3 else "minisblack"
                interleaved = pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)
                writer.write(interleaved, photometric=kind, extratags=tags, metadata=None)
        file.write(buffer.getbuffer())

    _write(Path(path), write)


def _write(path: Path, write) -> None:
    try:
        write_atomically(path, write)
    except OSError as error:
        raise ImagingError(f"cannot write {path}: {error.strerror or error}") from None


def _write_pillow(path: Path, pixels: np.ndarray, profile: bytes | None, exif: bytes | None) -> None:
    from PIL import Image

    kind = Image.registered_extensions()[path.suffix.lower()]
    pixels = np.ascontiguousarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    options: dict = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    options |= {name: data for name, data in (("icc_profile", profile), ("exif", exif)) if data}
    picture = Image.fromarray(pixels)
    try:
        _write(path, lambda file: picture.save(file, format=kind, **options))
    except ValueError as error:  # more pixels or metadata than the format can hold
        raise ImagingError(f"cannot write {path}: {error}") from None


def _write_png(file, pixels: np.ndarray, profile: bytes | None, exif: bytes | None) -> None:
    """Write a 16-bit PNG, because Pillow cannot write 16 bits in colour.

    PNG specification, third edition: chunks (5.3), filter "sub" (9.2), IHDR, iCCP and eXIf (11).
    """

    def chunk(kind: bytes, data: bytes) -> None:
        file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)))

    channels, height, width = pixels.shape
    file.write(b"\x89PNG\r\n\x1a\n")
    chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2 if channels == 3 else 0, 0, 0, 0))
    if profile:
        chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(profile))
    if exif:
        chunk(b"eXIf", exif.removeprefix(b"Exif\0\0"))
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
