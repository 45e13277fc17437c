"""Compare the levels of varied settings: paired differences with intervals that include the training."""

import csv
import io
import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from imaging.evaluation.statistics.factors import name_text, value_text
from imaging.evaluation.statistics.intervals import LEVEL, crossed_interval, level_of_a_look
from imaging.evaluation.statistics.pairs import Context, Pairs
from imaging.evaluation.table import Table, setting_labels

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
        max_seeds: the number of seeds at which the sweep stops in any case; it sets the level of every look
            at the intervals.
    """

    margin: float
    max_seeds: int

    @classmethod
    def of(cls, numbers: tuple[float, int] | None) -> "Decision | None":
        """The decision for (margin, max_seeds), or None for None."""
        return None if numbers is None else cls(*numbers)

    @property
    def level(self) -> float:
        """The confidence level of the intervals at one look."""
        return level_of_a_look(self.max_seeds)


@dataclass(frozen=True)
class Comparison:
    """Mean paired difference of PSNR in dB between two levels of a setting, at one sigma of the test.

    Args:
        factor: the varied setting, or 'method'.
        level, reference: the two levels; difference = PSNR(level) - PSNR(reference).
        along: settings of the same group that change with the factor, each with its two values, e.g. the
            learning rate with the optimizer.
        at: other settings on which the effect depends, with their values.
        over: other settings over which the effect is averaged, with their levels.
        sigma: the level of the test noise.
        n_seeds: number of trainings of each level, paired by their seed.
        n_images: number of test images.
        low, high: confidence interval at 95 %, or at `Decision.level` if seeds were added until it decided;
            nan if there is none. See `imaging.evaluation.statistics.intervals`.
        generalises: "seeds and images", "images", "seeds" or "nothing".
        p_value: for no difference, from the distribution of the interval; corrected for the number of looks,
            not for the number of comparisons.
        p_adjusted: corrected for all comparisons (Holm, Scandinavian Journal of Statistics 6(2), 1979).
        n_comparisons: the number of comparisons with a p-value.
        test_level: the name of the level of the test noise.
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
    test_level: str = "sigma"

    @property
    def change(self) -> str:
        """The change from the reference to the level: 'Removing the bias', 'depth 5 instead of 3'."""
        at = f" ({', '.join(setting_labels(dict(self.at)))})" if self.at else ""
        name = name_text(self.factor)
        if isinstance(self.level, bool) and isinstance(self.reference, bool):
            what = f"{'Adding' if self.level else 'Removing'} the {name}"
        else:
            before = "" if self.factor == "method" else f"{name} "
            what = f"{before}{value_text(self.level)} instead of {value_text(self.reference)}"
        return ", and with it ".join([what, *self.along_text]) + at

    @property
    def along_text(self) -> list[str]:
        """'lr 0.01 instead of 0.001', one for each setting that changes with the factor."""
        return [f"{name_text(n)} {value_text(a)} instead of {value_text(b)}" for n, a, b in self.along]

    @property
    def effect(self) -> str:
        """'+2.31 dB [2.12, 2.50] at test sigma 0.2'; more digits if an end would be rounded to 0."""
        ends = [v for v in (self.low, self.high) if v and math.isfinite(v)]
        digits = next((n for n in (2, 3) if all(round(v, n) for v in ends)), 4)
        low, high = (f"{round(v, digits) + 0.0:.{digits}f}" for v in (self.low, self.high))
        interval = "" if math.isnan(self.low) else f" [{low}, {high}]"
        difference = f"{round(self.difference, digits) + 0.0:+.{digits}f} dB{interval}"
        return f"{difference} at test {self.test_level} {self.sigma:g}"

    @property
    def averaged(self) -> str:
        """'averaged over hidden channels 32, 64'; '' if the difference is not averaged."""
        each = (f"{name_text(name)} {', '.join(map(value_text, levels))}" for name, levels in self.over)
        return f"averaged over {' and '.join(each)}" if self.over else ""

    @property
    def sample(self) -> str:
        """The number of trainings and images: '3 seeds, 100 images'."""
        images = f"{self.n_images} image{'s' if self.n_images > 1 else ''}"
        if self.n_seeds == 1:
            return f"{images}, one training each; says nothing about other seeds"
        return f"{self.n_seeds} seeds, {images}"

    def state(self, margin: float) -> str:
        """'decided', 'within' ± margin, or 'open'."""
        if math.isnan(self.low):
            return "open"
        if self.low > 0 or self.high < 0:
            return "decided"
        return "within" if -margin <= self.low and self.high <= margin else "open"


def compare(table: Table, decision: Decision | None = None) -> list[Comparison]:
    """Compare the levels of every varied setting, and the methods, at each noise level of the test.

    Two runs are paired if they agree in all other settings, including the seed, except those that change with
    the factor in its group. Settings without such pairs, and settings that change the test images, are left
    out; `uncompared` names them. Of more than three levels, each is compared with the first only. An effect
    is averaged over all other settings. If it depends on one of them (its sign changes, or the interval of
    the change excludes 0), or if that setting changes the images, there is one effect for each of its levels.

    Args:
        table: the results.
        decision: None unless seeds were added until the intervals decided.
    """
    level = decision.level if decision else LEVEL
    runs = Pairs(table)
    comparisons: list[Comparison] = []
    for factor in runs.factors:
        for reference, other in runs.changes(factor):
            comparisons += _effects(runs, factor, reference, other, table.sigmas, level)
    comparisons = [replace(c, test_level=table.level) for c in comparisons]
    if decision:
        looks = (1 - LEVEL) / (1 - level)
        comparisons = [replace(c, p_value=min(1.0, c.p_value * looks)) for c in comparisons]
    return holm(comparisons)


def _effects(runs: Pairs, factor: str, reference, level, sigmas, confidence: float) -> Iterator[Comparison]:
    """The main effect of one change, or its effects at the levels of the settings it depends on."""
    contexts = runs.contexts(factor, reference, level)
    if not contexts:
        return
    names = [n for n in contexts[0].others if len({repr(c.others[n]) for c in contexts}) > 1]
    depends = [
        n
        for n in names
        if n in runs.image_factors or any(_depends(runs, contexts, n, s, confidence) for s in sigmas)
    ]
    pairs = ((n, runs.value(factor, level, n), runs.value(factor, reference, n)) for n in runs.along[factor])
    along = tuple(one for one in pairs if repr(one[1]) != repr(one[2]))
    if not set.intersection(*(set(c.pairs) for c in contexts)):
        depends = names  # no seed is common to all contexts, so there is no mean over them
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
            e = crossed_interval(values.mean(axis=0), confidence)
            n_seeds, n_images = values.shape[1:]
            numbers = (n_seeds, n_images, e.mean, e.low, e.high, e.over, e.p_value)
            yield Comparison(factor, level, reference, along, at, over, sigma, *numbers)


def _depends(runs: Pairs, contexts: list[Context], name: str, sigma: float, confidence: float) -> bool:
    """Whether the effect of a change depends on the level of another setting."""
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
    """Group contexts that have equal levels of these settings."""
    groups: dict[str, list[Context]] = {}
    for context in contexts:
        groups.setdefault(repr([context.others[name] for name in names]), []).append(context)
    return list(groups.values())


def holm(comparisons: list[Comparison]) -> list[Comparison]:
    """Adjust the p-values of comparisons for their number by Holm's method."""
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
    """The text of `comparisons.csv`: a header row, then one comparison per line."""
    text, comparisons = io.StringIO(), list(comparisons)
    writer = csv.writer(text, lineterminator="\n")
    level = comparisons[0].test_level.replace(" ", "_") if comparisons else "sigma"
    writer.writerow(level if name == "sigma" else name for name in COLUMNS)
    for c in comparisons:
        numbers = (f"{value:.4f}" for value in (c.difference, c.low, c.high))
        p_values = (f"{value:.3g}" for value in (c.p_value, c.p_adjusted))
        at, over = "; ".join(setting_labels(dict(c.at))), c.averaged.removeprefix("averaged over ")
        along = "; ".join(c.along_text)
        head = (c.factor, c.level, c.reference, along, at, over, c.sigma, c.n_seeds, c.n_images)
        writer.writerow([*head, *numbers, c.generalises, *p_values, c.n_comparisons])
    return text.getvalue()


def uncompared(table: Table, comparisons: list[Comparison]) -> list[str]:
    """A line 'setting: reason' for each varied setting without a comparison."""
    runs = Pairs(table)
    compared = {c.factor for c in comparisons}
    compared |= {n for factor in compared for n in runs.along[factor]}
    reasons = {n: "no two runs agree in all other settings" for n in runs.varied if n not in compared}
    for name in reasons:
        if name in runs.image_factors:
            reasons[name] = "it changes the images or how they are tested"
        elif name in runs.factors and any(runs.contexts(name, *change) for change in runs.changes(name)):
            reasons[name] = f"the runs have no seed, test {table.level} and image of finite PSNR in common"
    return [f"{name_text(name)}: {reason}" for name, reason in reasons.items()]


def open_comparisons(comparisons: list[Comparison], margin: float) -> list[str]:
    """A line for each comparison whose interval neither excludes 0 nor lies within ± margin dB."""
    return [f"{c.change}: {c.effect}" for c in comparisons if c.state(margin) == "open"]
