"""Files that are either the old version or the new one, whole, whenever the machine stops."""

import hashlib
import json
import math
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_atomically(path: Path | str, write: Callable) -> None:
    """Write beside the target, flush to the disk, then rename.

    Args:
        path: the target. Its directory is made if it is not there.
        write: called with a binary file to write into.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # Beside the target, since a rename is atomic on one file system only.
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)  # the new name, too, survives a power cut
    finally:
        os.close(directory)


def remove_unfinished(directory: Path) -> None:
    """Delete what `write_atomically` leaves in a directory if it is killed in the middle."""
    for path in directory.glob(".*.*.????????"):
        path.unlink(missing_ok=True)


def printable(name: str) -> str:
    """A name with a backslash escape in place of each character that cannot be printed: '\\r', '\\udcff'."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def file_name(name: str) -> str:
    """A name as part of a file's name: itself if it is simple, else sanitised, with a digest.

    Different names give different file names, also where case is ignored.

    Args:
        name: any text.

    Returns:
        1 to 89 characters of `a-zA-Z0-9_.-`; neither '.' nor '..'.
    """
    simple = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:80]
    looks_made = re.search(r"-[0-9a-f]{8}$", name)  # like one with a digest, which another name may have
    if simple == name and name == name.lower() and name.strip(".") and not looks_made:
        return name
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{simple}-{digest}"


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path | str, value) -> None:
    """Write JSON atomically; what is not finite, which JSON does not know, as null."""
    write_text(path, json.dumps(_finite(value), indent=2, allow_nan=False) + "\n")


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _umask() -> int:
    # The only portable way to read it is to set it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
