"""Atomic writes: if the machine stops, a file is either the complete old version or the complete new one."""

import errno
import hashlib
import json
import math
import os
import re
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from imaging.errors import ImagingError


def write_atomically(path: Path | str, write: Callable) -> None:
    """Write to a temporary file, flush it to disk, and rename it to the target.

    Args:
        path: the target. Its directory is created if missing.
        write: called with the open binary file.

    Raises:
        OSError: the file cannot be written; the target is unchanged.
    """
    path = Path(path)
    try:
        _write_atomically(path, write)
    except (OSError, RuntimeError) as error:
        # An error of an open file has no name; torch reports a full disk as a wrong position.
        reason = error if isinstance(error, OSError) else error.__context__
        if not isinstance(reason, OSError):
            raise
        # numpy gives neither a number nor a word of the system's.
        number, text = reason.errno or errno.EIO, reason.strerror or str(reason)
        name = Path(reason.filename or path)
        name = path if name.name.startswith(_prefix(path)) else name
        raise OSError(number, text, str(name)) from error


def _prefix(path: Path) -> str:
    """How the names of the temporary files of a target begin."""
    return f".{path.name}."


def _write_atomically(path: Path, write: Callable) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same directory, because a rename is atomic only within a file system.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=_prefix(path))
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)  # the only portable way to read it is to set it
        os.umask(mask)
        os.chmod(temporary, 0o666 & ~mask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # so that the new name survives a power cut, too
    finally:
        os.close(directory)


def check_regular(path: Path | str) -> None:
    """Check that a path is not a pipe, a device or a directory, which could be read for ever or not at all.

    A path where there is nothing passes.

    Raises:
        ImagingError: it is one.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return  # whoever opens it says why it cannot be
    if not stat.S_ISREG(mode):
        what = "a directory" if stat.S_ISDIR(mode) else "a pipe or a device"
        raise ImagingError(f"{path} is {what}; expected a file")


def remove_unfinished(directory: Path) -> None:
    """Delete the temporary files in a directory that a killed `write_atomically` could not."""
    for path in directory.glob(".*.*.????????"):
        path.unlink(missing_ok=True)


def remove_empty(directory: Path) -> None:
    """Remove a directory, and those that it is in below the working directory, as far as they are empty."""
    directory = directory.absolute()
    for path in (directory, *directory.parents):
        if path == Path.cwd() or not (path == directory or path.is_relative_to(Path.cwd())):
            return
        try:
            path.rmdir()
        except OSError:
            return


def file_name(name: str) -> str:
    """A name that is safe in a file name: unchanged if it is simple, else sanitised, with a digest.

    Different names give different file names, also on file systems that ignore case.

    Args:
        name: any text.

    Returns:
        1 to 89 characters of `a-zA-Z0-9_.-`; neither '.' nor '..'.
    """
    simple = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:80]
    ambiguous = re.search(r"-[0-9a-f]{8}$", name)  # another name, with its digest, could give the same
    if simple == name and name == name.lower() and name.strip(".") and not ambiguous:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{simple}-{digest}"


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_in_place(path: Path | str, text: str) -> None:
    """Write UTF-8 text into the space that a file has already, for a disk that is full; not atomic."""
    with open(path, "r+b") as file:
        file.write(text.encode())
        file.truncate()


def write_json(path: Path | str, value) -> None:
    """Write JSON atomically; infinite values and NaN, which JSON does not have, become null."""
    write_text(path, to_json(value))


def to_json(value) -> str:
    """The text that `write_json` writes."""
    return json.dumps(_finite(value), indent=2, allow_nan=False) + "\n"


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
