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
    try:
        return lock_file(directory / ".lock")
    except BlockingIOError:
        raise _taken(directory) from None


def lock_file(path: Path, wait: bool = False, required: bool = False) -> int:
    """Lock a file, which is created if it does not exist; see `lock`.

    Args:
        path: of the file.
        wait: until another process releases the lock.
        required: whether to raise an error where there are no locks: on some file systems, and on Windows.

    Raises:
        BlockingIOError: another process has the lock.
        ImagingError: there are no locks.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        if fcntl is None:
            raise OSError("no locks")
        fcntl.lockf(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        raise
    except OSError:
        if required:
            os.close(handle)
            raise ImagingError(
                f"{path.parent} is on a file system without locks, so that several processes cannot share "
                "it: take another directory (hydra.sweep.dir=…), or launcher=queue"
            ) from None
    except BaseException:  # a signal, while it waits
        os.close(handle)
        raise
    return handle


def unlock(handle: int | None) -> None:
    """Release a lock."""
    if handle is not None:
        os.close(handle)


def _taken(directory: Path) -> ImagingError:
    return ImagingError(
        f"another process is working in {directory} (status.json names the process of a run): wait for it, "
        "or stop it"
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
