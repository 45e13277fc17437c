"""How often the intervals of many sweeps exclude 0, and how wide they are, for coverage.py."""

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from coverage_sweeps import Case
from scipy import interpolate, stats

sys.path.insert(0, str(Path(__file__).parents[1]))

from imaging.evaluation.statistics.intervals import LEVEL, level_of_a_look, sum_of_two_t_quantile

MAX_SEEDS = 10  # of `decide`
ALPHA = 1 - LEVEL
MARGIN = 0.1  # dB, of `decide`
SWEEPS = 10_000  # simulated ones at a time
AGAIN = 10  # times as many for an entry that is above its bar at first
SPLITS = 40_000  # of the real trainings
RESAMPLES = 2_001  # of the old interval; then its ends are the 51st value from below and from above


@functools.cache
def _quantile_by_angle(alpha: float, df_a: int, df_b: int) -> interpolate.CubicSpline:
    """The quantile of sin(angle) T + cos(angle) U, so that not each interval needs an integral."""
    angles = np.pi / 4 * (1 - np.cos(np.linspace(0, np.pi, 100)))
    return interpolate.CubicSpline(
        angles, [sum_of_two_t_quantile(alpha, np.sin(x), df_a, np.cos(x), df_b) for x in angles]
    )


def half_widths(a: np.ndarray, b: np.ndarray, seeds: int, images: int, alpha: float = ALPHA) -> np.ndarray:
    """Half the widths of `crossed_interval`, from the standard errors over seeds (a) and over images (b)."""
    return np.hypot(a, b) * _quantile_by_angle(alpha, seeds - 1, images - 1)(np.arctan2(a, b))


def errors(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of each sweep, and its standard errors over seeds and over images."""
    rows, columns = values.mean(axis=2), values.mean(axis=1)
    seeds, images = rows.shape[1], columns.shape[1]
    a, b = rows.std(axis=1, ddof=1) / np.sqrt(seeds), columns.std(axis=1, ddof=1) / np.sqrt(images)
    return rows.mean(axis=1), a, b


def new_excludes(values: np.ndarray) -> np.ndarray:
    """For each sweep, whether `crossed_interval` excludes 0."""
    mean, a, b = errors(values)
    return np.abs(mean) > half_widths(a, b, *values.shape[1:])


def old_excludes(values: np.ndarray) -> np.ndarray:
    """For each sweep, whether the percentile bootstrap interval over the images excludes 0.

    As the package used to make it: from the mean over seeds, with the same resamples for all sweeps.
    """
    images = values.shape[2]
    draws = np.random.default_rng(0).integers(0, images, (RESAMPLES, images))
    weights = np.stack([(draws == image).mean(axis=1) for image in range(images)])
    # Resampled means are compared with 0, which rounding in float32 decides only if all values are equal.
    means = values.mean(axis=1).astype(np.float32) @ weights.astype(np.float32)
    outside = round((RESAMPLES - 1) * ALPHA / 2)
    return ((means <= 0).sum(axis=1) <= outside) | ((means >= 0).sum(axis=1) <= outside)


def satterthwaite_excludes(values: np.ndarray) -> np.ndarray:
    """For each sweep, whether Student's interval with Satterthwaite's degrees of freedom excludes 0."""
    mean, a, b = errors(values)
    seeds, images = values.shape[1:]
    df = (a**2 + b**2) ** 2 / (a**4 / (seeds - 1) + b**4 / (images - 1))
    return np.abs(mean) > stats.t.isf(ALPHA / 2, df) * np.hypot(a, b)


def decided(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`decide` with seeds added one at a time: (any look excludes 0, the look at which it stops does).

    It stops where an interval excludes 0 or lies within ± MARGIN; each is at `level_of_a_look`.
    """
    n, max_seeds, images = values.shape
    alpha = 1 - level_of_a_look(max_seeds)
    any_look, ended, stopped = (np.zeros(n, dtype=bool) for _ in range(3))
    for seeds in range(2, max_seeds + 1):
        mean, a, b = errors(values[:, :seeds])
        half = half_widths(a, b, seeds, images, alpha)
        excludes = np.abs(mean) > half
        any_look |= excludes
        ended |= excludes & ~stopped
        stopped |= excludes | (np.abs(mean) + half <= MARGIN)
    return any_look, ended


@dataclass(frozen=True)
class Rate:
    """A share of sweeps with its standard error."""

    value: float
    error: float

    @property
    def met(self) -> bool:
        return self.value <= ALPHA + 2 * self.error

    def __str__(self) -> str:
        text = f"{100 * self.value:.1f}"
        return text if self.met else f"**{text}**"


def again_if_above(counts: Callable[[int], np.ndarray], which: int) -> list[Rate]:
    """The rates of some events, of SWEEPS sweeps, or of others, AGAIN times as many, if one is above its bar.

    Of many entries whose true rate is just 5 %, some are above two standard errors by chance; few are twice.

    Args:
        counts: sweeps -> how many of them have each of the events.
        which: the event with a bar.
    """

    def rates(blocks: int) -> list[Rate]:
        n = blocks * SWEEPS
        shares = sum(counts(SWEEPS) for _ in range(blocks)) / n
        return [Rate(float(p), float(np.sqrt(p * (1 - p) / n))) for p in shares]

    first = rates(1)
    return first if first[which].met else rates(AGAIN)


def simulated(case: Case, seeds: int, images: int) -> list[Rate]:
    """False alarms of the old and of the new interval."""
    random = np.random.default_rng([case.key, seeds, images])

    def counts(n: int) -> np.ndarray:
        values = case.draw(random, n, seeds, images)
        return np.array([old_excludes(values).sum(), new_excludes(values).sum()])

    return again_if_above(counts, 1)


def satterthwaite(case: Case, seeds: int, images: int) -> float:
    """False alarms of an interval that the package does not have; for comparison."""
    random = np.random.default_rng([case.key, seeds, images, 2])
    return float(satterthwaite_excludes(case.draw(random, SWEEPS, seeds, images)).mean())


def simulated_decide(case: Case, images: int) -> list[Rate]:
    """False alarms of `decide`: any look excludes 0; the one at which it stops does."""
    random = np.random.default_rng([case.key, images])

    def counts(n: int) -> np.ndarray:
        return np.array([event.sum() for event in decided(case.draw(random, n, MAX_SEEDS, images))])

    return again_if_above(counts, 0)


def widths(case: Case, seeds: int, images: int) -> float:
    """The mean width of the new interval over that of the exact one, or else of one with known variances."""
    values = case.draw(np.random.default_rng([case.key, seeds, images, 1]), SWEEPS, seeds, images)
    mean, a, b = errors(values)
    exact = stats.norm.isf(ALPHA / 2) * mean.std()
    if case.exact == "seeds":
        exact = stats.t.isf(ALPHA / 2, seeds - 1) * a.mean()
    elif case.exact == "images":
        exact = stats.t.isf(ALPHA / 2, images - 1) * b.mean()
    return float(half_widths(a, b, seeds, images).mean() / exact)


def splits(psnr: np.ndarray, seeds: int, images: int, events: Callable, n: int = SPLITS) -> list[Rate]:
    """False alarms between two disjoint groups of equal trainings, on some of the images, drawn at random.

    The splits share the trainings. The standard error is that of the jackknife over trainings, which asks how
    much the rate would be another with other trainings; that of the drawing of splits is part of it.

    Args:
        psnr: (trainings, images).
        events: differences (splits, seeds, images) -> for each event whether each split has it.
    """
    random = np.random.default_rng([seeds, images])
    count = len(psnr)
    with_all, without, left = 0, 0, 0
    for _ in range(0, n, SWEEPS):
        order = random.random((SWEEPS, count)).argsort(axis=1)[:, : 2 * seeds]
        columns = random.random((SWEEPS, psnr.shape[1])).argsort(axis=1)[:, None, :images]
        drawn = psnr[order[:, :, None], columns]
        had = np.stack(events(drawn[:, :seeds] - drawn[:, seeds:]))
        absent = np.ones((SWEEPS, count))
        np.put_along_axis(absent, order, 0, axis=1)
        with_all, without, left = (
            with_all + had.sum(axis=1),
            without + had @ absent,
            left + absent.sum(axis=0),
        )
    rates, deleted = with_all / n, without / left
    variance = (count - 1) / count * ((deleted - deleted.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return [Rate(float(p), float(np.sqrt(v))) for p, v in zip(rates, variance, strict=True)]
