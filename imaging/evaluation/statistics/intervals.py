"""Confidence intervals for a mean over few crossed trainings and images: see docs/statistics.md."""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

LEVEL = 0.95
PATHS = 200_000  # simulated sequences of looks; the level of a look then has a relative error of 1 %


@dataclass(frozen=True)
class Estimate:
    """A mean with its confidence interval.

    Args:
        mean: mean over all seeds and images.
        low, high: ends of the interval; nan for one seed and one image.
        p_value: for a mean of 0, from the same distribution: below 1 - level exactly if 0 is outside.
        over: what the interval generalises over: "seeds and images", "images", "seeds" or "nothing".
    """

    mean: float
    low: float
    high: float
    p_value: float
    over: str


def crossed_interval(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """A confidence interval for the mean of `values` that includes other seeds and other images.

    The model is value[s, i] = mean + seed[s] + image[i] + rest[s, i]. The variance of the overall mean is at
    most the variance of the seeds' mean plus that of the images' mean, each estimated with its own degrees of
    freedom. The interval uses the distribution of Behrens and Fisher, a sum of two scaled t variables, which
    keeps its level for all values of the two variances (Robinson, Annals of Statistics 4(5), 1976).

    Args:
        values: finite (seeds, images), e.g. differences of PSNR in dB. With one seed, the interval is
            Student's over the images and says nothing about other seeds; likewise with one image.
        level: confidence level.
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
    """P(|a T + b U| >= x) for independent T and U with Student's distributions of df_a and df_b.

    Args:
        x, a, b: numbers or arrays of one shape, not negative. If a and b are 0, the sum is 0.
        df_a, df_b: degrees of freedom.

    Returns:
        probabilities of the same shape, with an absolute error below 2e-4.
    """
    x, a, b = np.broadcast_arrays(*(np.asarray(v, dtype=float) for v in (x, a, b)))
    tail = np.where(x > 0, 0.0, 1.0)
    for large, df_large, small, df_small in ((a, df_a, b, df_b), (b, df_b, a, df_a)):
        # Integrate over the smaller variable, on whose scale the other distribution function is smooth.
        mask = (large > 0) & ((large > small) if large is a else (large >= small))
        if mask.any():
            points, weights = _student_nodes(df_small)
            z = (x[mask, None] - small[mask, None] * points) / large[mask, None]
            tail[mask] = 2 * (stats.t.sf(z, df_large) @ weights)
    return np.minimum(tail, 1)[()]


def sum_of_two_t_quantile(p: float, a: float, df_a: int, b: float, df_b: int) -> float:
    """The x with P(|a T + b U| >= x) = p, the inverse of `sum_of_two_t_tail`."""
    if a == b == 0:
        return 0.0
    # Each of the two terms exceeds its part of the bound with probability p / 2.
    bound = a * stats.t.isf(p / 4, df_a) + b * stats.t.isf(p / 4, df_b)
    return float(optimize.brentq(lambda x: sum_of_two_t_tail(x, a, df_a, b, df_b) - p, 0, bound * 1.0001))


@functools.cache
def _student_nodes(df: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights for an expectation under Student's distribution: Gauss-Legendre in an angle.

    With t = sqrt(df) tan(angle), the density is a power of a cosine and the tail need not be truncated. The
    angle is a cubic of the nodes, which puts more points in the tail.
    """
    reach = np.arctan(stats.t.isf(1e-16, df) / np.sqrt(df))
    nodes, weights = np.polynomial.legendre.leggauss(256)
    angle = reach * (3 * nodes - nodes**3) / 2
    density = weights * (1 - nodes**2) * np.cos(angle) ** (df - 1)
    return np.sqrt(df) * np.tan(angle), density / density.sum()


@functools.cache
def level_of_a_look(max_seeds: int, level: float = LEVEL) -> float:
    """The level of each interval such that those after 2, 3, …, `max_seeds` seeds hold together at `level`.

    These are repeated confidence intervals (Jennison and Turnbull, JRSS B 51(3), 1989) with one level for all
    looks. Sequences of Student's tests, each on all seeds so far, are simulated; the result is 1 minus the
    (1 - level) quantile of the smallest p-value of a sequence. If images vary too, the looks are more alike
    and the joint level is higher.
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
