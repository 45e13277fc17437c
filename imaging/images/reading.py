"""Image files as tensors, without a silent loss of bits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError, one_line
from imaging.files import check_regular
from imaging.images.decoding import decode, is_deep
from imaging.images.opening import is_tiff, open_image
from imaging.images.tiff import open_tiff
from imaging.settings import check
from imaging.shapes import Plane

Channels = Literal[1, 3]  # gray, RGB
ROWS = 512  # of an image that are converted at once
LARGEST = 2.0  # magnitude of an intensity in a file of floating-point numbers; noise may leave [0, 1]

# The weights of skimage.color.rgb2gray (ITU-R BT.709, rounded as there).
GRAY_WEIGHTS = (0.2125, 0.7154, 0.0721)
LUMINANCE = (0.299, 0.587, 0.114)  # of ITU-R BT.601, for masks and psfs in colours


def read_image(path: str | Path, channels: int = 3, page: int | None = None) -> Tensor:
    """Read a PNG, JPEG, TIFF, WebP, BMP, PGM or PPM file, turned upright by its EXIF orientation.

    The content decides what a file is, not its name. Palettes are converted to RGB and alpha is dropped, each
    with one warning per run.

    Args:
        path: the file; 1, 8 or 16 bits per sample, or floating-point numbers, gray or colour.
        channels: 3 = RGB (gray is repeated), 1 = gray (RGB is weighted as in skimage's rgb2gray).
        page: of a TIFF file with several, from 0; None: the file must have one.

    Returns:
        (channels, H, W): uint8 for files of up to 8 bits, float32 for others: in [0, 1] for 16 bits.

    Raises:
        ImagingError: the file is missing, truncated or unreadable, has several pages or frames, an
            unsupported pixel format, or floating-point numbers that are not intensities.
    """
    check("data.source.channels", channels, Channels)
    return to_channels(read_pixels(path, page), channels)


def read_pixels(path: str | Path, page: int | None = None) -> Tensor:
    """Read an image file with its own number of channels, (1 or 3, H, W); as `read_image` otherwise."""
    return _intensities(path, _read(Path(path), page))


def read_pages(path: str | Path) -> Iterator[Tensor]:
    """Read each page of an image file, of which only a TIFF may have several; as `read_pixels` otherwise."""
    with _told(path):
        if not _is_tiff(Path(path)):
            yield read_pixels(path)
            return
        with open_tiff(Path(path)) as tiff:
            for index in range(len(tiff)):
                yield _intensities(path, tiff.read(index))


def read_gray(path: str, setting: str) -> Plane:
    """Read the gray values of an image file whose units do not matter: float32 (H, W).

    Args:
        path: the image file.
        setting: name of the setting, for messages.

    Raises:
        ImagingError: the file is missing, or cannot be read.
    """
    if not Path(path).exists():
        raise ImagingError(f"{setting}: there is no file {path}")
    try:
        image = _tensor(_read(Path(path), None))
        return (_to_gray(image, LUMINANCE) if len(image) == 3 else image)[0].float()
    except ImagingError as error:
        raise ImagingError(f"{setting}: {error}") from None


def count_pages(path: str | Path) -> int:
    """The number of pages of a TIFF file; 1 for other files, and for one that cannot be read."""
    try:
        with _told(path):
            if not _is_tiff(Path(path)):
                return 1
            with open_tiff(Path(path)) as tiff:
                return len(tiff)
    except ImagingError:
        return 1  # `read_image` reports the error


def decoded_bytes(path: str | Path, channels: int) -> int:
    """The size in bytes of all pages as `read_image` gives them, from the headers; 0 if it cannot be read."""
    try:
        with _told(path):
            if _is_tiff(Path(path)):
                with open_tiff(Path(path)) as tiff:
                    headers = [tiff.header(page) for page in range(len(tiff))]
            else:
                with open_image(Path(path)) as image:
                    headers = [(image.height, image.width, 4 if is_deep(image) else 1)]
    except ImagingError:
        return 0  # `read_image` reports the error
    return sum(channels * height * width * size for height, width, size in headers)


def to_channels(image: Tensor, channels: int) -> Tensor:
    """Convert gray (…, 1, H, W) or RGB (…, 3, H, W), uint8 or float32, to 1 or 3 channels of that dtype."""
    if image.shape[-3] == channels:
        return image
    if channels == 3:
        return image.repeat_interleave(3, dim=-3)
    return _to_gray(image, GRAY_WEIGHTS)


def _to_gray(image: Tensor, weights_of_colours: tuple) -> Tensor:
    weights = torch.tensor(weights_of_colours, dtype=torch.float64)[:, None, None]
    strips = []
    # In strips, because a large photograph in float64 takes 24 times the memory of its bytes.
    for strip in image.split(ROWS, dim=-2):
        gray = (strip * weights).sum(-3, keepdim=True)
        strips.append((gray.round() if image.dtype == torch.uint8 else gray).to(image.dtype))
    return torch.cat(strips, dim=-2)


def _read(path: Path, page: int | None) -> np.ndarray:
    """(H, W) or (H, W, 3): uint8 or float32."""
    with _told(path):
        if not _is_tiff(path):
            with open_image(path) as image:
                return decode(image, path)
        with open_tiff(path) as tiff:
            if page is None and len(tiff) > 1:
                raise ImagingError(f"cannot read the image {path}: it has {len(tiff)} pages; expected one")
            return tiff.read(page or 0)


def _is_tiff(path: Path) -> bool:
    check_regular(path)
    return is_tiff(path)


@contextmanager
def _told(path: str | Path) -> Iterator[None]:
    """Turn the dozen kinds of exception that decoders raise on broken bytes into an ImagingError."""
    try:
        yield
    except ImagingError:
        raise
    except Exception as error:
        reason = one_line(str(error)) or type(error).__name__
        if "imagecodecs" in reason or isinstance(error, ModuleNotFoundError):
            reason = "its compression needs another package: pip install imagecodecs"
        raise ImagingError(f"cannot read the image {path}: {reason}") from error


def _intensities(path: str | Path, pixels: np.ndarray) -> Tensor:
    if pixels.dtype == np.float32:
        largest = float(np.abs(pixels).max(initial=0))  # nan if one is
        if not largest <= LARGEST:
            raise ImagingError(
                f"cannot read the image {path}: it has values up to {largest:g}; expected intensities in "
                "[0, 1]: divide by the largest that can occur"
            )
    return _tensor(pixels)


def _tensor(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1).copy())
