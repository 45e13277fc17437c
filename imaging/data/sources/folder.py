"""Directories of images."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath

from torch import Tensor

from imaging.data import SOURCES
from imaging.data.source import Source
from imaging.errors import ImagingError, printable
from imaging.images.listing import all_image_files
from imaging.images.opening import TIFF_SUFFIXES
from imaging.images.reading import Channels, count_pages, decoded_bytes, read_image, read_pixels


@SOURCES.register("folder")
class Folder(Source):
    """All image files below a directory, sorted by path, except hidden ones (`.name`).

    Each page of a TIFF file is an image. An id is the path below the directory without its extension, see
    `distinct_ids`; of one page of several, with it and the page's number: stack.tif/0007.

    Args:
        train: directory of the training images, or None.
        test: directory of the test images, or None.
        channels: 3 = RGB, 1 = gray.
    """

    name = "folder"

    def __init__(self, train: str | None = None, test: str | None = None, channels: Channels = 3):
        self.directories = {"train": train, "test": test}
        self.channels = channels
        self._images: dict[str, list[tuple[Path, int | None]]] = {}

    def prepare(self) -> None:
        """Check that each directory has images; raise ImagingError if not."""
        for split, directory in self.directories.items():
            if directory is not None:
                self._found(split)

    def ids(self, split: str) -> list[str]:
        names = [
            path.relative_to(self.directories[split]) / ("" if page is None else f"{page:04d}")
            for path, page in self._found(split)
        ]
        return distinct_ids(names)

    def read(self, split: str, index: int) -> Tensor:
        """Read an image (channels, H, W); see `imaging.images.reading.read_image`."""
        path, page = self._found(split)[index]
        return read_image(path, self.channels, page)

    def converts(self, split: str) -> bool:
        """Whether the first image has another number of channels than it is read with."""
        return len(read_pixels(*self._found(split)[0])) != self.channels

    def decoded_bytes(self, split: str) -> int:
        """The size in bytes of all decoded images of a split, from the files' headers."""
        paths = dict.fromkeys(path for path, _ in self._found(split))
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(lambda path: decoded_bytes(path, self.channels), paths))

    def identity(self, split: str) -> list:
        """Plain data that changes when the images do: paths, sizes in bytes and times of the files."""
        paths = list(dict.fromkeys(path for path, _ in self._found(split)))
        stats = [path.stat() for path in paths]
        files = [[str(p.absolute()), s.st_size, s.st_mtime_ns] for p, s in zip(paths, stats, strict=True)]
        return [self.channels, files]

    def _found(self, split: str) -> list[tuple[Path, int | None]]:
        """The images of a split: paths, and pages of files that have several."""
        if split not in self._images:
            self._images[split] = [image for path in self._list(split) for image in _pages(path)]
        return self._images[split]

    def _list(self, split: str) -> list[Path]:
        directory = self.directories[split]
        if directory is None:
            raise ImagingError(f"data.source.{split} names no directory, but {split} images are needed")
        return all_image_files(directory, f"data.source.{split}")


def _pages(path: Path) -> list[tuple[Path, int | None]]:
    number = count_pages(path) if path.suffix.lower() in TIFF_SUFFIXES else 1
    return [(path, page if number > 1 else None) for page in range(number)]


def distinct_ids(names: Sequence[PurePath]) -> list[str]:
    """A unique, printable id for each file of a data set.

    It is the path without its extension, or with it if two files would have the same id. Unprintable
    characters, and bytes that are not UTF-8, become backslash escapes. The noise of the test depends on the
    id, so a printable path is never escaped: if an escaped id equals it, the backslashes of the escaped id
    are doubled.

    Args:
        names: distinct relative paths.
    """
    ids = [name.with_suffix("").as_posix() for name in names]
    while len(counts := Counter(ids)) < len(ids):  # a loop, for a.png and a.jpg beside a.png.png
        ids = [name.as_posix() if counts[id] > 1 else id for id, name in zip(ids, names, strict=True)]
    unique = {id for id in ids if id.isprintable()}
    for index, id in enumerate(ids):
        if not id.isprintable():
            id = printable(id)
            while id in unique:
                id = id.replace("\\", "\\\\")
            unique.add(id)
            ids[index] = id
    return ids
