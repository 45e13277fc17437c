"""Run a student's functions in a process of their own, which may crash, exit or never end."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from imaging.errors import ImagingError
from imaging.lessons.checking.child import IMPORT
from imaging.lessons.checking.running import Observation
from imaging.lessons.exercise import Lesson

LIMIT = 10.0  # seconds for the import of the file, and for each function on all its inputs
POLL = 0.02
PACKAGES = Path(__file__).parents[3]


def run_isolated(lesson: Lesson, file: Path, limit: float = LIMIT) -> dict[str, list[Observation]]:
    """Observe all functions of a lesson.

    A process runs one function after the other. If one of them ends the process or takes too long, another
    process runs those after it.

    Args:
        lesson: the lesson.
        file: the student's.
        limit: seconds for each function.

    Returns:
        The observations by the name of the function.

    Raises:
        ImagingError: the file cannot be imported; the message has the line.
    """
    left, observations = [exercise.name for exercise in lesson.exercises], {}
    while left:
        with tempfile.TemporaryDirectory() as place:
            failed = _run(lesson, file.resolve(), Path(place), left, limit)
            for name in left:
                if (path := Path(place, f"{name}.pt")).exists():
                    observations[name] = [
                        Observation(**plain) for plain in torch.load(path, weights_only=True)
                    ]
            if failed is not None:
                name, reason = failed
                if name == IMPORT:
                    raise ImagingError(f"{file.name}: {reason}")
                observations.setdefault(name, [Observation(None, reason)] * 2)
        left = [name for name in left if name not in observations]
    return observations


def _run(
    lesson: Lesson, file: Path, place: Path, names: Sequence[str], limit: float
) -> tuple[str, str] | None:
    """Run functions in one process, until it ends or one takes too long: which failed, and why."""
    path = os.pathsep.join(filter(None, (str(PACKAGES), os.environ.get("PYTHONPATH"))))
    with (place / "stderr").open("wb") as errors:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "imaging.lessons.checking.child",
                lesson.name,
                str(file),
                str(place),
                *names,
            ],
            env=os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            cwd=place,  # -m looks for modules there first, and a student may have a file called random.py
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,  # so that what the student's code starts ends with it
        )
    stage, since = None, 0.0
    try:
        while process.poll() is None:
            time.sleep(POLL)
            if (now := _stage(place, names)) != stage:
                stage, since = now, time.monotonic()
            if stage is not None and time.monotonic() - since > limit:
                return stage, f"does not end within {limit:g} s: is there an infinite loop?"
    finally:
        _end(process)
    if (error := place / f"{IMPORT}.error").exists():
        raise ImagingError(error.read_text(encoding="utf-8"))
    stage = _stage(place, names)
    if process.returncode == 0 and stage == names[-1] and (place / f"{stage}.pt").exists():
        return None
    if stage is None:
        # It never reached the student's code.
        raise RuntimeError((place / "stderr").read_text(errors="replace"))
    status = process.returncode
    ended = f"killed by {signal.Signals(-status).name}" if status < 0 else f"exit status {status}"
    return stage, f"ends the process ({ended})"


def _end(process: subprocess.Popen) -> None:
    """End a process, if it has not ended, and what it has started."""
    if hasattr(os, "killpg"):  # not on Windows
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _stage(place: Path, names: Sequence[str]) -> str | None:
    """The last of the steps that has begun."""
    begun = [name for name in (IMPORT, *names) if (place / f"{name}.started").exists()]
    return begun[-1] if begun else None
