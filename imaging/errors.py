"""The one exception that is meant for the user's eyes, and how its messages show what was wrong."""

import reprlib
import textwrap


class ImagingError(Exception):
    """What was wrong, what was expected, and what to do, in one line.

    The commands print the message without a traceback and exit with status 2.
    Anything else that is raised is a bug of ours and keeps its traceback.
    """


def brief(value) -> str:
    """`repr` of a value in one short line, however large or nested the value is."""
    return one_line(reprlib.repr(value))


def one_line(text: str) -> str:
    """A text in one line of at most 120 characters, of which every one can be written as UTF-8."""
    return textwrap.shorten(text.encode(errors="backslashreplace").decode(), 120, placeholder=" …")
