"""The exception for mistakes of the user, and helpers for its messages."""

import reprlib
import textwrap


class ImagingError(Exception):
    """A mistake of the user: what was wrong, what was expected and what to do, in one line.

    The commands print the message without a traceback and exit with status 2. Any other exception is a bug
    and keeps its traceback.

    Line breaks and other unprintable characters, as of file names, become backslash escapes.
    """

    def __init__(self, message: str):
        super().__init__(printable(message))


def printable(text: str) -> str:
    """A text with each unprintable character replaced by its backslash escape: '\\r', '\\udcff'."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def brief(value) -> str:
    """The `repr` of a value in one line of at most 120 characters, for values of any size and depth."""
    return one_line(reprlib.repr(value))


def one_line(text: str) -> str:
    """A text in one line of at most 120 characters, all of them valid in UTF-8."""
    return textwrap.shorten(text.encode(errors="backslashreplace").decode(), 120, placeholder=" …")
