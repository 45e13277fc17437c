"""Any directories of images."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from torch import Tensor

from imaging.data import SOURCES
from imaging.data.image_files import SUFFIXES, check_channels, decoded_bytes, read_image
from imaging.errors import ImagingError


@SOURCES.register("folder")
class Folder:
    """All PNG, JPEG, TIFF and WebP files below a directory, sorted by path; names with a leading dot are not.

    An id is the path below the directory without its extension; with it where two files would clash.

    Args:
        train: directory of the training images, or None.
        test: directory of the test images, or None.
        channels: 3 = RGB, 1 = gray.
    """

    name = "folder"

    def __init__(self, train: str | None = None, test: str | None = None, channels: int = 3):
        check_channels(channels)
        self.directories = {"train": train, "test": test}
        self.channels = channels
        self._listed: dict[str, list[Path]] = {}

    def prepare(self) -> None:
        """Raises ImagingError for a directory that is named but holds no images."""
        for split, directory in self.directories.items():
            if directory is not None:
                self._paths(split)

    def ids(self, split: str) -> list[str]:
        names = [path.relative_to(self.directories[split]) for path in self._paths(split)]
        stems = [name.with_suffix("").as_posix() for name in names]
        often = Counter(stems)
        return [
            stem if often[stem] == 1 else name.as_posix() for stem, name in zip(stems, names, strict=True)
        ]

    def read(self, split: str, index: int) -> Tensor:
        """(channels, H, W): uint8, or float32 in [0, 1] for 16-bit files."""
        return read_image(self._paths(split)[index], self.channels)

    def decoded_bytes(self, split: str) -> int:
        """What all images of a split take in memory, by the files' headers."""
        with ThreadPoolExecutor(8) as pool:
            return sum(pool.map(lambda path: decoded_bytes(path, self.channels), self._paths(split)))

    def identity(self, split: str) -> list:
        """Plain data that is another one if the images are: paths, sizes in bytes and times of the files."""
        paths = self._paths(split)
        stats = [path.stat() for path in paths]
        files = [[str(p.absolute()), s.st_size, s.st_mtime_ns] for p, s in zip(paths, stats, strict=True)]
        return [self.channels, files]

    def _paths(self, split: str) -> list[Path]:
        if split not in self._listed:
            self._listed[split] = self._list(split)
        return self._listed[split]

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
