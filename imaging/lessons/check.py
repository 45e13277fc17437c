"""Check the directory of a lesson."""

from pathlib import Path

from imaging.lessons.checking.isolation import run_isolated
from imaging.lessons.checking.verdict import Verdict, judge
from imaging.lessons.lessons import lesson_in


def check(directory: Path) -> list[Verdict]:
    """Run a student's functions and judge them.

    Args:
        directory: that of a lesson.

    Returns:
        A verdict for each function, in the order of the task.

    Raises:
        ImagingError: the directory is not a lesson's, or its file cannot be imported.
    """
    lesson = lesson_in(directory)
    observations = run_isolated(lesson, directory / lesson.file)
    return [judge(exercise, observations[exercise.name]) for exercise in lesson.exercises]
