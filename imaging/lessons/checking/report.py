"""Print where a result differs from the right one."""

import numpy as np
from torch import Tensor

from imaging.lessons.exercise import Exercise, Input

FEW = 12  # numbers that are printed in full


def difference(
    exercise: Exercise, tried: Input, output: int, value: Tensor, right: Tensor
) -> tuple[str, ...]:
    """Lines about an output that differs: the input, both values, the largest difference and where it is.

    Args:
        exercise: the exercise; its gradients are also computed by finite differences.
        tried: the input.
        output: index of the output.
        value: what the student's function gives.
        right: what the reference gives.
    """
    arguments = tried.make()
    inputs = [f"{key} {_short(given)}" for key, given in arguments.items() if not callable(given)]
    name = exercise.outputs[output]
    lines = [
        f"first on this input: {tried.label}",
        *inputs,
        f"{name}: expected {_short(right)}",
        f"{name}: got {_short(value)}",
    ]
    if value.shape == right.shape and right.numel():
        gap = (value - right).abs().nan_to_num(nan=float("inf"))
        place = tuple(int(i) for i in np.unravel_index(int(gap.argmax()), right.shape))
        at = f" at {list(place)}" if place else ""
        line = f"largest difference{at}: expected {_number(right[place])}, got {_number(value[place])}"
        if exercise.numerical is not None:
            numerical = exercise.numerical(*arguments.values())[output]
            line += f"; finite differences give {_number(numerical[place])}"
        lines.append(line)
    return tuple(lines)


def _short(value) -> str:
    """An argument or a result in one line: small tensors in full, of others their shape and some numbers."""
    if not isinstance(value, Tensor):
        return repr(value)
    if value.dim() == 0:
        return _number(value)
    with np.printoptions(
        formatter={
            "float_kind": lambda number: f"{number:.3g}",
            "complex_kind": lambda number: f"{number:.3g}",
        },
        threshold=FEW,
        edgeitems=1,
        linewidth=10_000,
    ):
        numbers = " ".join(np.array2string(value.detach().numpy(), separator=", ").split())
    return f"{tuple(value.shape)} {numbers}"


def _number(value: Tensor) -> str:
    return f"{value.item():.4g}"
