"""The one exception that is meant for the user's eyes."""


class ImagingError(Exception):
    """What was wrong, what was expected, and what to do, in one line.

    The commands print the message without a traceback and exit with status 2.
    Anything else that is raised is a bug of ours and keeps its traceback.
    """
