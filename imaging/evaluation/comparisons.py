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
from imaging.evaluation.table import Table, described

COLUMNS = (
    "factor",
    "level",
    "reference",
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

    @property
    def level(self) -> float:
        """Of the interval at one look."""
        return level_of_a_look(self.max_seeds)


@dataclass(frozen=True)
class Comparison:
    """One level against another at one noise at test: the mean paired difference of PSNR in dB.

    Args:
        factor: the varied setting, or 'method'.
        level, reference: difference = PSNR(level) - PSNR(reference).
        at: other settings at which it is, where the effect depends on them.
        over: the settings that it averages over, each with its levels.
        sigma: of the noise at test, of intensities in [0, 1].
        n_seeds: trainings of each level that are paired by their seed.
        n_images: test images.
        low, high: confidence interval of 95 %, nan if there is none; see `imaging.evaluation.intervals`.
        generalises: over what: "seeds and images", "images", "seeds", "nothing".
        p_value: of no difference, by the same distribution; looks are accounted for, other comparisons not.
        p_adjusted: for all comparisons of the report (Holm, Scandinavian Journal of Statistics 6(2), 1979).
        n_comparisons: how many these are.
    """

    factor: str
    level: object
    reference: object
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
            return f"{'Adding' if self.level else 'Removing'} the {name}{at}"
        before = "" if self.factor == "method" else f"{name} "
        return f"{before}{cell(self.level)} instead of {cell(self.reference)}{at}"

    @property
    def effect(self) -> str:
        """'+2.31 dB [2.12, 2.50] at test sigma 0.2'."""
        interval = "" if math.isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.difference:+.2f} dB{interval} at test sigma {self.sigma:g}"

    @property
    def averaged(self) -> str:
        """'averaged over hidden channels 32, 64'; '' if it is not."""
        each = (f"{spoken(name)} {', '.join(map(cell, levels))}" for name, levels in self.over)
        return f"averaged over {' and '.join(each)}" if self.over else ""

    @property
    def sample(self) -> str:
        """Of how many trainings and images it is: '3 seeds, 100 images'."""
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

    Runs are paired that agree in all else, the seed too; what is only compared across other differences is
    left out. Of more than three levels each is compared with the first alone. A main effect is over all
    other settings; where it depends on one of them (its sign changes, or the interval of the change excludes
    0), its effect at each level of that one takes its place.

    Args:
        table: runs tested on the same images, sigmas and noise seeds.
        decision: if seeds were added until the intervals decided.
    """
    level = decision.level if decision else LEVEL
    runs = _Runs(table)
    found = []
    for factor in runs.factors:
        levels = list({repr(s.get(factor)): s.get(factor) for s in runs.settings.values()}.values())
        couples = (
            itertools.combinations(levels, 2) if len(levels) <= 3 else ((levels[0], b) for b in levels[1:])
        )
        for reference, other in couples:
            found += _effects(runs, factor, reference, other, table.sigmas, level)
    if decision:
        looks = (1 - LEVEL) / (1 - level)
        found = [replace(c, p_value=min(1.0, c.p_value * looks)) for c in found]
    return holm(found)


@dataclass
class _Context:
    """What the two levels are compared at: the other settings, and for each seed the couple of runs."""

    others: dict
    couples: dict[object, tuple[str, str]]


class _Runs:
    """The PSNR of each run by sigma and image, the mean over the draws, with its settings."""

    def __init__(self, table: Table):
        self.settings = {
            run: {"method": one.method} | {k: v for k, v in one.settings.items() if k != "run"}
            for one in table.cells
            for run in (result.run for result in one.results)
        }
        self.seeds = {r.run: table.settings[r.run].get("seed") for r in table.results}
        self.psnr: dict[tuple[str, float], dict[str, float]] = {}
        draws: dict[tuple, list[float]] = {}
        for record in table.records:
            draws.setdefault((record.run, record.sigma, record.image), []).append(record.psnr)
        for (run, sigma, image), values in draws.items():
            self.psnr.setdefault((run, sigma), {})[image] = sum(values) / len(values)
        names = dict.fromkeys(name for s in self.settings.values() for name in s)
        self.factors = [n for n in names if len({repr(s.get(n)) for s in self.settings.values()}) > 1]

    def contexts(self, factor: str, reference, level) -> list[_Context]:
        groups: dict[str, tuple[dict, dict]] = {}
        for run, settings in self.settings.items():
            others = {k: v for k, v in settings.items() if k != factor}
            sides = groups.setdefault(repr(others), (others, {}))[1]
            sides.setdefault(repr(settings.get(factor)), {}).setdefault(self.seeds[run], run)
        contexts = []
        for others, sides in groups.values():
            before, after = sides.get(repr(reference), {}), sides.get(repr(level), {})
            couples = {seed: (before[seed], after[seed]) for seed in before if seed in after}
            if couples:
                contexts.append(_Context(others, couples))
        return contexts

    def differences(self, contexts: list[_Context], sigma: float) -> np.ndarray | None:
        """(contexts, seeds, images) of PSNR(level) - PSNR(reference): the seeds and images that all have."""
        seeds = [s for s in contexts[0].couples if all(s in c.couples for c in contexts)]
        couples = [[c.couples[seed] for seed in seeds] for c in contexts]
        tested = [self.psnr.get((run, sigma), {}) for row in couples for two in row for run in two]
        images = sorted(set.intersection(*map(set, tested))) if tested else []
        if not images:
            return None
        psnr = np.array([[one[image] for image in images] for one in tested])
        if not np.isfinite(psnr).all():
            return None  # without noise a method may be perfect: there is no difference to infinity
        psnr = psnr.reshape(len(contexts), len(seeds), 2, len(images))
        return psnr[:, :, 1] - psnr[:, :, 0]


def _effects(runs: _Runs, factor: str, reference, level, sigmas, confidence: float) -> Iterator[Comparison]:
    """The main effect of one change, or its effects at the levels of what it depends on."""
    contexts = runs.contexts(factor, reference, level)
    if not contexts:
        return
    names = [n for n in contexts[0].others if len({repr(c.others[n]) for c in contexts}) > 1]
    depends = [n for n in names if any(_depends(runs, contexts, n, s, confidence) for s in sigmas)]
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
            yield Comparison(factor, level, reference, at, over, sigma, *numbers)


def _depends(runs: _Runs, contexts: list[_Context], name: str, sigma: float, confidence: float) -> bool:
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


def _grouped(contexts: list[_Context], names: list[str]) -> list[list[_Context]]:
    """The contexts that have the same levels of these settings, together."""
    groups: dict[str, list[_Context]] = {}
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
        head = (c.factor, c.level, c.reference, at, over, c.sigma, c.n_seeds, c.n_images)
        writer.writerow([*head, *numbers, c.generalises, *p_values, c.n_comparisons])
    return text.getvalue()


def undecided(comparisons: list[Comparison], margin: float) -> list[str]:
    """A line for each comparison whose interval neither excludes 0 nor lies within ± margin dB."""
    return [f"{c.change}: {c.effect}" for c in comparisons if c.state(margin) == "open"]
