"""The image files in a directory."""

import os
from pathlib import Path

from imaging.errors import ImagingError
from imaging.images.opening import SUFFIXES


def image_files(directory: str | Path) -> tuple[list[Path], list[str]]:
    """Find the image files below a directory, by their suffixes, except hidden ones (`.name`).

    Links to directories are followed; a directory that is reached twice counts once.

    Args:
        directory: must exist.

    Returns:
        the paths, sorted, and a line for each directory that cannot be read, and for what is no file.
    """
    unread: list[str] = []
    seen: set[tuple[int, int]] = set()
    paths: list[Path] = []

    def note(error: OSError) -> None:
        unread.append(f"{error.filename}: {error.strerror}")

    for at, inside, files in os.walk(directory, followlinks=True, onerror=note):
        status = os.stat(at)
        if (status.st_dev, status.st_ino) in seen:
            inside.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        inside[:] = sorted(name for name in inside if not name.startswith("."))
        named = (Path(at, name) for name in files if not name.startswith("."))
        for path in named:
            if path.suffix.lower() in SUFFIXES and path.is_file():
                paths.append(path)
            elif path.suffix.lower() in SUFFIXES:
                unread.append(f"{path}: a broken link, or no regular file")
    return sorted(paths), unread


def all_image_files(directory: str | Path, setting: str) -> list[Path]:
    """Find the image files below a directory, as `image_files` does, and accept no less than all of them.

    Args:
        directory: of the images.
        setting: that names it, for messages.

    Raises:
        ImagingError: there is no such directory, no image in it, or a directory in it that cannot be read.
    """
    if not Path(directory).is_dir():
        raise ImagingError(f"{setting}: there is no directory {Path(directory).absolute()}")
    paths, unread = image_files(directory)
    if unread:
        raise ImagingError(f"{setting}: cannot read {', '.join(unread)}")
    if not paths:
        raise ImagingError(f"{setting}: no image ({', '.join(SUFFIXES)}) in {Path(directory).absolute()}")
    return paths
