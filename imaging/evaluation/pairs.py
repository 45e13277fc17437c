"""Which runs of a table are compared with which: pairs that agree in all but one setting."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from imaging.evaluation.factors import members, of_test
from imaging.evaluation.table import Table

ALL_PAIRS = 3  # of more levels each is compared with the first alone


@dataclass
class Context:
    """What the two levels are compared at: the other settings, and for each seed the couple of runs."""

    others: dict
    couples: dict[object, tuple[str, str]]


class Pairs:
    """The runs of a table, with their settings and their PSNR by sigma and image, the mean over the draws.

    Args:
        table: of the results.

    Attributes:
        settings: what is varied, and the method, of each run.
        varied: the names of those that differ.
        of_test: names of those that change the images of the test, so that images cannot be paired.
        along: for each varied setting, others of its group of which its level tells the level.
        factors: the varied settings that can be compared each for itself.
    """

    def __init__(self, table: Table):
        self.settings = {
            run: {"method": one.method} | {k: v for k, v in one.settings.items() if k != "run"}
            for one in table.cells
            for run in (result.run for result in one.results)
        }
        self._results = table.results
        self.seeds = {r.run: table.settings[r.run].get("seed") for r in table.results}
        names = dict.fromkeys(name for s in self.settings.values() for name in s)
        self.of_test = of_test(table.names)
        self.varied = [n for n in names if len({repr(s.get(n)) for s in self.settings.values()}) > 1]
        self.along = {
            name: [n for n in self.varied if n in members(name, table.names) and self._tells(name, n)]
            for name in self.varied
        }
        follow = {n for names in self.along.values() for n in names}
        self.factors = [n for n in self.varied if n not in self.of_test and n not in follow]

    @cached_property
    def psnr(self) -> dict[tuple[str, float], dict[str, float]]:
        """By run and sigma, and in these by image."""
        draws: dict[tuple, list[float]] = {}
        for result in self._results:
            for record in result.records:
                draws.setdefault((result.run, record.sigma, record.image), []).append(record.psnr)
        psnr: dict[tuple[str, float], dict[str, float]] = {}
        for (run, sigma, image), values in draws.items():
            psnr.setdefault((run, sigma), {})[image] = sum(values) / len(values)
        return psnr

    def _tells(self, name: str, other: str) -> bool:
        """Whether the level of `name` determines that of `other`."""
        pairs = {(repr(s.get(name)), repr(s.get(other))) for s in self.settings.values()}
        return len(pairs) == len({level for level, _ in pairs})

    def value(self, factor: str, level, other: str):
        """The level of `other` that goes with a level of `factor`."""
        return next(s.get(other) for s in self.settings.values() if repr(s.get(factor)) == repr(level))

    def changes(self, factor: str) -> list[tuple]:
        """Which levels are compared: (reference, level)."""
        levels = list({repr(s.get(factor)): s.get(factor) for s in self.settings.values()}.values())
        if len(levels) <= ALL_PAIRS:
            return list(itertools.combinations(levels, 2))
        return [(levels[0], level) for level in levels[1:]]

    def contexts(self, factor: str, reference, level) -> list[Context]:
        """Where both levels have been trained, with all else equal but what goes along."""
        groups: dict[str, tuple[dict, dict]] = {}
        for run, settings in self.settings.items():
            others = {k: v for k, v in settings.items() if k != factor and k not in self.along[factor]}
            sides = groups.setdefault(repr(others), (others, {}))[1]
            sides.setdefault(repr(settings.get(factor)), {}).setdefault(self.seeds[run], run)
        contexts = []
        for others, sides in groups.values():
            before, after = sides.get(repr(reference), {}), sides.get(repr(level), {})
            couples = {seed: (before[seed], after[seed]) for seed in before if seed in after}
            if couples:
                contexts.append(Context(others, couples))
        return contexts

    def differences(self, contexts: list[Context], sigma: float) -> np.ndarray | None:
        """(contexts, seeds, images) of PSNR(level) - PSNR(reference): the seeds and images that all have."""
        tested = [
            {s for s, couple in c.couples.items() if all((run, sigma) in self.psnr for run in couple)}
            for c in contexts
        ]
        seeds = [s for s in contexts[0].couples if all(s in have for have in tested)]
        couples = [[c.couples[seed] for seed in seeds] for c in contexts]
        measured = [self.psnr.get((run, sigma), {}) for row in couples for two in row for run in two]
        images = sorted(set.intersection(*map(set, measured))) if measured else []
        if not images:
            return None
        psnr = np.array([[one[image] for image in images] for one in measured])
        if not np.isfinite(psnr).all():
            return None  # without noise a method may be perfect: there is no difference to infinity
        psnr = psnr.reshape(len(contexts), len(seeds), 2, len(images))
        return psnr[:, :, 1] - psnr[:, :, 0]
