"""Who works in a directory: a lock that goes with its process, however that ends."""

import os
from pathlib import Path

from imaging.errors import ImagingError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def lock(directory: Path) -> int | None:
    """Take the lock of a run directory; the system gives it back when this process ends.

    POSIX record locks: they hold over NFS, and a loader's worker that outlives its parent does not inherit
    them.

    Returns:
        what `unlock` takes.

    Raises:
        ImagingError: another process has it.
    """
    handle = os.open(directory / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    if fcntl is not None:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise _taken(directory) from None
        except OSError:
            pass  # a file system without locks
    return handle


def unlock(handle: int | None) -> None:
    """Give a lock back."""
    if handle is not None:
        os.close(handle)


def _taken(directory: Path) -> ImagingError:
    return ImagingError(
        f"another process works in {directory} (a run's status.json says which): wait for it, or end it"
    )


def refuse_locked(directory: Path) -> None:
    """
    Raises:
        ImagingError: another process works in this run directory.
    """
    if is_locked(directory):
        raise _taken(directory)


def is_locked(directory: Path) -> bool:
    """Whether another living process works in this run directory."""
    if fcntl is None or not (directory / ".lock").is_file():
        return False
    try:
        # Shared, which needs no right to write: one may look at the runs of others.
        with (directory / ".lock").open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass  # a file system without locks, or a directory that may not be looked into
    return False
