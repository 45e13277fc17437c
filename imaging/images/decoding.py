"""Pixels of an image that Pillow has opened, without a silent loss of bits."""

from pathlib import Path

import numpy as np

from imaging.errors import ImagingError
from imaging.images.opening import notice, open_image

DEEP_PNG = ("RGB;16B", "RGBA;16B", "LA;16B")  # Pillow keeps only one byte of each sample
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")


def decode(image, path: Path) -> np.ndarray:
    """Decode an image of Pillow's, upright.

    Args:
        image: open, at the frame that is wanted.
        path: of its file.

    Returns:
        (H, W) or (H, W, 3): uint8, or float32 in [0, 1] for 16 bits.

    Raises:
        ImagingError: samples that Pillow cannot keep.
    """
    coder, _, offset, settings = image.tile[0] if image.tile else (None, None, 0, None)
    if image.format == "PNG" and settings in DEEP_PNG:
        return _deep_png(image, path)
    if image.format == "PPM" and image.mode == "RGB" and (top := _maximum(settings)) > 255:
        if coder != "ppm":
            raise ImagingError(f"cannot read the image {path}: a PPM in words; expected bytes, or 8 bits")
        return _deep_ppm(path, offset, (image.height, image.width, 3), top)
    if image.mode in ("I", "I;16", "I;16B", "I;16L"):
        return upright(to_unit(np.asarray(image)), image)
    if image.mode not in MODES:
        raise ImagingError(f"cannot read the image {path}: mode {image.mode}; expected 8 or 16 bits")
    if "A" in image.mode or "transparency" in image.info:
        notice("alpha is dropped", path)
    if image.mode in ("P", "PA"):
        notice("palettes are converted to RGB", path)
    image.load()
    return upright(np.asarray(image.convert("L" if image.mode in ("1", "L", "LA") else "RGB")), image)


def is_deep(image) -> bool:
    """Whether `decode` gives an open image as float32."""
    settings = image.tile[0][3] if image.tile else None
    deep = image.format == "PPM" and _maximum(settings) > 255
    return deep or image.mode.startswith("I") or (image.format == "PNG" and settings in DEEP_PNG)


def to_unit(pixels: np.ndarray) -> np.ndarray:
    """Numbers of 16 bits as intensities in [0, 1], float32."""
    return pixels.astype(np.float32) / np.float32(65535)


def upright(pixels: np.ndarray, image) -> np.ndarray:
    """Turn what was decoded of an image by its EXIF data, which in a PNG may follow the pixels."""
    return turn(pixels, image.getexif().get(274, 1))


def turn(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation from 1 to 8; other values mean upright."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.array(pixels)  # contiguous, writable, and not a view of the decoder's buffer


def _deep_png(image, path: Path) -> np.ndarray:
    """Decode a 16-bit colour PNG, in two passes."""
    raw = image.tile[0][3]
    if raw != "RGB;16B":
        notice("alpha is dropped", path)
    if raw == "LA;16B":
        # Read as RGBA, the four bytes of a pixel are unchanged: gray high and low, alpha high and low.
        image.tile = [(*image.tile[0][:3], "RGBA")]
        high, low = np.moveaxis(np.asarray(image), -1, 0)[:2]
    else:
        with open_image(path, ["PNG"]) as second:
            # Read as little-endian, Pillow keeps the low bytes.
            second.tile = [(*second.tile[0][:3], raw.replace("16B", "16L"))]
            low = np.asarray(second)[..., :3]
        high = np.asarray(image)[..., :3]
    return upright(to_unit(high.astype(np.uint16) << 8 | low), image)


def _maximum(settings) -> int:
    """The largest sample of a PPM: Pillow's decoder has it as its last setting, or as the only one."""
    last = settings[-1] if isinstance(settings, tuple) else settings
    return last if isinstance(last, int) else 255


def _deep_ppm(path: Path, offset: int, shape: tuple[int, int, int], top: int) -> np.ndarray:
    """Read the samples of a PPM of more than 8 bits, of which Pillow keeps 8."""
    samples = np.fromfile(path, ">u2", count=shape[0] * shape[1] * shape[2], offset=offset)
    return np.minimum(samples.reshape(shape).astype(np.float32) / np.float32(top), 1)
