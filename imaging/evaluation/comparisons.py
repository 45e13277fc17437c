"""Which level of a varied hyper-parameter is better, image by image on the same noise."""

import csv
import io
import itertools
from dataclasses import asdict, dataclass, fields

import numpy as np

from imaging.evaluation.records import Record

RESAMPLES = 10_000


@dataclass(frozen=True)
class Comparison:
    """One level against another at one sigma: the mean paired difference of PSNR in dB.

    Args:
        factor: the varied hyper-parameter, or 'method'.
        level, reference: difference = PSNR(level) - PSNR(reference).
        sigma: of the noise at test, of intensities in [0, 1].
        n_images: test images, each a pair.
        n_pairs: pairs of runs that differ in the factor alone; each image's difference is their mean.
        low, high: 95 % bootstrap interval over the images.
        p_value: of the Wilcoxon signed-rank test over the images; None for fewer than two.
    """

    factor: str
    level: object
    reference: object
    sigma: float
    n_images: int
    n_pairs: int
    difference: float
    low: float
    high: float
    p_value: float | None

    @property
    def change(self) -> str:
        """What is done from the reference to the level: 'Removing the bias', 'depth 5 instead of 3'."""
        name = self.factor.split(".")[-1].replace("_", " ")
        if isinstance(self.level, bool) and isinstance(self.reference, bool):
            return f"{'Adding' if self.level else 'Removing'} the {name}"
        before = "" if self.factor == "method" else f"{name} "
        return f"{before}{self.level} instead of {self.reference}"

    @property
    def effect(self) -> str:
        """'+2.31 dB [2.12, 2.50] at sigma 0.2'."""
        return f"{self.difference:+.2f} dB [{self.low:.2f}, {self.high:.2f}] at sigma {self.sigma:g}"

    @property
    def sentence(self) -> str:
        """For a reader to quote."""
        return f"{self.change}: {self.effect}, n = {self.n_images}"


def compare(records: list[Record], varied: dict[str, dict]) -> list[Comparison]:
    """Every varied hyper-parameter, and the method, level against level.

    Runs are paired that agree in all else, the seed too; what is only compared across other differences is
    left out. Of more than three levels each is compared with the first alone.

    Args:
        records: of several runs on the same images, sigmas and noise seeds.
        varied: for each run the settings in which the runs differ.
    """
    psnr = _by_image(records)
    methods = {r.run: r.method for r in records}
    settings = {run: {"method": methods[run]} | varied.get(run, {}) for run in psnr}
    comparisons = []
    for factor in dict.fromkeys(key for s in settings.values() for key in s):
        levels = list(dict.fromkeys(s.get(factor) for s in settings.values()))
        if factor == "seed" or len(levels) < 2:
            continue
        couples = (
            itertools.combinations(levels, 2) if len(levels) <= 3 else ((levels[0], b) for b in levels[1:])
        )
        for reference, level in couples:
            pairs = list(_pairs(settings, factor, reference, level))
            for sigma in sorted({r.sigma for r in records}):
                differences = _differences(psnr, pairs, sigma)
                # Without noise a method may be perfect, and its PSNR infinite: there is no difference to it.
                if len(differences) and np.isfinite(differences).all():
                    low, high = bootstrap_interval(differences)
                    mean, p_value = float(np.mean(differences)), wilcoxon(differences)
                    counts = len(differences), len(pairs)
                    comparisons.append(
                        Comparison(factor, level, reference, sigma, *counts, mean, low, high, p_value)
                    )
    return comparisons


def _by_image(records: list[Record]) -> dict[str, dict[float, dict[str, float]]]:
    """Run, sigma, image: the PSNR, its mean over the noise seeds."""
    values: dict = {}
    for r in records:
        values.setdefault(r.run, {}).setdefault(r.sigma, {}).setdefault(r.image, []).append(r.psnr)
    return {
        run: {sigma: {i: float(np.mean(v)) for i, v in images.items()} for sigma, images in sigmas.items()}
        for run, sigmas in values.items()
    }


def _pairs(settings: dict[str, dict], factor: str, reference, level):
    for a, b in itertools.product(settings, settings):
        one, other = dict(settings[a]), dict(settings[b])
        if (one.pop(factor, None), other.pop(factor, None)) == (reference, level) and one == other:
            yield a, b


def _differences(psnr: dict, pairs: list[tuple[str, str]], sigma: float) -> np.ndarray:
    """For each image that all pairs have, the mean over the pairs of PSNR(level) - PSNR(reference)."""
    tested = [(psnr[a].get(sigma, {}), psnr[b].get(sigma, {})) for a, b in pairs]
    if not tested:
        return np.empty(0)
    images = sorted(set.intersection(*(set(a) & set(b) for a, b in tested)))
    return np.array([np.mean([b[image] - a[image] for a, b in tested]) for image in images])


def bootstrap_interval(differences: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """Percentile interval of the mean (Efron 1979), from 10,000 resamples that are always the same."""
    draws = np.random.default_rng(0).integers(0, len(differences), (RESAMPLES, len(differences)))
    means = differences[draws].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def wilcoxon(differences: np.ndarray) -> float | None:
    """p-value of the two-sided signed-rank test (Wilcoxon 1945); 1 if nothing differs."""
    from scipy import stats

    if len(differences) < 2:
        return None
    return float(stats.wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def comparisons_csv(comparisons: list[Comparison]) -> str:
    """The text of `comparisons.csv`: a header row, one comparison a line."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Comparison)], lineterminator="\n")
    writer.writeheader()
    for comparison in comparisons:
        row = asdict(comparison)
        row |= {key: f"{row[key]:.4f}" for key in ("difference", "low", "high")}
        row["p_value"] = "" if comparison.p_value is None else f"{comparison.p_value:.3g}"
        writer.writerow(row)
    return text.getvalue()


def sentences(comparisons: list[Comparison]) -> list[str]:
    """One line a change, with its effect at each sigma."""
    lines = []
    for _, group in itertools.groupby(comparisons, key=lambda c: (c.factor, c.change)):
        group = list(group)
        lines.append(f"{group[0].change}: {'; '.join(c.effect for c in group)}; n = {group[0].n_images}")
    return lines
