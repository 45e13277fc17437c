"""Functions as students write them, with mistakes and without, and what the check says of them."""

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path

from imaging.lessons.ablation import ABLATION
from imaging.lessons.backprop import BACKPROP
from imaging.lessons.checking.running import observe
from imaging.lessons.checking.verdict import Verdict, judge
from imaging.lessons.deconvolution import DECONVOLUTION
from imaging.lessons.exercise import Exercise

HERE = Path(__file__).parent
EXERCISES = {e.name: e for lesson in (BACKPROP, ABLATION, DECONVOLUTION) for e in lesson.exercises}


def functions(path: Path) -> list[Callable]:
    """The functions in a file that have a docstring, in their order."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    found = [f for _, f in inspect.getmembers(module, inspect.isfunction) if f.__module__ == path.stem]
    return sorted((f for f in found if f.__doc__), key=lambda f: f.__code__.co_firstlineno)


def planted() -> list[tuple[str, Callable]]:
    """Wrong functions, each with the name of its exercise; a docstring is what the check must say."""
    paths = sorted((HERE / "planted").glob("planted_*.py"))
    return [(path.stem.removeprefix("planted_"), f) for path in paths for f in functions(path)]


def right() -> list[tuple[str, Callable]]:
    """Right functions in other styles, each with the name of its exercise, which begins their names."""
    paths = sorted((HERE / "right").glob("right_*.py"))
    return [
        (next(name for name in EXERCISES if f.__name__.startswith(name)), f)
        for path in paths
        for f in functions(path)
    ]


def verdict(name: str, function: Callable) -> Verdict:
    exercise: Exercise = EXERCISES[name]
    return judge(exercise, observe(function, exercise))


if __name__ == "__main__":
    import time

    start, named = time.perf_counter(), 0
    for name, function in planted():
        said = verdict(name, function)
        if any(words in said.words for words in function.__doc__.split("|") if words):
            named += 1
        else:
            print(f"{name}.{function.__name__}\n    expected: {function.__doc__}\n    said:     {said.words}")
    print(f"{named} of {len(planted())} named, {time.perf_counter() - start:.1f} s")
