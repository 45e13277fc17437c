"""The lessons by name, and a lesson's directory."""

from importlib.resources import files
from pathlib import Path

from imaging.errors import ImagingError
from imaging.files import write_text
from imaging.lessons.ablation import ABLATION
from imaging.lessons.backprop import BACKPROP
from imaging.lessons.deconvolution import DECONVOLUTION
from imaging.lessons.exercise import Lesson

LESSONS = {lesson.name: lesson for lesson in (BACKPROP, ABLATION, DECONVOLUTION)}


def start(lesson: Lesson, directory: Path) -> None:
    """Write the text of a lesson's task and the file with its functions to fill in.

    Args:
        lesson: the lesson.
        directory: a new or an empty one.

    Raises:
        ImagingError: it is a file or not empty.
    """
    if directory.exists() and not directory.is_dir():
        raise ImagingError(f"{directory} is a file; expected a new or an empty directory")
    if directory.is_dir() and any(directory.iterdir()):
        raise ImagingError(f"{directory} is not empty; expected a new or an empty directory")
    directory.mkdir(parents=True, exist_ok=True)
    templates = files("imaging") / "lessons" / "templates" / lesson.name
    for name in ("README.md", lesson.file):
        write_text(directory / name, (templates / name).read_text(encoding="utf-8"))


def lesson_in(directory: Path) -> Lesson:
    """The lesson that a directory is of.

    Raises:
        ImagingError: it is of none or of several.
    """
    if not directory.is_dir():
        raise ImagingError(f"there is no directory {directory}; begin with: imaging lesson start")
    found = [lesson for lesson in LESSONS.values() if (directory / lesson.file).is_file()]
    if len(found) != 1:
        names = ", ".join(lesson.file for lesson in LESSONS.values())
        count = "none" if not found else "several"
        raise ImagingError(f"{directory} is not a lesson: expected one of {names} in it, found {count}")
    return found[0]
