"""What the check says of a function, from what it did."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from imaging.lessons.checking.naming import Values, candidates, name_mistakes, of
from imaging.lessons.checking.report import difference
from imaging.lessons.checking.running import TO_DO, Observation
from imaging.lessons.exercise import Exercise, Mistake, Outputs, same


@dataclass(frozen=True)
class Verdict:
    """What the check says of a function.

    Args:
        name: of the function.
        words: `right`, `to do`, or what is wrong.
        details: lines about the first input on which it differs.
    """

    name: str
    words: str
    details: tuple[str, ...] = ()

    @property
    def right(self) -> bool:
        return self.words == "right"


def judge(exercise: Exercise, observations: Sequence[Observation]) -> Verdict:
    """Judge a function.

    Args:
        exercise: the exercise.
        observations: one for each input, and a second one of the first input.
    """
    first, *_, again = observations
    if first.error == TO_DO:
        return Verdict(exercise.name, TO_DO)
    changed = dict.fromkeys(name for o in observations for name in o.changed)
    found = [f"in place on a saved tensor ({', '.join(changed)})"] if changed else []
    values = [o.values for o in observations[:-1]]
    if all(value is None for value in values):
        return Verdict(exercise.name, "; ".join([*found, first.error]))
    if first.values and again.values and not all(map(same, first.values, again.values)):
        found.append("not repeatable: equal arguments give different results")
    elif exercise.judge is not None:
        found += _judged(exercise, observations)
    else:
        found += _compared(exercise, values)
        found += dict.fromkeys(o.error for o in observations if o.error)
    if not found:
        return Verdict(exercise.name, "right")
    return Verdict(exercise.name, "; ".join(found), _details(exercise, observations))


def expected(exercise: Exercise) -> list[Outputs]:
    """The right outputs for each input."""
    return [known for i, _ in enumerate(exercise.inputs) if (known := candidates(exercise).outputs((), i))]


def _judged(exercise: Exercise, observations: Sequence[Observation]) -> list[str]:
    if failed := [o.error for o in observations if o.values is None]:
        return failed[:1]
    arguments = [tried.make() for tried in exercise.inputs]
    return exercise.judge(arguments, [o.values[0] for o in observations[:-1]])


def _compared(exercise: Exercise, values: Values) -> list[str]:
    right = expected(exercise)
    pairs = [(v, r) for v, r in zip(values, right, strict=True) if v is not None]
    wrong = [j for j, _ in enumerate(exercise.outputs) if not all(same(v[j], r[j]) for v, r in pairs)]
    if not wrong:
        return []
    if order := _order(exercise, pairs):
        return [f"returned in another order: {order}"]
    names, left = name_mistakes(exercise, values, wrong)
    return names + [_unnamed(exercise, values, right, j) + of(exercise, [j]) for j in left]


def _order(exercise: Exercise, pairs: Sequence[tuple[Outputs, Outputs]]) -> str:
    """The names of what is returned, in the order in which it is, if it is right but for that."""
    places = [
        [k for k, _ in enumerate(exercise.outputs) if all(same(v[j], r[k]) for v, r in pairs)]
        for j, _ in enumerate(exercise.outputs)
    ]
    order = [place[0] for place in places if place]
    return ", ".join(exercise.outputs[k] for k in order) if len({*order}) == len(exercise.outputs) else ""


def _where(exercise: Exercise, chosen: Sequence[bool]) -> str:
    labels = [tried.label for tried, is_so in zip(exercise.inputs, chosen, strict=True) if is_so]
    return f"on {len(labels)} of {len(chosen)} inputs: {'; '.join(labels)}"


def _unnamed(exercise: Exercise, values: Values, right: Sequence[Outputs], j: int) -> str:
    """What can be said of an output that no known mistake gives."""
    pairs = [(v[j], r[j]) for v, r in zip(values, right, strict=True) if v is not None]
    for value, known in pairs:
        if value.is_complex() != known.is_complex():
            kinds = ["complex" if t.is_complex() else "real" for t in (value, known)]
            return f"{kinds[0]} numbers; expected {kinds[1]} ones"
        if value.shape != known.shape:
            numbers = "the right numbers in " if same(value.flatten(), known.flatten()) else ""
            differs = [v is not None and v[j].shape != r[j].shape for v, r in zip(values, right, strict=True)]
            where = "" if all(differs) else f", only {_where(exercise, differs)}"
            return f"{numbers}shape {tuple(value.shape)}; expected {tuple(known.shape)}{where}"
    if any(not value.isfinite().all() and known.isfinite().all() for value, known in pairs):
        return "nan or infinite"
    for words in (
        _factor(exercise, values, j, [()]),
        _sum_of_arguments(exercise, values, j),
        _factor(exercise, values, j, candidates(exercise).single),
    ):
        if words:
            return words
    differs = [v is not None and not same(v[j], r[j]) for v, r in zip(values, right, strict=True)]
    where = "" if all(differs) else f"; wrong only {_where(exercise, differs)}"
    if part := _part(pairs):
        return f"wrong {part}{where}"
    return f"wrong, by no mistake on the list{where}"


def _part(pairs: Sequence[tuple[Tensor, Tensor]]) -> str:
    """Where along a dimension results are wrong, if they are right elsewhere, for all inputs."""
    wrong = [(value - right).abs() > 1e-4 * right.abs().max() for value, right in pairs]
    for dim in range(wrong[0].dim()):
        where = [
            mask.movedim(dim, 0).flatten(1).any(1) for mask in wrong if mask.any() and mask.shape[dim] > 1
        ]
        for word, index in (("first", 0), ("last", -1)):
            if where and all(mask[index] and mask.sum() == 1 for mask in where):
                return f"only at the {word} index of dimension {dim}"
        for word, index in (("first", 0), ("last", -1)):
            if where and all(not mask[index] and mask.sum() == len(mask) - 1 for mask in where):
                return f"but for the {word} index of dimension {dim}"
    return ""


def _sum_of_arguments(exercise: Exercise, values: Values, j: int) -> str:
    """The result as a sum of multiples of the arguments, if it is one; empty if it is not."""
    tried = [(t.make(), value[j]) for t, value in zip(exercise.inputs, values, strict=True) if value]
    names = [
        name
        for name, argument in tried[0][0].items()
        if all(isinstance(a[name], Tensor) and a[name].shape == v.shape for a, v in tried)
        and not argument.is_complex()
    ]
    result = torch.cat([value.flatten() for _, value in tried])
    if not names or result.is_complex() or not result.isfinite().all():
        return ""
    columns = torch.stack([torch.cat([a[name].flatten() for a, _ in tried]) for name in names], 1)
    factors = torch.linalg.lstsq(columns, result[:, None]).solution
    if not same(result, (columns @ factors).flatten()):
        return ""
    terms = [
        f"{c:+.4g} {name}" for c, name in zip(factors.flatten().tolist(), names, strict=True) if abs(c) > 1e-6
    ]
    return f"it is {' '.join(terms) or '0'}"


def _factor(exercise: Exercise, values: Values, j: int, choice: Sequence[tuple[Mistake, ...]]) -> str:
    """The factor by which an output is too large, with one of some mistakes; empty if there is none."""
    known = candidates(exercise)
    for mistakes in choice:
        ratios = []
        for index, value in enumerate(values):
            predicted = known.outputs(mistakes, index)
            ratio = _ratio(value[j], predicted[j]) if value and predicted else None
            if ratio is None and value is not None:
                break
            ratios.append(ratio)
        else:
            if word := _word(exercise, ratios):
                return " and ".join([*(m.name for m in mistakes), word])
    return ""


def _ratio(a: Tensor, b: Tensor) -> float | None:
    if a.shape != b.shape or a.is_complex() != b.is_complex():
        return None
    square = (b.abs() ** 2).sum().item()
    ratio = (a * b.conj()).sum().real.item() / square if square > 0 else 0.0
    return ratio if math.isfinite(ratio) and abs(ratio) > 1e-9 and same(a, ratio * b) else None


def _word(exercise: Exercise, ratios: Sequence[float | None]) -> str:
    """A factor in words, if it is the same for all inputs or the product of their sizes."""
    pairs = [
        (ratio, exercise.sizes(tried.make()))
        for ratio, tried in zip(ratios, exercise.inputs, strict=True)
        if ratio is not None
    ]
    if not pairs:
        return ""
    for power, verb in ((1, "multiplied"), (-1, "divided")):
        for name in pairs[0][1]:
            if all(math.isclose(ratio, sizes[name] ** power, rel_tol=1e-3) for ratio, sizes in pairs):
                return f"{verb} by {name}"
    ratio = pairs[0][0]
    if all(math.isclose(other, -1, rel_tol=1e-3) for other, _ in pairs):
        return "wrong sign"
    if all(math.isclose(ratio, other, rel_tol=1e-3) for other, _ in pairs):
        return f"too large by the factor {ratio:.4g}"
    return ""


def _details(exercise: Exercise, observations: Sequence[Observation]) -> tuple[str, ...]:
    """Lines about the first input on which the function fails or differs."""
    for tried, observation, right in zip(exercise.inputs, observations[:-1], expected(exercise), strict=True):
        if observation.values is None:
            return (f"on {tried.label}: {observation.error}",)
        if exercise.judge is None:
            for j, (value, known) in enumerate(zip(observation.values, right, strict=True)):
                if not same(value, known):
                    return difference(exercise, tried, j, value, known)
    return ()
