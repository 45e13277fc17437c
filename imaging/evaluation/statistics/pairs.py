"""Find the runs of a table to compare: pairs that agree in all but one setting."""

import itertools
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from imaging.evaluation.statistics.factors import group_settings, image_factors
from imaging.evaluation.table import Table

ALL_PAIRS = 3  # with more levels, each is compared with the first only


@dataclass
class Context:
    """The other settings of two levels that are compared, and the pair of runs of each seed."""

    others: dict
    pairs: dict[object, tuple[str, str]]


class Pairs:
    """The runs of a table, grouped into pairs.

    Args:
        table: the results.

    Attributes:
        settings: the method and the varied settings of each run.
        varied: names of the settings that differ.
        image_factors: names of the settings that change the test images, so that images cannot be paired.
        along: for each varied setting, the settings of its group whose level it determines.
        factors: names of the varied settings that are compared on their own.
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
        self.image_factors = image_factors(table.names)
        self.varied = [n for n in names if len({repr(s.get(n)) for s in self.settings.values()}) > 1]
        self.along = {}
        for name in self.varied:
            group = group_settings(name, table.names)
            self.along[name] = [n for n in self.varied if n in group and self._determines(name, n)]
        follow = {n for names in self.along.values() for n in names}
        self.factors = [n for n in self.varied if n not in self.image_factors and n not in follow]

    @cached_property
    def psnr(self) -> dict[tuple[str, float], dict[str, float]]:
        """PSNR in dB by (run, sigma) and then by image, the mean over the draws."""
        draws: dict[tuple, list[float]] = {}
        for result in self._results:
            for record in result.records:
                draws.setdefault((result.run, record.sigma, record.image), []).append(record.psnr)
        psnr: dict[tuple[str, float], dict[str, float]] = {}
        for (run, sigma, image), values in draws.items():
            psnr.setdefault((run, sigma), {})[image] = sum(values) / len(values)
        return psnr

    def _determines(self, name: str, other: str) -> bool:
        """Whether the level of `name` determines the level of `other`."""
        pairs = {(repr(s.get(name)), repr(s.get(other))) for s in self.settings.values()}
        return len(pairs) == len({level for level, _ in pairs})

    def value(self, factor: str, level, other: str):
        """The level of `other` in the runs with a level of `factor`."""
        return next(s.get(other) for s in self.settings.values() if repr(s.get(factor)) == repr(level))

    def changes(self, factor: str) -> list[tuple]:
        """The pairs (reference, level) to compare."""
        levels = list({repr(s.get(factor)): s.get(factor) for s in self.settings.values()}.values())
        if len(levels) <= ALL_PAIRS:
            return list(itertools.combinations(levels, 2))
        return [(levels[0], level) for level in levels[1:]]

    def contexts(self, factor: str, reference, level) -> list[Context]:
        """The contexts with runs of both levels, which agree in all settings that do not change along."""
        groups: dict[str, tuple[dict, dict]] = {}
        for run, settings in self.settings.items():
            others = {k: v for k, v in settings.items() if k != factor and k not in self.along[factor]}
            sides = groups.setdefault(repr(others), (others, {}))[1]
            sides.setdefault(repr(settings.get(factor)), {}).setdefault(self.seeds[run], run)
        contexts = []
        for others, sides in groups.values():
            before, after = sides.get(repr(reference), {}), sides.get(repr(level), {})
            pairs = {seed: (before[seed], after[seed]) for seed in before if seed in after}
            if pairs:
                contexts.append(Context(others, pairs))
        return contexts

    def differences(self, contexts: list[Context], sigma: float) -> np.ndarray | None:
        """PSNR(level) - PSNR(reference) in dB (contexts, seeds, images), for common seeds and images.

        None if there are no common images, or if a PSNR is infinite.
        """
        tested = [
            {s for s, pair in c.pairs.items() if all((run, sigma) in self.psnr for run in pair)}
            for c in contexts
        ]
        seeds = [s for s in contexts[0].pairs if all(s in some for some in tested)]
        pairs = [[c.pairs[seed] for seed in seeds] for c in contexts]
        measured = [self.psnr.get((run, sigma), {}) for row in pairs for pair in row for run in pair]
        images = sorted(set.intersection(*map(set, measured))) if measured else []
        if not images:
            return None
        psnr = np.array([[one[image] for image in images] for one in measured])
        if not np.isfinite(psnr).all():
            return None  # a perfect restoration without noise has an infinite PSNR
        psnr = psnr.reshape(len(contexts), len(seeds), 2, len(images))
        return psnr[:, :, 1] - psnr[:, :, 0]
