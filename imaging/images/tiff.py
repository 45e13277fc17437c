"""TIFF files: any number of pages, of 1 to 16 bits or of floating-point numbers."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from imaging.errors import ImagingError
from imaging.images.decoding import decode, to_unit, turn
from imaging.images.opening import check_fits, notice, open_image

SHALLOW = (1, 2, 4, 8)  # bits per sample
UNSIGNED, SIGNED, FLOATING, UNDEFINED = 1, 2, 3, 4  # sample formats
PLAIN = (1, 8, 32946)  # compressions: none, and two numbers for deflate
KEPT = 64  # files whose pages are known
ORIENTATION, PROFILE = 274, 34675  # tags


class Tiff:
    """The pages of an open TIFF file, without thumbnails and masks; made by `open_tiff`.

    Args:
        path: of the file.
        file: of the module tifffile, open.
    """

    def __init__(self, path: Path, file):
        self.path, self.file = path, file
        self._indices = _pictures(path, os.stat(path).st_mtime_ns, file)
        # ImageJ describes only the first of the pictures of a large stack.
        alone = len(self._indices) == 1 and file.is_imagej
        self._stacked = int(file.imagej_metadata.get("images", 1)) if alone else 1

    def __len__(self) -> int:
        return max(len(self._indices), self._stacked)

    def header(self, index: int) -> tuple[int, int, int]:
        """Height and width of a page, and the bytes of a decoded sample: 1, or 4 for more than 8 bits."""
        page = self._page(index)
        return page.imagelength, page.imagewidth, 1 if page.bitspersample in SHALLOW else 4

    def floating(self, index: int) -> bool:
        """Whether the samples of a page are floating-point numbers."""
        return self._page(index).sampleformat == FLOATING

    def profile(self) -> bytes | None:
        """The ICC colour profile of the first page."""
        return self._page(0).tags.valueof(PROFILE)

    def read(self, index: int) -> np.ndarray:
        """Decode a page, upright.

        Returns:
            (H, W) or (H, W, 3): uint8; float32 in [0, 1] for 16 bits; or floating-point numbers as they are.

        Raises:
            ImagingError: samples of another kind, or a page that is too large.
        """
        page = self._page(index)
        bits, kind, samples = page.bitspersample, page.sampleformat, page.samplesperpixel
        photometric = getattr(page.photometric, "name", page.photometric)
        shallow = bits in SHALLOW and kind in (UNSIGNED, UNDEFINED)
        deep = (bits == 16 and kind == UNSIGNED) or (bits in (16, 32, 64) and kind == FLOATING)
        if not (shallow or (deep and photometric in ("RGB", "MINISBLACK"))):
            sign = {SIGNED: "signed ", FLOATING: "floating-point "}.get(kind, "")
            raise ImagingError(
                f"cannot read the image {self.path}: {bits}-bit {sign}{photometric} samples; expected 8 or "
                "16 bits without sign, or floating-point numbers, gray or RGB"
            )
        check_fits(self.path, page.imagelength, page.imagewidth, samples * -(-bits // 8))
        plain = page.compression in PLAIN and bits in (8, 16) and photometric in ("RGB", "MINISBLACK")
        if self._stacked == 1 and not plain and (shallow or (samples == 1 and kind == UNSIGNED)):
            with open_image(self.path, ["TIFF"]) as image:  # Pillow knows more compressions and colour spaces
                image.seek(page.index)
                return decode(image, self.path)
        return turn(self._deep(page, index), page.tags.valueof(ORIENTATION, 1))

    def _deep(self, page, index: int) -> np.ndarray:
        if self._stacked > 1:
            pixels = self.file.series[0].asarray(out="memmap").reshape(self._stacked, *page.shape)[index]
        else:
            pixels = page.asarray()
        if page.axes.startswith("S"):  # planar: one colour after the other
            pixels = np.moveaxis(pixels, 0, -1)
        if pixels.shape[:2] != (page.imagelength, page.imagewidth) or pixels.ndim > 3:
            raise ImagingError(f"cannot read the image {self.path}: its page has the shape {pixels.shape}")
        if pixels.ndim == 3:
            colours = 3 if page.photometric.name == "RGB" else 1
            if pixels.shape[-1] > colours:
                notice("alpha is dropped", self.path)
            pixels = pixels[..., 0] if colours == 1 else pixels[..., :3]
        if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2:  # of either byte order
            return to_unit(pixels)
        return pixels if pixels.dtype == np.uint8 else pixels.astype(np.float32)

    def _page(self, index: int):
        return self.file.pages[self._indices[0 if self._stacked > 1 else index]]


_known: dict[Path, tuple[int, list[int]]] = {}


def _pictures(path: Path, changed: int, file) -> list[int]:
    """The indices of the pages of a TIFF file that are neither thumbnails nor masks.

    They are kept for the last files, because each page that is read would look at all others again.
    """
    known = _known.get(path)  # once, because other threads may clear it
    if known is not None and known[0] == changed:
        return known[1]
    seen: set[int] = set()
    indices = []
    for index, page in enumerate(file.pages):
        if page.offset in seen:
            raise ImagingError(f"cannot read the image {path}: its pages form a loop")
        seen.add(page.offset)
        if not (page.is_reduced or page.is_mask):
            indices.append(index)
    if len(_known) >= KEPT:
        _known.clear()
    _known[path] = changed, indices
    return indices


@contextmanager
def open_tiff(path: Path) -> Iterator[Tiff]:
    """Open a TIFF file.

    Raises:
        ImagingError: it has no picture.
    """
    import tifffile

    tifffile.logger().setLevel(logging.CRITICAL)  # what is wrong with a file is told once, by our errors
    with tifffile.TiffFile(path) as file:
        tiff = Tiff(path, file)
        if not len(tiff):
            raise ImagingError(f"cannot read the image {path}: it has no picture")
        yield tiff
