"""Find the known mistake, or the pair of them, that gives just what a student's function gives."""

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import torch

from imaging.lessons.exercise import Exercise, Mistake, Outputs, same

Values = Sequence[Outputs | None]  # of each input; None where the function failed

# Mistakes in what is returned, whatever was computed.
GENERAL = (
    Mistake("wrong sign", after=lambda t: -t),
    Mistake("transposed", after=lambda t: t.mT if t.dim() > 1 else t),
    Mistake(
        "reshaped where it must be transposed",
        after=lambda t: t.mT.reshape(t.shape) if t.dim() > 1 else t,
    ),
    Mistake("summed over everything", after=lambda t: t.sum()),
    Mistake("mean of everything", after=lambda t: t.mean()),
    Mistake("absolute value taken", after=lambda t: t.abs()),
    Mistake("clipped to [0, 1]", after=lambda t: t if t.is_complex() else t.clamp(0, 1)),
    Mistake("all zeros", after=torch.zeros_like),
    Mistake("an additional dimension", after=lambda t: t[None]),
    Mistake("an additional dimension at the end", after=lambda t: t[..., None]),
    Mistake("flattened", after=lambda t: t.flatten()),
    Mistake("upside down and left to right", after=lambda t: t.flip(tuple(range(t.dim())))),
)


class Candidates:
    """The known mistakes of an exercise, and what each of them, or two at a time, would give."""

    def __init__(self, exercise: Exercise):
        self.exercise = exercise
        known = (*exercise.mistakes, *GENERAL)
        self.single: list[tuple[Mistake, ...]] = [(mistake,) for mistake in known]
        pairs = itertools.combinations(known, 2)
        self.double: list[tuple[Mistake, ...]] = [(a, b) for a, b in pairs if a.goes_with(b)]
        self._memory: dict = {}

    def outputs(self, mistakes: tuple[Mistake, ...], index: int) -> Outputs | None:
        """The outputs that the mistakes give for an input; None if they make it fail."""
        key = (mistakes, index)
        if key not in self._memory:
            try:
                self._memory[key] = self._outputs(mistakes, index)
            except (RuntimeError, IndexError, TypeError, ValueError):  # e.g. of shapes, as a student's
                self._memory[key] = None
        return self._memory[key]

    def _outputs(self, mistakes: tuple[Mistake, ...], index: int) -> Outputs:
        arguments = self.exercise.inputs[index].make()
        switches: dict[str, Any] = {}
        for mistake in mistakes:
            arguments = mistake.before(arguments) if mistake.before else arguments
            switches |= mistake.switches
        outputs = self.exercise.reference(*arguments.values(), **switches)
        for mistake in mistakes:
            outputs = tuple(mistake.after(t) for t in outputs) if mistake.after else outputs
        return outputs

    def gives(self, mistakes: tuple[Mistake, ...], output: int, values: Values) -> bool:
        """Whether the mistakes give one output of a student's function, for every input.

        They must also fail where the function failed.
        """
        for index, value in enumerate(values):
            predicted = self.outputs(mistakes, index)
            if (predicted is None) != (value is None):
                return False
            if predicted is not None and not same(value[output], predicted[output]):
                return False
        return True


@functools.cache
def candidates(exercise: Exercise) -> Candidates:
    """The candidates of an exercise, with their memory."""
    return Candidates(exercise)


def name_mistakes(exercise: Exercise, values: Values, wrong: Sequence[int]) -> tuple[list[str], list[int]]:
    """Name the mistakes in a student's results.

    Of several explanations, that of the most outputs is taken, then that which changes no output that is
    right, then the first in the exercise's order.

    Args:
        exercise: the exercise.
        values: the student's outputs for each input.
        wrong: indices of the outputs that differ from the reference.

    Returns:
        The names, and the indices of the outputs without a name.
    """
    known, left = candidates(exercise), list(wrong)
    names: dict[int, str] = {}  # by the first output
    for group in (known.single, known.double):
        found = []
        for place, mistakes in enumerate(group):
            if covered := [j for j in left if known.gives(mistakes, j, values)]:
                right = [j for j in range(len(exercise.outputs)) if j not in wrong]
                harmed = sum(not known.gives(mistakes, j, values) for j in right)
                found.append((-len(covered), harmed, place, covered))
        for *_, place, covered in sorted(found):
            if covered := [j for j in covered if j in left]:
                words = " and ".join(mistake.name for mistake in group[place])
                names[covered[0]] = words + of(exercise, covered)
                left = [j for j in left if j not in covered]
    return [names[j] for j in sorted(names)], left


def of(exercise: Exercise, outputs: Sequence[int]) -> str:
    """The names of some outputs in parentheses; empty for a function with one output."""
    names = ", ".join(exercise.outputs[j] for j in outputs)
    return f" ({names})" if len(exercise.outputs) > 1 else ""
