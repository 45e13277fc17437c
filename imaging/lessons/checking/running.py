"""Try a student's function on the inputs of an exercise, and write down what it does."""

import importlib.util
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imaging.errors import ImagingError, one_line
from imaging.lessons.exercise import Exercise

TO_DO = "to do"


@dataclass(frozen=True)
class Observation:
    """What a function did with one input.

    Args:
        values: what it returned, float64 or complex128; None with an error.
        error: `TO_DO`, or why there are no values, in one line.
        changed: names of the arguments that it changed in place.
    """

    values: tuple[Tensor, ...] | None
    error: str = ""
    changed: tuple[str, ...] = ()


def observe(function: Callable, exercise: Exercise) -> list[Observation]:
    """Call a function on each input and once more on the first, with other global random states each time."""
    inputs = [*exercise.inputs, exercise.inputs[0]]
    return [_observe(function, exercise, index) for index in range(len(inputs))]


def _observe(function: Callable, exercise: Exercise, index: int) -> Observation:
    make = exercise.inputs[index % len(exercise.inputs)].make
    arguments, before = make(), make()
    # The states that a student may draw from.
    torch.manual_seed(index + 1)
    np.random.seed(index + 1)  # noqa: NPY002
    random.seed(index + 1)
    try:
        returned = function(*arguments.values())
    except NotImplementedError:
        return Observation(None, TO_DO)
    except BaseException as error:  # also SystemExit, which must not end the check
        return Observation(None, describe(error, function.__code__.co_filename, function))
    changed = tuple(
        name
        for name, value in arguments.items()
        if isinstance(value, Tensor)
        and not (value.shape == before[name].shape and torch.equal(value.detach(), before[name]))
    )
    try:
        return Observation(_tensors(returned, exercise.outputs), changed=changed)
    except ImagingError as error:
        return Observation(None, str(error), changed)


def _tensors(returned: Any, names: tuple[str, ...]) -> tuple[Tensor, ...]:
    """What a function returned as tensors, one for each of its outputs.

    Raises:
        ImagingError: it is something else.
    """
    if returned is None:
        raise ImagingError("returns nothing: is there a return at its end?")
    if len(names) == 1:
        return (_tensor(returned, names[0]),)
    if not isinstance(returned, tuple | list):
        raise ImagingError(f"returns a {type(returned).__name__}; expected a tuple: {', '.join(names)}")
    if len(returned) != len(names):
        raise ImagingError(f"returns {len(returned)} values; expected {len(names)}: {', '.join(names)}")
    return tuple(_tensor(value, name) for value, name in zip(returned, names, strict=True))


def _tensor(value: Any, name: str) -> Tensor:
    try:
        tensor = _stacked(value)
    except (TypeError, ValueError, RuntimeError):
        what = "None" if value is None else f"a {type(value).__name__}"
        raise ImagingError(f"{name} is {what}; expected a tensor, an array or numbers") from None
    # A copy, because a function may return the same memory each time.
    return tensor.to(torch.complex128 if tensor.is_complex() else torch.float64, copy=True)


def _stacked(value: Any) -> Tensor:
    if isinstance(value, list | tuple) and value:
        return torch.stack([_stacked(element) for element in value])
    return torch.as_tensor(value).detach().cpu()


def describe(error: BaseException, file: str, function: Callable | None = None) -> str:
    """An exception of a student's code in one line, with the last of the student's lines that it passed.

    Args:
        error: the exception.
        file: the student's.
        function: that was called; its first line is named if the call itself failed.
    """
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    if isinstance(error, SyntaxError):
        lines, reason = [error.lineno], error.msg
    elif isinstance(error, SystemExit):
        reason = "the function must return, not exit"
    else:
        reason = str(error)
    if not lines and function is not None:
        lines = [function.__code__.co_firstlineno]
    where = f"{Path(file).name}, line {lines[-1]}: " if lines else ""
    return one_line(f"{where}{type(error).__name__}" + (f": {reason}" if reason else ""))


def load(path: Path) -> ModuleType:
    """Import a student's file.

    Raises:
        ImagingError: it cannot be; the message has the line.
    """
    specification = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except BaseException as error:
        raise ImagingError(describe(error, str(path))) from None
    return module


def function_of(module: ModuleType, name: str) -> Callable:
    """A student's function.

    Raises:
        ImagingError: there is none of this name.
    """
    function = getattr(module, name, None)
    if not hasattr(function, "__code__"):
        raise ImagingError(f"missing: {Path(module.__file__).name} has no function {name}")
    return function
