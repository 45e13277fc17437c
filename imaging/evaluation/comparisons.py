"""Which level of a varied setting is better: paired differences, with intervals that include the training."""

import csv
import io
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from imaging.evaluation.factors import cell, spoken
from imaging.evaluation.intervals import LEVEL, crossed_interval, level_of_a_look
from imaging.evaluation.pairs import Context, Pairs
from imaging.evaluation.table import Table, described

COLUMNS = (
    "factor",
    "level",
    "reference",
    "along",
    "at",
    "averaged_over",
    "sigma",
    "n_seeds",
    "n_images",
    "difference",
    "low",
    "high",
    "generalises_over",
    "p_value",
    "p_adjusted",
    "n_comparisons",
)


@dataclass(frozen=True)
class Decision:
    """When a sweep that adds seeds may stop.

    Args:
        margin: in dB; a difference is decided when its interval excludes 0 or lies within ± margin.
        max_seeds: with so many it stops in any case. Every look at the intervals is accounted for.
    """

    margin: float
    max_seeds: int

    @classmethod
    def of(cls, numbers: tuple[float, int] | None) -> "Decision | None":
        """The decision with these numbers, or None of None."""
        return None if numbers is None else cls(*numbers)

    @property
    def level(self) -> float:
        """Confidence level of the interval at one look."""
        return level_of_a_look(self.max_seeds)


@dataclass(frozen=True)
class Comparison:
    """One level against another at one noise at test: the mean paired difference of PSNR in dB.

    Args:
        factor: the varied setting, or 'method'.
        level, reference: difference = PSNR(level) - PSNR(reference).
        along: settings of the same group that change with it, each with its two values: a learning rate with
            the optimizer.
        at: other settings at which it is, where the effect depends on them.
        over: the settings that it averages over, each with its levels.
        sigma: of the noise at test, of intensities in [0, 1].
        n_seeds: trainings of each level that are paired by their seed.
        n_images: test images.
        low, high: confidence interval, nan if there is none; see `imaging.evaluation.intervals`. Of 95 %, or
            of `Decision.level` if seeds were added until it decided.
        generalises: over what: "seeds and images", "images", "seeds", "nothing".
        p_value: of no difference, by the same distribution; looks are accounted for, other comparisons not.
        p_adjusted: for all comparisons of the report (Holm, Scandinavian Journal of Statistics 6(2), 1979).
        n_comparisons: how many these are.
    """

    factor: str
    level: object
    reference: object
    along: tuple[tuple[str, object, object], ...]
    at: tuple[tuple[str, object], ...]
    over: tuple[tuple[str, tuple], ...]
    sigma: float
    n_seeds: int
    n_images: int
    difference: float
    low: float
    high: float
    generalises: str
    p_value: float
    p_adjusted: float = math.nan
    n_comparisons: int = 0

    @property
    def change(self) -> str:
        """What is done from the reference to the level: 'Removing the bias', 'depth 5 instead of 3'."""
        at = f" ({', '.join(described(dict(self.at)))})" if self.at else ""
        name = spoken(self.factor)
        if isinstance(self.level, bool) and isinstance(self.reference, bool):
            what = f"{'Adding' if self.level else 'Removing'} the {name}"
        else:
            before = "" if self.factor == "method" else f"{name} "
            what = f"{before}{cell(self.level)} instead of {cell(self.reference)}"
        with_it = (f"{spoken(n)} {cell(level)} instead of {cell(before)}" for n, level, before in self.along)
        return ", and with it ".join([what, *with_it]) + at

    @property
    def effect(self) -> str:
        """'+2.31 dB [2.12, 2.50] at test sigma 0.2'; more digits where two would hide the side of 0."""
        ends = [v for v in (self.low, self.high) if v and math.isfinite(v)]
        digits = next((n for n in (2, 3) if all(round(v, n) for v in ends)), 4)
        low, high = (f"{round(v, digits) + 0.0:.{digits}f}" for v in (self.low, self.high))
        interval = "" if math.isnan(self.low) else f" [{low}, {high}]"
        return f"{round(self.difference, digits) + 0.0:+.{digits}f} dB{interval} at test sigma {self.sigma:g}"

    @property
    def averaged(self) -> str:
        """'averaged over hidden channels 32, 64'; '' if it is not."""
        each = (f"{spoken(name)} {', '.join(map(cell, levels))}" for name, levels in self.over)
        return f"averaged over {' and '.join(each)}" if self.over else ""

    @property
    def sample(self) -> str:
        """How many trainings and images are compared: '3 seeds, 100 images'."""
        images = f"{self.n_images} image{'s' if self.n_images > 1 else ''}"
        if self.n_seeds == 1:
            return f"{images}, one training each; says nothing of other seeds"
        return f"{self.n_seeds} seeds, {images}"

    def state(self, margin: float) -> str:
        """'decided', 'within' ± margin, or 'open'."""
        if math.isnan(self.low):
            return "open"
        if self.low > 0 or self.high < 0:
            return "decided"
        return "within" if -margin <= self.low and self.high <= margin else "open"


def compare(table: Table, decision: Decision | None = None) -> list[Comparison]:
    """Every varied setting, and the method, level against level at each noise of the test.

    Runs are paired that agree in all else, the seed too, but for what changes with it in its group. What is
    only compared across other differences is left out, and so is what changes the images of the test:
    `uncompared` names these. Of more than three levels each is compared with the first alone. A main effect
    is over all other settings; where it depends on one of them (its sign changes, or the interval of the
    change excludes 0), or where that one changes the images, its effect at each level of that one takes its
    place.

    Args:
        table: of the results.
        decision: if seeds were added until the intervals decided.
    """
    level = decision.level if decision else LEVEL
    runs = Pairs(table)
    found: list[Comparison] = []
    for factor in runs.factors:
        for reference, other in runs.changes(factor):
            found += _effects(runs, factor, reference, other, table.sigmas, level)
    if decision:
        looks = (1 - LEVEL) / (1 - level)
        found = [replace(c, p_value=min(1.0, c.p_value * looks)) for c in found]
    return holm(found)


def _effects(runs: Pairs, factor: str, reference, level, sigmas, confidence: float) -> Iterator[Comparison]:
    """The main effect of one change, or its effects at the levels of what it depends on."""
    contexts = runs.contexts(factor, reference, level)
    if not contexts:
        return
    names = [n for n in contexts[0].others if len({repr(c.others[n]) for c in contexts}) > 1]
    depends = [
        n
        for n in names
        if n in runs.of_test or any(_depends(runs, contexts, n, s, confidence) for s in sigmas)
    ]
    told = ((n, runs.value(factor, level, n), runs.value(factor, reference, n)) for n in runs.along[factor])
    along = tuple(one for one in told if repr(one[1]) != repr(one[2]))
    if not set.intersection(*(set(c.couples) for c in contexts)):
        depends = names  # no seed is common to all: there is no mean of them
    for group in _grouped(contexts, depends):
        at = tuple((n, group[0].others[n]) for n in depends)
        over = tuple(
            (n, tuple({repr(c.others[n]): c.others[n] for c in group}.values()))
            for n in names
            if n not in depends and len({repr(c.others[n]) for c in group}) > 1
        )
        for sigma in sigmas:
            values = runs.differences(group, sigma)
            if values is None:
                continue
            one = crossed_interval(values.mean(axis=0), confidence)
            n_seeds, n_images = values.shape[1:]
            numbers = (n_seeds, n_images, one.mean, one.low, one.high, one.over, one.p_value)
            yield Comparison(factor, level, reference, along, at, over, sigma, *numbers)


def _depends(runs: Pairs, contexts: list[Context], name: str, sigma: float, confidence: float) -> bool:
    """Whether the effect of the change is another one at the levels of another setting."""
    effects = [runs.differences(group, sigma) for group in _grouped(contexts, [name])]
    effects = [effect.mean(axis=0) for effect in effects if effect is not None]
    if len({np.sign(effect.mean()) for effect in effects}) > 1:
        return True
    for one, other in itertools.combinations(effects, 2):
        if one.shape == other.shape:
            change = crossed_interval(other - one, confidence)
            if change.low > 0 or change.high < 0:
                return True
    return False


def _grouped(contexts: list[Context], names: list[str]) -> list[list[Context]]:
    """The contexts that have the same levels of these settings, together."""
    groups: dict[str, list[Context]] = {}
    for context in contexts:
        groups.setdefault(repr([context.others[name] for name in names]), []).append(context)
    return list(groups.values())


def holm(comparisons: list[Comparison]) -> list[Comparison]:
    """The comparisons with their p-values adjusted for how many there are, by Holm's method."""
    tested = sorted((c.p_value, i) for i, c in enumerate(comparisons) if not math.isnan(c.p_value))
    adjusted, highest = {}, 0.0
    for rank, (p_value, index) in enumerate(tested):
        highest = max(highest, min(1.0, (len(tested) - rank) * p_value))
        adjusted[index] = highest
    return [
        replace(c, p_adjusted=adjusted.get(i, math.nan), n_comparisons=len(tested))
        for i, c in enumerate(comparisons)
    ]


def comparisons_csv(comparisons: Iterable[Comparison]) -> str:
    """The text of `comparisons.csv`: a header row, one comparison a line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for c in comparisons:
        numbers = (f"{value:.4f}" for value in (c.difference, c.low, c.high))
        p_values = (f"{value:.3g}" for value in (c.p_value, c.p_adjusted))
        at, over = "; ".join(described(dict(c.at))), c.averaged.removeprefix("averaged over ")
        along = "; ".join(f"{spoken(n)} {cell(a)} instead of {cell(b)}" for n, a, b in c.along)
        head = (c.factor, c.level, c.reference, along, at, over, c.sigma, c.n_seeds, c.n_images)
        writer.writerow([*head, *numbers, c.generalises, *p_values, c.n_comparisons])
    return text.getvalue()


def uncompared(table: Table, comparisons: list[Comparison]) -> list[str]:
    """A line for each varied setting that no comparison is of, and why."""
    runs = Pairs(table)
    told = {c.factor for c in comparisons}
    told |= {n for factor in told for n in runs.along[factor]}
    reasons = {name: "no two runs agree in all else" for name in runs.varied if name not in told}
    for name in reasons:
        if name in runs.of_test:
            reasons[name] = "it changes the images or how they are tested"
        elif name in runs.factors and any(runs.contexts(name, *change) for change in runs.changes(name)):
            reasons[name] = "the runs have no seed, test sigma and image of finite PSNR in common"
    return [f"{spoken(name)}: {reason}" for name, reason in reasons.items()]


def undecided(comparisons: list[Comparison], margin: float) -> list[str]:
    """A line for each comparison whose interval neither excludes 0 nor lies within ± margin dB."""
    return [f"{c.change}: {c.effect}" for c in comparisons if c.state(margin) == "open"]
