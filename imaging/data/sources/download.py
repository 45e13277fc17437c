"""Download of data sets, with a lock, a checksum, and a rename after the file is complete."""

import contextlib
import hashlib
import http.client
import logging
import shutil
import tarfile
import time
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Literal

from imaging.errors import ImagingError
from imaging.progress import progress_bar

Opener = Callable[[Path, Literal["rb"]], BufferedIOBase]
TIMEOUT = 30  # seconds without a byte
PATIENCE, SLOWEST = 60, 5000  # after so many seconds, a download of fewer bytes a second is given up

_log = logging.getLogger(__name__)


def missing(path: Path, url: str, why: str = "") -> ImagingError:
    """The error for missing data: the path, the reason, and what to do."""
    return ImagingError(
        f"no data at {path}{f' ({why})' if why else ''}: put the data of {url} there, or set IMAGING_DATA to "
        "the directory of the data sets; data=bundled needs no download"
    )


@contextlib.contextmanager
def locked(target: Path, root: Path, url: str) -> Iterator[None]:
    """Hold the lock for creating `target` in `root`, which is created if missing; other processes wait.

    The operating system releases the lock if the process dies.

    Raises:
        ImagingError: `root` is not writable.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / f".{target.name}.lock")
    try:
        root.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            _log.info("waiting for another process that is creating %s", target)
            lock.acquire()
    except OSError as error:
        raise missing(target, url, f"{root} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def download(
    url: str, target: Path, algorithm: str, digest: str, largest: int, opener: Opener = open
) -> Iterator[Path]:
    """Download `url` to a temporary file beside `target`, check it, and yield its path; it is removed after.

    Args:
        url: address of the file.
        target: the final path; its folder is created if missing.
        algorithm, digest: name of a hashlib algorithm, and the expected hexadecimal digest.
        largest: bytes of the file, and of what `opener` reads from it, that are accepted.
        opener: opens the file for the check, e.g. `gzip.open` for the digest of the decompressed bytes.

    Raises:
        ImagingError: no connection, an incomplete or very slow transfer, a file that is too large, or a wrong
            digest.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _transfer(url, partial, largest)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise missing(target, url, f"the download failed: {_one_line(error)}") from error
        _check(partial, url, algorithm, digest, largest, opener)
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of a tar archive into `folder`, which is emptied first.

    Raises:
        ImagingError: a broken archive, or one that cannot be trusted, because an entry is not a plain file or
            folder below `folder` (absolute names, `..`, links, devices).
    """
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            for entry in tar:
                name = PurePosixPath(entry.name)
                if name.is_absolute() or ".." in name.parts or not (entry.isfile() or entry.isdir()):
                    raise ImagingError(
                        f"{archive.name} is refused: its entry {entry.name!r} is not a plain file"
                    )
                if entry.isdir():
                    (folder / name).mkdir(parents=True, exist_ok=True)
                    continue
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                with tar.extractfile(entry) as source, open(folder / name, "wb") as file:
                    shutil.copyfileobj(source, file)
    except (OSError, tarfile.TarError, EOFError, zlib.error) as error:
        raise ImagingError(
            f"cannot unpack {archive.name} into {folder.parent}: {_one_line(error)}"
        ) from error


def _transfer(url: str, partial: Path, largest: int) -> None:
    begun = time.monotonic()
    with urllib.request.urlopen(url, timeout=TIMEOUT) as response, open(partial, "wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        with progress_bar(f"{url.rsplit('/', 1)[-1]}, MB", size / 1e6 or None) as advance:
            while chunk := response.read1(1 << 18):  # what has come: `read` would wait for all of it
                file.write(chunk)
                advance(file.tell() / 1e6)
                if max(size, file.tell()) > largest:
                    raise OSError(f"it is larger than the {largest / 1e6:.0f} MB that are expected")
                if file.tell() == size:
                    break
                seconds = time.monotonic() - begun
                if seconds > PATIENCE and file.tell() < SLOWEST * seconds:
                    raise OSError(f"{file.tell()} bytes came in {seconds:.0f} seconds")
        if file.tell() < size:
            raise OSError(f"it ended after {file.tell()} of {size} bytes")


def _check(path: Path, url: str, algorithm: str, digest: str, largest: int, opener: Opener) -> None:
    checksum = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with opener(path, "rb") as file:
            while (chunk := file.read(1 << 20)) and largest >= 0:
                checksum.update(chunk)
                largest -= len(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise ImagingError(f"the file from {url} cannot be unpacked: {_one_line(error)}") from error
    if checksum.hexdigest() != digest:
        raise ImagingError(
            f"the file from {url} has the {algorithm.upper()} {checksum.hexdigest()}, expected {digest}: "
            "it is removed; try again later, or use another url"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
