"""Fetching a data set once: locked, checked, and in place under its name only when it is whole."""

import contextlib
import hashlib
import http.client
import logging
import shutil
import tarfile
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from pathlib import Path, PurePosixPath
from typing import Literal

from imaging.errors import ImagingError

Opener = Callable[[Path, Literal["rb"]], BufferedIOBase]
TIMEOUT = 30  # seconds without a byte

_log = logging.getLogger(__name__)


def missing(path: Path, url: str, why: str = "") -> ImagingError:
    """The one line for data that is not there: which file, where, why, and what to do."""
    return ImagingError(
        f"no data at {path}{f' ({why})' if why else ''}: put there what {url} holds, or set IMAGING_DATA to "
        "where the data sets lie; data=bundled needs nothing"
    )


@contextlib.contextmanager
def locked(target: Path, root: Path, url: str) -> Iterator[None]:
    """Hold the lock for making `target` under `root`; a second process waits here.

    The lock goes with the process, however that ends. `root` is made if need be.

    Raises:
        ImagingError: nothing can be written under `root`.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(root / f".{target.name}.lock")
    try:
        root.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            _log.info("another process is making %s: waiting for it", target)
            lock.acquire()
    except OSError as error:
        raise missing(target, url, f"and {root} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def fetched(url: str, target: Path, algorithm: str, digest: str, opened: Opener = open) -> Iterator[Path]:
    """Download `url` to a temporary name beside `target`, check it, and hand over that temporary name.

    What is still under the temporary name at the end is removed.

    Args:
        target: what the file is for; its folder is made if need be.
        algorithm, digest: of hashlib, and the hexadecimal digest to be found.
        opened: opens the file for the check, e.g. `gzip.open` where the unpacked bytes count.

    Raises:
        ImagingError: no connection, a transfer that ends early, or other bytes than expected.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _transfer(url, partial)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise missing(target, url, f"and the download failed: {_one_line(error)}") from error
        _check(partial, url, algorithm, digest, opened)
        yield partial
    finally:
        partial.unlink(missing_ok=True)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack the files of a tar archive into `folder`, which is emptied first.

    Raises:
        ImagingError: a broken archive, or an entry that is no plain file or folder below `folder`
            (absolute names, `..`, links, devices): nothing of such an archive is to be trusted.
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


def _transfer(url: str, partial: Path) -> None:
    from tqdm import tqdm

    with urllib.request.urlopen(url, timeout=TIMEOUT) as response, open(partial, "wb") as file:
        size = int(response.headers.get("Content-Length") or 0)
        with tqdm(desc=url.rsplit("/", 1)[-1], total=size or None, unit="B", unit_scale=True) as bar:
            while chunk := response.read(1 << 18):
                file.write(chunk)
                bar.update(len(chunk))
            if bar.n < size:
                raise OSError(f"it ended after {bar.n} of {size} bytes")


def _check(path: Path, url: str, algorithm: str, digest: str, opened: Opener) -> None:
    found = hashlib.new(algorithm, usedforsecurity=False)
    try:
        with opened(path, "rb") as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    except (OSError, EOFError, zlib.error) as error:
        raise ImagingError(f"what {url} sent cannot be unpacked: {_one_line(error)}") from error
    if found.hexdigest() != digest:
        raise ImagingError(
            f"what {url} sent has the {algorithm.upper()} {found.hexdigest()}, expected {digest}: "
            "it is removed; try again later or another url"
        )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
