"""Standard output and error whose reader may vanish: a terminal that is closed, or a pipe to `head`."""

import errno
import os
import signal
import sys
from typing import Any

GONE = (errno.EIO, errno.EPIPE)


class Stream:
    """A text stream; if its reader is gone, the process gets SIGHUP, and the rest is discarded.

    The error would otherwise arise in the middle of a step, before the signal that a closed terminal sends.
    """

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError as error:
            self._discard(error)
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError as error:
            self._discard(error)

    def _discard(self, error: OSError) -> None:
        if error.errno not in GONE:
            raise error
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self._stream.fileno())
        os.close(null)
        if hasattr(signal, "SIGHUP"):
            os.kill(os.getpid(), signal.SIGHUP)


def outlive_readers() -> None:
    """Replace standard output and error by streams whose reader may vanish.

    Where their encoding lacks a character, such as × in ASCII, it is written as an escape.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = (
        stream if stream is None or isinstance(stream, Stream) else Stream(stream)
        for stream in (sys.stdout, sys.stderr)
    )
