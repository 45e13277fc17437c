"""Intervals for a mean over crossed trainings and images, from few of either: see docs/statistics.md."""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95
PATHS = 200_000  # simulated sequences of looks; the level of a look is then right to a hundredth of itself


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval.

    Args:
        mean: over all seeds and images.
        low, high: ends of the interval; nan where there is none, of one seed and one image.
        p_value: of the mean being 0, by the same distribution: below 1 - level just if 0 is outside.
        over: what another sample would have others of: "seeds and images", "images", "seeds" or "nothing".
    """

    mean: float
    low: float
    high: float
    p_value: float
    over: str


def crossed_interval(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """The mean of `values` for another training on other images of the same kind.

    value[s, i] = mean + seed[s] + image[i] + rest[s, i]. The mean of all has at most the variance of the mean
    of the seeds' means plus that of the images' means, each estimated with its own degrees of freedom; the
    interval takes the distribution of Behrens and Fisher, a sum of two scaled t, which does not fall below
    its level whatever the two variances are (Robinson, Annals of Statistics 4(5), 1976).

    Args:
        values: (seeds, images), e.g. differences of PSNR in dB, finite. With one seed the interval is
            Student's over the images, and says nothing of other seeds; with one image likewise.
        level: of confidence.
    """
    values = np.asarray(values, dtype=float)
    seeds, images = values.shape
    mean = float(values.mean())
    terms = []
    if seeds > 1:
        terms.append((float(values.mean(axis=1).std(ddof=1) / np.sqrt(seeds)), seeds - 1, "seeds"))
    if images > 1:
        terms.append((float(values.mean(axis=0).std(ddof=1) / np.sqrt(images)), images - 1, "images"))
    if not terms:
        return Estimate(mean, np.nan, np.nan, np.nan, "nothing")
    (a, df_a), (b, df_b) = terms[0][:2], terms[1][:2] if len(terms) > 1 else (0.0, 1)
    half = sum_of_two_t_quantile(1 - level, a, df_a, b, df_b)
    p_value = float(sum_of_two_t_tail(abs(mean), a, df_a, b, df_b))
    return Estimate(mean, mean - half, mean + half, p_value, " and ".join(t[2] for t in terms))


def sum_of_two_t_tail(x, a, df_a: int, b, df_b: int):
    """P(|a T + b U| >= x), T and U independent with Student's distributions of df_a and df_b.

    Args:
        x, a, b: numbers or arrays of one shape, not negative. Where a and b are 0 the sum is 0.

    Returns:
        probabilities of that shape, right to 2e-4.
    """
    x, a, b = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, a, b)))
    tail = np.where(x > 0, 0.0, 1.0)
    for large, df_large, small, df_small in ((a, df_a, b, df_b), (b, df_b, a, df_a)):
        # The expectation over the smaller one: the other's distribution function is smooth on its scale.
        some = (large > 0) & ((large > small) if large is a else (large >= small))
        if some.any():
            points, weights = _student_nodes(df_small)
            z = (x[some, None] - small[some, None] * points) / large[some, None]
            tail[some] = 2 * (stats.t.sf(z, df_large) @ weights)
    return np.minimum(tail, 1)[()]


def sum_of_two_t_quantile(p: float, a: float, df_a: int, b: float, df_b: int) -> float:
    """The x with P(|a T + b U| >= x) = p; see `sum_of_two_t_tail`."""
    if a == b == 0:
        return 0.0
    # Each of the two exceeds its own half of p with p / 2 at most.
    bound = a * stats.t.isf(p / 4, df_a) + b * stats.t.isf(p / 4, df_b)
    return float(optimize.brentq(lambda x: sum_of_two_t_tail(x, a, df_a, b, df_b) - p, 0, bound * 1.0001))


@functools.cache
def _student_nodes(df: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights of an expectation under Student's distribution: Gauss-Legendre in an angle.

    With t = sqrt(df) tan(angle) the density is a power of a cosine, and there is no tail to cut; the angle is
    a cubic of the nodes, which puts more of them where the tail is.
    """
    reach = np.arctan(stats.t.isf(1e-16, df) / np.sqrt(df))
    nodes, weights = np.polynomial.legendre.leggauss(256)
    angle = reach * (3 * nodes - nodes**3) / 2
    density = weights * (1 - nodes**2) * np.cos(angle) ** (df - 1)
    return np.sqrt(df) * np.tan(angle), density / density.sum()


@functools.cache
def level_of_a_look(max_seeds: int, level: float = LEVEL) -> float:
    """The level of the intervals after 2, 3, …, `max_seeds` seeds that all hold together at `level`.

    Repeated confidence intervals (Jennison and Turnbull, JRSS B 51(3), 1989) of one level for all looks: of
    simulated sequences of Student's tests, each on all seeds so far, the p-value that the smallest of a
    sequence is below in 1 - level of them. Where images vary too, the looks differ less, and more is held.
    """
    n = np.arange(1, max_seeds + 1)
    draws = np.random.default_rng(0).standard_normal((PATHS, max_seeds))
    means, squares = draws.cumsum(axis=1) / n, (draws**2).cumsum(axis=1)
    smallest = np.ones(PATHS)
    for k in range(2, max_seeds + 1):
        mean = means[:, k - 1]
        error = np.sqrt((squares[:, k - 1] - k * mean**2) / (k - 1) / k)
        np.minimum(smallest, 2 * stats.t.sf(np.abs(mean) / error, k - 1), out=smallest)
    return 1 - float(np.quantile(smallest, 1 - level))
