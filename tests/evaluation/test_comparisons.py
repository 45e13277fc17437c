"""Paired comparisons, against scipy and cases that can be reckoned by hand."""

import csv
import io

import numpy as np
import pytest
from scipy import stats

from imaging.evaluation.comparisons import (
    bootstrap_interval,
    compare,
    comparisons_csv,
    sentences,
    wilcoxon,
)
from imaging.evaluation.records import Record


def records(run, values, method="dncnn", sigma=0.1, noise_seed=0):
    """One record an image."""
    common = {"data": "d", "psnr_input": 20.0, "ssim": 0.9, "seconds": 0.1, "convention": "unclipped"}
    return [
        Record(run=run, image=str(i), sigma=sigma, noise_seed=noise_seed, method=method, psnr=v, **common)
        for i, v in enumerate(values)
    ]


def test_the_mean_difference_of_pairs_that_agree_in_all_else():
    told = (
        records("a", [30.0, 31.0])
        + records("b", [32.0, 34.0])
        + records("c", [20, 21])
        + records("d", [21, 22])
    )
    varied = {
        "a": {"bias": True, "width": 32},
        "b": {"bias": False, "width": 32},
        "c": {"bias": True, "width": 64},
        "d": {"bias": False, "width": 64},
    }
    bias, width = compare(told, varied)
    # Image 0: (2 + 1) / 2; image 1: (3 + 1) / 2.
    assert (bias.factor, bias.level, bias.reference) == ("bias", False, True)
    assert (bias.difference, bias.n_images, bias.n_pairs) == (1.75, 2, 2)
    assert (bias.low, bias.high) == (1.5, 2.0)
    # Image 0: (-10 - 11) / 2; image 1: (-10 - 12) / 2.
    assert (width.change, width.difference) == ("width 64 instead of 32", -10.75)


def test_runs_that_differ_in_more_are_no_pair():
    told = records("a", [30.0]) + records("b", [32.0])
    assert compare(told, {"a": {"bias": True, "seed": 0}, "b": {"bias": False, "seed": 1}}) == []


def test_seeds_are_paired_and_not_compared():
    told = [r for s, v in enumerate([(30.0, 31.0), (33.0, 35.0)]) for r in records(f"t{s}", v)]
    told += [r for s, v in enumerate([(31.0, 32.0), (33.0, 36.0)]) for r in records(f"f{s}", v)]
    varied = {f"{k}{s}": {"bias": k == "t", "seed": s} for k in "tf" for s in (0, 1)}
    (bias,) = compare(told, varied)
    assert (bias.difference, bias.n_pairs) == (0.75, 2)


def test_noise_seeds_are_averaged_first():
    told = records("a", [30.0]) + records("a", [32.0], noise_seed=1) + records("b", [33.0])
    (only,) = compare(told, {"a": {"x": 1}, "b": {"x": 2}})
    assert (only.difference, only.n_images, only.p_value) == (2.0, 1, None)


def test_methods_are_compared_and_only_images_that_both_have():
    told = records("a", [30.0, 31.0, 32.0], "wiener") + records("b", [31.0, 33.0], "unet")
    (only,) = compare(told, {})
    assert (only.change, only.n_images, only.difference) == ("unet instead of wiener", 2, 1.5)


@pytest.mark.parametrize(("levels", "expected"), [(3, 3), (5, 4)])
def test_many_levels_are_compared_with_the_first(levels, expected):
    told = [r for i in range(levels) for r in records(str(i), [30.0 + i, 30.5 + i])]
    assert len(compare(told, {str(i): {"depth": i} for i in range(levels)})) == expected


def test_the_interval_is_scipys():
    differences = np.random.default_rng(1).normal(0.5, 1.0, 100)
    expected = stats.bootstrap((differences,), np.mean, method="percentile", n_resamples=9999, rng=2)
    interval = expected.confidence_interval
    assert bootstrap_interval(differences) == pytest.approx((interval.low, interval.high), abs=0.02)
    assert bootstrap_interval(differences) == bootstrap_interval(differences)


def test_the_interval_covers_the_mean_as_often_as_it_says():
    draw = np.random.default_rng(3)
    intervals = [bootstrap_interval(draw.normal(0.0, 1.0, 50)) for _ in range(200)]
    covered = sum(low <= 0 <= high for low, high in intervals)
    assert 180 <= covered <= 199  # 190 of 200 expected, standard deviation 3


def test_the_signed_rank_test_by_hand():
    # All five differences are positive and different: 2 of the 2^5 sign patterns are as extreme.
    assert wilcoxon(np.array([0.1, 0.2, 0.3, 0.4, 0.5])) == pytest.approx(2 / 32)
    assert wilcoxon(np.zeros(5)) == 1.0
    assert wilcoxon(np.array([1.0])) is None


def test_sentences_to_quote():
    told = records("a", [30.0, 31.0], sigma=0.2) + records("b", [32.0, 34.0], sigma=0.2)
    told += records("a", [30.0, 31.0]) + records("b", [30.0, 30.0])
    found = compare(told, {"a": {"model.bias": True}, "b": {"model.bias": False}})
    assert found[1].sentence == "Removing the bias: +2.50 dB [2.00, 3.00] at sigma 0.2, n = 2"
    assert sentences(found) == [
        "Removing the bias: -0.50 dB [-1.00, 0.00] at sigma 0.1; +2.50 dB [2.00, 3.00] at sigma 0.2; n = 2"
    ]
    rows = list(csv.DictReader(io.StringIO(comparisons_csv(found))))
    assert rows[1]["difference"] == "2.5000"
    assert rows[1]["factor"] == "model.bias"


def test_a_perfect_method_has_no_difference_to_tell():
    told = records("a", [np.inf, np.inf], sigma=0.0) + records("b", [30.0, 31.0], sigma=0.0)
    told += records("a", [20.0, 20.0]) + records("b", [30.0, 31.0])
    (comparison,) = compare(told, {"a": {"bias": True}, "b": {"bias": False}})
    assert comparison.sigma == 0.1
