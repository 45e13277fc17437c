"""The process in which a student's functions run.

It is called as `python -m imaging.lessons.checking.child LESSON FILE PLACE NAME…`.

For each exercise NAME it leaves an empty file `NAME.started` in the directory PLACE before it runs, and its
observations in `NAME.pt` afterwards. For the import of FILE these are `import.started` and, if it fails,
`import.error`.
"""

import dataclasses
import os
import sys
from pathlib import Path

import torch

from imaging.errors import ImagingError
from imaging.files import write_atomically, write_text
from imaging.lessons.checking.running import Observation, function_of, load, observe
from imaging.lessons.lessons import LESSONS

IMPORT = "import"  # the name of what comes before the exercises


def main(lesson: str, file: str, place: str, *names: str) -> None:
    """Run the functions of some exercises, and write down what they do."""
    out, chosen = Path(place), [e for e in LESSONS[lesson].exercises if e.name in names]
    torch.set_num_threads(1)
    # So that the student's file can import and read its neighbours.
    os.chdir(Path(file).parent)
    sys.path.insert(0, str(Path(file).parent))
    (out / f"{IMPORT}.started").touch()
    try:
        module = load(Path(file))
    except ImagingError as error:
        write_text(out / f"{IMPORT}.error", str(error))
        return
    for exercise in chosen:
        (out / f"{exercise.name}.started").touch()
        try:
            observations = observe(function_of(module, exercise.name), exercise)
        except ImagingError as error:
            observations = [Observation(None, str(error))] * 2
        _write(out / f"{exercise.name}.pt", observations)


def _write(path: Path, observations: list[Observation]) -> None:
    plain = [dataclasses.asdict(observation) for observation in observations]
    write_atomically(path, lambda file: torch.save(plain, file))


if __name__ == "__main__":
    main(*sys.argv[1:])
