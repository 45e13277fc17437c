"""Lock a directory; the lock ends with its process."""

import os
from pathlib import Path

from imaging.errors import ImagingError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


def lock(directory: Path) -> int | None:
    """Lock a run directory; the system releases the lock when this process ends.

    It is a POSIX record lock, which works over NFS and is not inherited by a loader's worker that outlives
    its parent.

    Returns:
        the handle for `unlock`.

    Raises:
        ImagingError: another process has the lock.
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
    """Release a lock."""
    if handle is not None:
        os.close(handle)


def _taken(directory: Path) -> ImagingError:
    return ImagingError(
        f"another process is working in {directory} (a run's status.json names it): wait for it, or stop it"
    )


def refuse_locked(directory: Path) -> None:
    """Raise an ImagingError if another process is working in a run directory."""
    if is_locked(directory):
        raise _taken(directory)


def is_locked(directory: Path) -> bool:
    """Whether another process is working in a run directory."""
    if fcntl is None or not (directory / ".lock").is_file():
        return False
    try:
        # A shared lock needs no write permission, so the runs of other users can be read.
        with (directory / ".lock").open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        pass  # a file system without locks, or a directory without read permission
    return False
