"""What a lesson consists of: exercises, their inputs, their references and their known mistakes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

Arguments = dict[str, Any]  # of an exercise's function, by name and in order
Outputs = tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Mistake:
    """A mistake that many make, as a change of the reference.

    Args:
        name: what the check says of it.
        switches: keyword arguments that make the reference commit it.
        before: a change of the arguments that has the same effect.
        after: a change of each output that has the same effect.
    """

    name: str
    switches: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Arguments], Arguments] | None = None
    after: Callable[[Tensor], Tensor] | None = None

    def goes_with(self, other: "Mistake") -> bool:
        """Whether both can be made at the same time, in one way only."""
        return not (self.switches.keys() & other.switches.keys() or (self.after and other.after))


@dataclass(frozen=True, eq=False)
class Input:
    """Arguments on which a function is tried; `make` builds them anew, as a function may change them."""

    label: str
    make: Callable[[], Arguments]


@dataclass(frozen=True, eq=False)
class Exercise:
    """A function to fill in.

    Args:
        name: of the function.
        outputs: names of what it returns.
        reference: the right function, with a keyword for each way to get it wrong; it returns a tuple.
        inputs: small, and such that known mistakes differ on them.
        mistakes: the likelier ones first.
        numerical: gradients by finite differences, of the same arguments; None: it has no gradients.
        sizes: numbers by which a result may be wrong as a factor, by name, from the arguments.
        judge: for functions with more than one right result, the mistakes that a student's results show, from
            the arguments and the result of each input; None: results are compared with the reference.
    """

    name: str
    outputs: tuple[str, ...]
    reference: Callable[..., Outputs]
    inputs: tuple[Input, ...]
    mistakes: tuple[Mistake, ...] = ()
    numerical: Callable[..., Outputs] | None = None
    sizes: Callable[[Arguments], dict[str, float]] = lambda arguments: {}
    judge: Callable[[Sequence[Arguments], Sequence[Tensor]], list[str]] | None = None


@dataclass(frozen=True, eq=False)
class Lesson:
    """A problem set: a directory of templates, and the exercises in it."""

    name: str
    exercises: tuple[Exercise, ...]

    @property
    def file(self) -> str:
        """The name of the file with the functions to fill in."""
        return f"{self.name}.py"


def replaced(argument: str, change: Callable[[Any], Any]) -> Callable[[Arguments], Arguments]:
    """A `Mistake.before` that changes one argument."""
    return lambda arguments: {**arguments, argument: change(arguments[argument])}


def forgotten(argument: str, name: str = "") -> Mistake:
    """A factor is left out: ones in its place."""
    return Mistake(name or f"{argument} forgotten", before=replaced(argument, torch.ones_like))


def left_out(argument: str, name: str = "") -> Mistake:
    """A term is left out: zeros in its place."""
    return Mistake(name or f"{argument} forgotten", before=replaced(argument, torch.zeros_like))


def negated(argument: str, name: str = "") -> Mistake:
    """A term is subtracted where it is added, or the other way round."""
    return Mistake(name or f"{argument} of the wrong sign", before=replaced(argument, lambda t: -t))


def transposed(argument: str) -> Mistake:
    """A matrix is transposed in the products that it is a factor of."""
    return Mistake(f"{argument} transposed", before=replaced(argument, lambda t: t.mT))


def exchanged(first: str, second: str) -> Mistake:
    """Two arguments are taken for each other."""
    return Mistake(
        f"{first} and {second} exchanged", before=lambda a: {**a, first: a[second], second: a[first]}
    )


def same(a: Tensor, b: Tensor) -> bool:
    """Whether two results are equal but for rounding in float32: shape, real or complex, and each element."""
    if a.shape != b.shape or a.is_complex() != b.is_complex():
        return False
    finite = b[b.isfinite()].abs()
    scale = finite.max().item() if finite.numel() else 0.0
    return torch.allclose(a, b, rtol=0, atol=1e-4 * scale + 1e-12, equal_nan=True)
