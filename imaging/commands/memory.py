"""Let the C library keep the memory that a training step frees, for the next step."""

import ctypes
import sys

# From glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3


def keep_freed_memory() -> None:
    """Raise glibc's trim and mmap thresholds to 1 GiB; nothing where there is no glibc.

    By default it gives the activations' pages back to the system after every step and has them zeroed
    anew in the next.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return  # another C library
    mallopt(M_TRIM_THRESHOLD, 1 << 30)
    mallopt(M_MMAP_THRESHOLD, 1 << 30)
