"""Directories of images."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePath

from torch import Tensor

from imaging.data import SOURCES
from imaging.data.image_files import SUFFIXES, Channels, decoded_bytes, read_image, read_pixels
from imaging.data.source import Source
from imaging.errors import ImagingError
from imaging.files import printable


@SOURCES.register("folder")
class Folder(Source):
    """All PNG, JPEG, TIFF and WebP files below a directory, sorted by path, except hidden ones (`.name`).

    An id is the path below the directory without its extension; see `distinct_ids`.

    Args:
        train: directory of the training images, or None.
        test: directory of the test images, or None.
        channels: 3 = RGB, 1 = gray.
    """

    name = "folder"

    def __init__(self, train: str | None = None, test: str | None = None, channels: Channels = 3):
        self.directories = {"train": train, "test": test}
        self.channels = channels
        self._files: dict[str, list[Path]] = {}

    def prepare(self) -> None:
        """Check that each directory has images; raise ImagingError if not."""
        for split, directory in self.directories.items():
            if directory is not None:
                self._paths(split)

    def ids(self, split: str) -> list[str]:
        return distinct_ids([path.relative_to(self.directories[split]) for path in self._paths(split)])

    def read(self, split: str, index: int) -> Tensor:
        """Read an image (channels, H, W): uint8, or float32 in [0, 1] for 16-bit files."""
        return read_image(self._paths(split)[index], self.channels)

    def converts(self, split: str) -> bool:
        """Whether the first image has another number of channels than it is read with."""
        return len(read_pixels(self._paths(split)[0])) != self.channels

    def decoded_bytes(self, split: str) -> int:
        """The size in bytes of all decoded images of a split, from the files' headers."""
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(lambda path: decoded_bytes(path, self.channels), self._paths(split)))

    def identity(self, split: str) -> list:
        """Plain data that changes when the images do: paths, sizes in bytes and times of the files."""
        paths = self._paths(split)
        stats = [path.stat() for path in paths]
        files = [[str(p.absolute()), s.st_size, s.st_mtime_ns] for p, s in zip(paths, stats, strict=True)]
        return [self.channels, files]

    def _paths(self, split: str) -> list[Path]:
        if split not in self._files:
            self._files[split] = self._list(split)
        return self._files[split]

    def _list(self, split: str) -> list[Path]:
        if self.directories[split] is None:
            raise ImagingError(f"data.source.{split} names no directory, but {split} images are needed")
        directory = Path(self.directories[split])
        paths = sorted(
            path
            for path in directory.rglob("*")
            if path.suffix.lower() in SUFFIXES
            and not any(part.startswith(".") for part in path.relative_to(directory).parts)
            and path.is_file()
        )
        if not paths:
            kinds = ", ".join(SUFFIXES)
            raise ImagingError(f"data.source.{split}: no image ({kinds}) in {directory.absolute()}")
        return paths


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
