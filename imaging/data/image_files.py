"""Image files: bytes on disk to tensors, without losing bits in silence."""

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

MOST_PIXELS = 2**30  # Pillow's own limit, against files that are bombs, is below a large photograph

# The weights of skimage.color.rgb2gray (ITU-R BT.709, rounded as there).
GRAY_WEIGHTS = (0.2125, 0.7154, 0.0721)

_log = logging.getLogger(__name__)
_noticed: set[str] = set()


def read_image(path: str | Path, channels: int = 3) -> Tensor:
    """The image in a PNG, JPEG, TIFF or WebP file, upright as its EXIF orientation says.

    Palettes are looked up and alpha is dropped, with one notice a run for each of the two.

    Args:
        path: the file; 1, 8 or 16 bits a sample, gray or colour.
        channels: 3 = RGB (gray is repeated), 1 = gray (RGB is weighted as by skimage's rgb2gray).

    Returns:
        (channels, H, W): uint8 from files of up to 8 bits, float32 in [0, 1] from 16-bit ones.

    Raises:
        ImagingError: no such file, truncated, unreadable, or of a kind that would lose bits.
    """
    check("data.source.channels", channels, Channels)
    return to_channels(read_pixels(path), channels)


def read_pixels(path: str | Path) -> Tensor:
    """Read an image file with the channels that it has.

    Args:
        path: the file; 1, 8 or 16 bits a sample, gray or colour.

    Returns:
        (1 or 3, H, W): uint8 from files of up to 8 bits, float32 in [0, 1] from 16-bit ones.

    Raises:
        ImagingError: no such file, truncated, unreadable, or of a kind that would lose bits.
    """
    try:
        pixels = _decode(Path(path))
    except ImagingError:
        raise
    except Exception as error:  # decoders meet broken bytes with a dozen kinds of exception
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ImagingError(f"cannot read the image {path}: {reason}") from error
    return torch.from_numpy(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1).copy())


def decoded_bytes(path: str | Path, channels: int) -> int:
    """What `read_image` of a file will take in memory, by the file's header alone; 0 if it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            width, height = image.size
            deep = image.mode.startswith("I") or (image.tile and "16" in str(image.tile[0][3]))
    except (OSError, ValueError, SyntaxError):
        return 0  # `read_image` will say what is wrong
    return channels * height * width * (4 if deep else 1)


def write_image(path: str | Path, image: Tensor) -> None:
    """Write an image in 8 bits, atomically.

    Args:
        path: the target; its suffix says the format.
        image: (1 or 3, H, W); uint8, or intensities, which are clipped to [0, 1] and rounded.

    Raises:
        ImagingError: a suffix that is not one of `SUFFIXES`, or a place that cannot be written.
    """
    check_suffix(path)
    write_pillow(path, to_bytes(image).numpy(), {})


def write_pillow(path: str | Path, pixels: np.ndarray, belongs: dict) -> None:
    """Write uint8 (1 or 3, H, W) atomically, with what else Pillow shall put into the file."""
    from PIL import Image

    kind = Image.registered_extensions()[Path(path).suffix.lower()]
    pixels = np.ascontiguousarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0))
    options = {"quality": 95} if kind in ("JPEG", "WEBP") else {}
    try:
        picture = Image.fromarray(pixels)
        write_atomically(path, lambda file: picture.save(file, format=kind, **options, **belongs))
    except (OSError, ValueError) as error:  # ValueError: more pixels or notes than the format can hold
        raise ImagingError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from None


def to_bytes(image: Tensor) -> Tensor:
    """Intensities clipped to [0, 1] and rounded to uint8; what is uint8 stays as it is."""
    return image if image.dtype == torch.uint8 else (image.clamp(0, 1) * 255).round().to(torch.uint8)


def check_suffix(path: str | Path) -> None:
    """Refuse the name of a file to write that says no format."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ImagingError(f"cannot write {path}: its name ends in none of {', '.join(SUFFIXES)}")


def to_channels(image: Tensor, channels: int) -> Tensor:
    """Gray (…, 1, H, W) or RGB (…, 3, H, W), uint8 or float32, to `channels` channels of the same type."""
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

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    if path.suffix.lower() in (".tif", ".tiff") and (deep := _deep_tiff(path)) is not None:
        return deep
    with Image.open(path) as image:
        raw = image.tile[0][3] if image.format == "PNG" and image.tile else None
        if raw in ("RGB;16B", "RGBA;16B", "LA;16B"):
            return _deep_png(image, path)
        if image.mode in ("I", "I;16", "I;16B", "I;16L"):
            return _unit(_upright(np.asarray(image), image))
        if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"):
            raise ImagingError(f"cannot read the image {path}: pixels of kind {image.mode}, not 8 or 16 bits")
        if "A" in image.mode or "transparency" in image.info:
            _notice("alpha", path)
        if image.mode in ("P", "PA"):
            _notice("palette", path)
        image.load()
        return _upright(np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")), image)


def _deep_png(image, path: Path) -> np.ndarray:
    """A 16-bit colour PNG. Pillow keeps only the high bytes, so it decodes twice: high bytes, low bytes."""
    from PIL import Image

    raw = image.tile[0][3]
    if raw != "RGB;16B":
        _notice("alpha", path)
    if raw == "LA;16B":  # the four bytes of a pixel: gray high and low, alpha high and low
        image.tile = [(*image.tile[0][:3], "RGBA")]
        high, low = np.moveaxis(np.asarray(image), -1, 0)[:2]
    else:
        with Image.open(path) as second:
            # Read as if little-endian, the byte that is kept is the other one.
            second.tile = [(*second.tile[0][:3], raw.replace("16B", "16L"))]  # type: ignore[list-item]
            low = np.asarray(second)[..., :3]
        high = np.asarray(image)[..., :3]
    return _unit(_upright(high.astype(np.uint16) << 8 | low, image))


def _deep_tiff(path: Path) -> np.ndarray | None:
    """A TIFF of 16-bit samples; None for those that Pillow reads rightly: up to 8 bits, or gray alone."""
    import tifffile

    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        bits, photometric = page.bitspersample, getattr(page.photometric, "name", page.photometric)
        if bits in (1, 2, 4, 8):
            return None
        if bits != 16 or page.sampleformat != 1 or photometric not in ("RGB", "MINISBLACK"):
            raise ImagingError(f"cannot read the image {path}: a TIFF of {bits}-bit {photometric} samples")
        if page.samplesperpixel == 1:
            return None
        pixels = page.asarray()
        if page.axes.startswith("S"):  # colour planes one after another
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
    # Asked for after decoding: a PNG may carry its EXIF data behind the pixels.
    return _turn(pixels, image.getexif().get(274, 1))


def _turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (1..8; anything else is taken as upright)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.array(pixels)  # contiguous, writable, and no longer a view into the decoder's buffer


def _notice(what: str, path: Path) -> None:
    if what not in _noticed:
        _noticed.add(what)
        change = {"alpha": "alpha is dropped", "palette": "palettes are turned into RGB"}[what]
        _log.warning("images: %s, first in %s", change, path)
