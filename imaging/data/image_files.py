"""Image files as tensors, without a silent loss of bits."""

import logging
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.files import write_atomically
from imaging.settings import check

Channels = Literal[1, 3]  # gray, RGB
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")

MAX_PIXELS = 2**30  # Pillow's limit, against decompression bombs, is below the size of a large photograph

# The weights of skimage.color.rgb2gray (ITU-R BT.709, rounded as there).
GRAY_WEIGHTS = (0.2125, 0.7154, 0.0721)

_log = logging.getLogger(__name__)
_notices: set[str] = set()


def read_image(path: str | Path, channels: int = 3) -> Tensor:
    """Read a PNG, JPEG, TIFF or WebP file, turned upright by its EXIF orientation.

    Palettes are converted to RGB and alpha is dropped, each with one warning per run.

    Args:
        path: the file; 1, 8 or 16 bits per sample, gray or colour.
        channels: 3 = RGB (gray is repeated), 1 = gray (RGB is weighted as in skimage's rgb2gray).

    Returns:
        (channels, H, W): uint8 for files of up to 8 bits, float32 in [0, 1] for 16 bits.

    Raises:
        ImagingError: the file is missing, truncated or unreadable, or has an unsupported pixel format.
    """
    check("data.source.channels", channels, Channels)
    return to_channels(read_pixels(path), channels)


def read_pixels(path: str | Path) -> Tensor:
    """Read an image file with its own number of channels.

    Args:
        path: the file; 1, 8 or 16 bits per sample, gray or colour.

    Returns:
        (1 or 3, H, W): uint8 for files of up to 8 bits, float32 in [0, 1] for 16 bits.

    Raises:
        ImagingError: the file is missing, truncated or unreadable, or has an unsupported pixel format.
    """
    try:
        pixels = _decode(Path(path))
    except ImagingError:
        raise
    except Exception as error:  # decoders raise a dozen kinds of exception on broken bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImagingError(f"cannot read the image {path}: {reason}") from error
    return torch.from_numpy(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1).copy())


def decoded_bytes(path: str | Path, channels: int) -> int:
    """The size in bytes of the result of `read_image`, from the file's header; 0 if it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            deep = image.mode.startswith("I") or (image.tile and "16" in str(image.tile[0][3]))
    except (OSError, ValueError, SyntaxError):
        return 0  # `read_image` reports the error
    return channels * height * width * (4 if deep else 1)


def write_pillow(path: str | Path, pixels: np.ndarray, metadata: dict) -> None:
    """Write uint8 (1 or 3, H, W), atomically, with keyword arguments of Pillow's `save`, such as `exif`.

    Raises:
        ImagingError: the file cannot be written.
    """
    from PIL import Image

    kind = Image.registered_extensions()[Path(path).suffix.lower()]
    pixels = np.ascontiguousarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    try:
        picture = Image.fromarray(pixels)
        write_atomically(path, lambda file: picture.save(file, format=kind, **options, **metadata))
    except (OSError, ValueError) as error:  # ValueError: more pixels or metadata than the format can hold
        raise ImagingError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def check_suffix(path: str | Path) -> None:
    """Check that the suffix of an output file is in `SUFFIXES`; raise ImagingError if not."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ImagingError(f"cannot write {path}: expected a name that ends in {', '.join(SUFFIXES)}")


def to_channels(image: Tensor, channels: int) -> Tensor:
    """Convert gray (…, 1, H, W) or RGB (…, 3, H, W), uint8 or float32, to 1 or 3 channels of that dtype."""
    if image.shape[-3] == channels:
        return image
    if channels == 3:
        return image.repeat_interleave(3, dim=-3)
    weights = torch.tensor(GRAY_WEIGHTS, dtype=torch.float64)[:, None, None]
    gray = (image * weights).sum(-3, keepdim=True)
    return (gray.round() if image.dtype == torch.uint8 else gray).to(image.dtype)


def _decode(path: Path) -> np.ndarray:
    """(H, W) or (H, W, 3), uint8, or float32 in [0, 1] for 16 bits."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    if path.suffix.lower() in (".tif", ".tiff") and (deep := _deep_tiff(path)) is not None:
        return deep
    with Image.open(path) as image:
        raw = image.tile[0][3] if image.format == "PNG" and image.tile else None
        if raw in ("RGB;16B", "RGBA;16B", "LA;16B"):
            return _deep_png(image, path)
        if image.mode in ("I", "I;16", "I;16B", "I;16L"):
            return _unit(_upright(np.asarray(image), image))
        if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"):
            raise ImagingError(f"cannot read the image {path}: mode {image.mode}; expected 8 or 16 bits")
        if "A" in image.mode or "transparency" in image.info:
            _notice("alpha", path)
        if image.mode in ("P", "PA"):
            _notice("palette", path)
        image.load()
        return _upright(np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")), image)


def _deep_png(image, path: Path) -> np.ndarray:
    """Decode a 16-bit colour PNG, in two passes, because Pillow keeps only one byte of each sample."""
    from PIL import Image

    raw = image.tile[0][3]
    if raw != "RGB;16B":
        _notice("alpha", path)
    if raw == "LA;16B":
        # Read as RGBA, the four bytes of a pixel are unchanged: gray high and low, alpha high and low.
        image.tile = [(*image.tile[0][:3], "RGBA")]
        high, low = np.moveaxis(np.asarray(image), -1, 0)[:2]
    else:
        with Image.open(path) as second:
            # Read as little-endian, Pillow keeps the low bytes.
            second.tile = [(*second.tile[0][:3], raw.replace("16B", "16L"))]  # type: ignore[list-item]
            low = np.asarray(second)[..., :3]
        high = np.asarray(image)[..., :3]
    return _unit(_upright(high.astype(np.uint16) << 8 | low, image))


def _deep_tiff(path: Path) -> np.ndarray | None:
    """Decode a 16-bit TIFF; None if Pillow reads it correctly: up to 8 bits, or gray without alpha."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        bits, photometric = page.bitspersample, getattr(page.photometric, "name", page.photometric)
        if bits in (1, 2, 4, 8):
            return None
        if bits != 16 or page.sampleformat != 1 or photometric not in ("RGB", "MINISBLACK"):
            raise ImagingError(
                f"cannot read the image {path}: {bits}-bit {photometric} samples; expected 8 or 16 bits, "
                "gray or RGB"
            )
        if page.samplesperpixel == 1:
            return None
        pixels = page.asarray()
        if page.axes.startswith("S"):  # planar: one colour after the other
            pixels = np.moveaxis(pixels, 0, -1)
        orientation = page.tags.valueof(274, 1)
    colours = 3 if photometric == "RGB" else 1
    if pixels.shape[-1] > colours:
        _notice("alpha", path)
    pixels = pixels[..., 0] if colours == 1 else pixels[..., :3]
    return _unit(_turn(pixels, orientation))


def _unit(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.float32) / np.float32(65535)


def _upright(pixels: np.ndarray, image) -> np.ndarray:
    # After decoding, because the EXIF data of a PNG may follow the pixels.
    return _turn(pixels, image.getexif().get(274, 1))


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation from 1 to 8; other values mean upright."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.array(pixels)  # contiguous, writable, and not a view of the decoder's buffer


def _notice(what: str, path: Path) -> None:
    if what not in _notices:
        _notices.add(what)
        change = {"alpha": "alpha is dropped", "palette": "palettes are converted to RGB"}[what]
        _log.warning("images: %s, first in %s", change, path)
