"""Paired comparisons, in cases that can be reckoned by hand."""

import csv
import io
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from imaging.evaluation.statistics.comparisons import (
    Decision,
    compare,
    comparisons_csv,
    holm,
    open_comparisons,
)
from imaging.evaluation.statistics.intervals import crossed_interval
from imaging.evaluation.table import Table
from imaging.reporting.findings import explanation, sentences, verdict
from tests.results import result


def cross(psnr: dict) -> Table:
    """Results of runs by (bias, width, seed)."""
    return Table(
        [
            result(f"{b}-{w}-{s}", values, {"bias": b, "width": w, "seed": s})
            for (b, w, s), values in psnr.items()
        ]
    )


def test_the_mean_difference_of_pairs_that_agree_in_all_else():
    table = cross(
        {
            (True, 32, 0): [30.0, 31.0],
            (False, 32, 0): [32.0, 33.0],
            (True, 64, 0): [20.0, 21.0],
            (False, 64, 0): [22.0, 23.0],
        }
    )
    bias, width = compare(table)
    assert (bias.factor, bias.level, bias.reference) == ("bias", False, True)
    assert (bias.difference, bias.n_images, bias.n_seeds) == (2.0, 2, 1)
    assert bias.averaged == "averaged over width 32, 64"
    assert (width.change, width.difference) == ("width 64 instead of 32", -10.0)


def test_an_effect_that_changes_its_sign_is_told_at_each_level():
    table = cross(
        {
            (True, 32, 0): [30.0, 31.0],
            (False, 32, 0): [31.0, 32.0],
            (True, 64, 0): [30.0, 31.0],
            (False, 64, 0): [29.0, 30.0],
        }
    )
    found = [c for c in compare(table) if c.factor == "bias"]
    assert [(c.change, c.difference, c.averaged) for c in found] == [
        ("Removing the bias (width 32)", 1.0, ""),
        ("Removing the bias (width 64)", -1.0, ""),
    ]


def test_an_effect_that_certainly_changes_its_size_is_told_at_each_level():
    draw = np.random.default_rng(0)
    psnr = {}
    for seed in range(5):
        for bias in (True, False):
            for width in (32, 64):
                gain = {32: 1.0, 64: 5.0}[width] * (not bias)
                psnr[bias, width, seed] = list(30 + gain + 0.05 * draw.standard_normal(6))
    changes = {c.change for c in compare(cross(psnr)) if c.factor == "bias"}
    assert changes == {"Removing the bias (width 32)", "Removing the bias (width 64)"}


def test_without_a_seed_that_all_levels_have_the_effect_is_told_at_each():
    seeds = {32: 0, 64: 1}
    psnr = {(bias, w, s): [30.0 + (not bias), 31.0] for bias in (True, False) for w, s in seeds.items()}
    found = compare(cross(psnr))
    assert [(c.change, c.difference, c.n_seeds) for c in found] == [
        ("Removing the bias (width 32)", 0.5, 1),
        ("Removing the bias (width 64)", 0.5, 1),
    ]


def test_runs_that_differ_in_more_are_no_pair():
    assert compare(cross({(True, 1, 0): [30.0], (False, 1, 1): [32.0]})) == []


def test_seeds_are_paired_and_inside_the_interval():
    values = {
        (True, 1, 0): [30.0, 31.0],
        (False, 1, 0): [31.0, 32.5],
        (True, 1, 1): [33.0, 35.0],
        (False, 1, 1): [33.0, 36.0],
        (False, 1, 2): [33.0, 36.0],  # without a partner
    }
    (bias,) = compare(cross(values))
    expected = crossed_interval(np.array([[1.0, 1.5], [0.0, 1.0]]))
    assert (bias.difference, bias.n_seeds, bias.generalises) == (0.875, 2, "seeds and images")
    assert (bias.low, bias.high, bias.p_value) == (expected.low, expected.high, expected.p_value)


def test_noise_seeds_are_averaged_first():
    one, two = result("a", [30.0], {"x": 1}), result("b", [33.0], {"x": 2})
    one.records += result("a", [32.0], {"x": 1}).records
    (only,) = compare(Table([one, two]))
    assert (only.difference, only.n_images, only.generalises) == (2.0, 1, "nothing")
    assert math.isnan(only.low)
    assert only.state(100) == "open"


def test_methods_are_compared_and_only_images_that_both_have():
    table = Table(
        [result("a", [30.0, 31.0, 32.0], method="wiener"), result("b", [31.0, 33.0], method="unet")]
    )
    (only,) = compare(table)
    assert (only.change, only.n_images, only.difference) == ("unet instead of wiener", 2, 1.5)


@pytest.mark.parametrize(("levels", "expected"), [(3, 3), (5, 4)])
def test_many_levels_are_compared_with_the_first(levels, expected):
    table = Table([result(str(i), [30.0 + i, 30.5 + i], {"depth": i}) for i in range(levels)])
    assert len(compare(table)) == expected


def test_equal_numbers_of_other_types_are_other_levels():
    table = Table([result("a", [30.0, 31.0], {"x": True}), result("b", [31.0, 33.0], {"x": 1})])
    (only,) = compare(table)
    assert only.difference == 1.5


def test_with_one_seed_the_interval_is_students_and_says_so():
    table = Table(
        [result("a", [30.0, 31.0, 30.5], {"bias": True}), result("b", [32.0, 34.0, 32.0], {"bias": False})]
    )
    (only,) = compare(table)
    expected = stats.ttest_1samp([2.0, 3.0, 1.5], 0)
    assert only.p_value == pytest.approx(expected.pvalue)
    assert (only.low, only.high) == pytest.approx(tuple(expected.confidence_interval()))
    assert sentences([only])[0].endswith("3 images, one training each; says nothing about other seeds")
    assert "they say nothing about other seeds" in explanation([only])


def test_p_values_are_holms():
    """The example of Holm's method: 0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02."""
    (one,) = compare(Table([result("a", [30.0, 31.0], {"x": 1}), result("b", [32.0, 34.0], {"x": 2})]))
    some = [replace(one, p_value=p) for p in (0.01, 0.04, 0.03, 0.005, math.nan)]
    adjusted = [c.p_adjusted for c in holm(some)]
    assert adjusted[:4] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert math.isnan(adjusted[4])
    assert {c.n_comparisons for c in holm(some)} == {4}


def test_a_perfect_method_has_no_difference_to_tell():
    exact = result("a", [[math.inf, math.inf], [20.0, 20.0]], {"bias": True}, sigma=[0.0, 0.1])
    other = result("b", [[30.0, 31.0], [30.0, 31.0]], {"bias": False}, sigma=[0.0, 0.1])
    (comparison,) = compare(Table([exact, other]))
    assert comparison.sigma == 0.1


def two_methods(difference: float, seeds: int, spread: float = 0.01) -> Table:
    draw = np.random.default_rng(seeds)
    psnr = {}
    for seed in range(seeds):
        psnr[True, 1, seed] = list(30 + spread * draw.standard_normal(20))
        psnr[False, 1, seed] = list(30 + difference + spread * draw.standard_normal(20))
    return cross(psnr)


def test_seeds_are_enough_when_the_interval_excludes_0_or_lies_within_the_margin():
    decision = Decision(0.1, 10)
    for difference, state in ((1.0, "decided"), (0.0, "within"), (0.1, "decided")):
        (only,) = compare(two_methods(difference, 8), decision)
        assert only.state(0.1) == state
        assert open_comparisons([only], 0.1) == []
    (only,) = compare(two_methods(0.0, 2, spread=1.0), decision)
    assert open_comparisons([only], 0.1) == [f"Removing the bias: {only.effect}"]
    assert "that exclude 0: 0; that lie within ±0.1 dB: 0; open: 1." in verdict([only], decision)


def test_looking_again_and_again_makes_the_intervals_wider():
    table = two_methods(0.3, 4)
    (once,), (often,) = compare(table), compare(table, Decision(0.1, 10))
    assert often.high - often.low > once.high - once.low
    assert often.p_value > once.p_value
    assert (often.p_value < 0.05) == (often.low > 0)


def test_sentences_to_quote():
    one = result("a", [[30.0, 31.0], [30.0, 31.0]], {"model": {"bias": True}}, sigma=[0.1, 0.2])
    two = result("b", [[30.0, 30.5], [32.0, 34.0]], {"model": {"bias": False}}, sigma=[0.1, 0.2])
    found = compare(Table([one, two]))
    (told,) = sentences(found)
    assert told.startswith("Removing the bias: -0.25 dB [-3.43, 2.93] at test sigma 0.1 (p = ")
    assert "; +2.50 dB [-3.85, 8.85] at test sigma 0.2 (p = " in told
    rows = list(csv.DictReader(io.StringIO(comparisons_csv(found))))
    assert rows[1]["difference"] == "2.5000"
    assert rows[1]["generalises_over"] == "images"
    assert rows[1]["n_comparisons"] == "2"
    assert rows[1]["sigma"] == "0.2"


def test_the_level_of_other_noise_has_its_name():
    physics = {"operator": {"name": "identity"}, "noise": {"name": "poisson", "peak": 100}}
    runs = [result(str(bias), [30.0, 31.0 + bias], {"model": {"bias": bias}, "physics": physics}, sigma=10.0)
            for bias in (True, False)]  # fmt: skip
    found = compare(
        Table([replace(r, records=[replace(one, level="peak") for one in r.records]) for r in runs])
    )
    assert " at test peak 10" in found[0].effect
    (row,) = csv.DictReader(io.StringIO(comparisons_csv(found)))
    assert row["peak"] == "10.0"
    assert "sigma" not in row
