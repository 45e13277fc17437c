"""Intervals over seeds and images, against scipy, simulation and cases that have an exact answer."""

import numpy as np
import pytest
from scipy import integrate, stats

from imaging.evaluation.statistics.intervals import (
    crossed_interval,
    level_of_a_look,
    sum_of_two_t_quantile,
    sum_of_two_t_tail,
)


@pytest.mark.parametrize(("df_a", "df_b"), [(1, 1), (1, 99), (4, 11)])
@pytest.mark.parametrize("ratio", [1e-3, 0.7, 1.0, 5.0, 1e4])
def test_the_tail_is_the_integral(df_a, df_b, ratio):
    x = 3 * max(1, ratio)

    def inner(p):  # over the second part's quantiles, from its one end to the other
        return 2 * stats.t.sf(x - ratio * stats.t.ppf(p, df_b), df_a)

    step = stats.t.cdf(x / ratio, df_b)  # where the first part decides, if it is the smaller one
    expected = sum(integrate.quad(inner, *ends, limit=200)[0] for ends in ((0, step), (step, 1)))
    assert sum_of_two_t_tail(x, 1.0, df_a, ratio, df_b) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_one_part_alone_is_students():
    for df in (1, 3, 40):
        for a, b in ((2.0, 0.0), (0.0, 2.0)):
            assert sum_of_two_t_tail(5.0, a, df, b, df) == pytest.approx(2 * stats.t.sf(2.5, df))
            assert sum_of_two_t_quantile(0.05, a, df, b, df) == pytest.approx(2 * stats.t.isf(0.025, df))
    assert sum_of_two_t_tail(0.0, 0.0, 1, 0.0, 1) == 1
    assert sum_of_two_t_tail(0.1, 0.0, 1, 0.0, 1) == 0


def test_the_quantile_is_the_tails_inverse():
    for a, df_a, b, df_b in ((0.3, 1, 0.2, 99), (0.01, 2, 5.0, 11), (4.0, 9, 0.3, 2)):
        x = sum_of_two_t_quantile(0.05, a, df_a, b, df_b)
        assert sum_of_two_t_tail(x, a, df_a, b, df_b) == pytest.approx(0.05, abs=1e-9)


def test_without_variance_between_seeds_it_is_scipys_over_images_and_the_other_way_round():
    one = np.random.default_rng(0).normal(0.3, 1, 12)
    test = stats.ttest_1samp(one, 0)
    expected = test.confidence_interval()
    for values, over in (
        (np.tile(one, (3, 1)), "seeds and images"),
        (np.tile(one[:, None], (1, 5)), "seeds and images"),
        (one[None], "images"),
        (one[:, None], "seeds"),
    ):
        estimate = crossed_interval(values)
        assert estimate.over == over
        assert (estimate.low, estimate.high) == pytest.approx((expected.low, expected.high))
        assert estimate.p_value == pytest.approx(test.pvalue)


def test_of_one_seed_and_one_image_there_is_no_interval():
    estimate = crossed_interval(np.array([[1.5]]))
    assert (estimate.mean, estimate.over) == (1.5, "nothing")
    assert np.isnan([estimate.low, estimate.high, estimate.p_value]).all()


def test_equal_values_have_an_interval_of_no_width():
    estimate = crossed_interval(np.zeros((2, 3)))
    assert (estimate.low, estimate.high, estimate.p_value) == (0, 0, 1)
    assert crossed_interval(np.ones((2, 3))).p_value == 0


@pytest.mark.parametrize("seed_share", [0.0, 0.05, 0.5, 1.0])
@pytest.mark.parametrize(("seeds", "images"), [(2, 3), (2, 100), (3, 12), (5, 100)])
def test_it_covers_whatever_the_share_of_the_trainings(seeds, images, seed_share):
    draw = np.random.default_rng([seeds, images, int(100 * seed_share)])
    missed, sweeps = 0, 300
    for _ in range(sweeps):
        values = np.sqrt(seed_share) * draw.standard_normal((seeds, 1)) + np.sqrt(
            1 - seed_share
        ) * draw.standard_normal((1, images))
        estimate = crossed_interval(values + 0.2 * draw.standard_normal((seeds, images)))
        assert (estimate.p_value < 0.05) == (not estimate.low <= 0 <= estimate.high)
        missed += estimate.p_value < 0.05
    assert missed / sweeps <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / sweeps)


def test_all_looks_together_hold_the_level():
    level = level_of_a_look(4)
    assert 1 - 0.05 / 3 > level > 0.95  # less is needed than by adding up the looks
    draws = np.random.default_rng(1).standard_normal((20_000, 4))
    ever = np.zeros(len(draws), dtype=bool)
    for n in (2, 3, 4):
        ever |= stats.ttest_1samp(draws[:, :n], 0, axis=1).pvalue < 1 - level
    assert ever.mean() == pytest.approx(0.05, abs=0.006)
    assert level_of_a_look(2) == pytest.approx(0.95, abs=0.001)
