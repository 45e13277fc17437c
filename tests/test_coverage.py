"""What coverage_rates.py computes for many sweeps at once, against `crossed_interval`, and its sweeps."""

import importlib
import json
from pathlib import Path

import numpy as np
import pytest

from imaging.evaluation.statistics.intervals import crossed_interval, level_of_a_look

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def rates():
    """The module of intervals and rates, found as the script beside it finds it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("coverage_rates")


@pytest.fixture(scope="module")
def sweeps(rates):
    return importlib.import_module("coverage_sweeps")


@pytest.mark.parametrize(("seeds", "images"), [(2, 5), (3, 12)])
def test_its_intervals_are_those_of_the_package(rates, seeds, images):
    values = np.random.default_rng(seeds).normal(0.5, 1, (40, seeds, images))
    _, a, b = rates.errors(values)
    estimates = [crossed_interval(one) for one in values]
    half = rates.half_widths(a, b, seeds, images)
    assert half == pytest.approx([(e.high - e.low) / 2 for e in estimates], rel=1e-3)
    assert list(rates.new_excludes(values)) == [not e.low <= 0 <= e.high for e in estimates]


def test_decide_looks_at_every_number_of_seeds(rates):
    values = np.random.default_rng(0).normal(0, 1, (60, 4, 6)) + np.array([0, 1])[:, None, None].repeat(30, 0)
    any_look, ended = rates.decided(values)
    for index, one in enumerate(values):
        looks = [crossed_interval(one[:n], level_of_a_look(4)) for n in (2, 3, 4)]
        assert any_look[index] == any(not e.low <= 0 <= e.high for e in looks)
    assert not (ended & ~any_look).any()
    assert any_look[30:].sum() > any_look[:30].sum()


def test_decide_stops_within_the_margin(rates):
    values = np.zeros((1, 8, 3)) + np.array([-0.0005, 0.0005, *[0.09] * 6])[:, None]
    any_look, ended = rates.decided(values)
    assert any_look[0]
    assert not ended[0]


def test_components_are_recovered(sweeps):
    parts = sweeps.Components(0.5, 1.0, 0.2)
    values = sweeps.normal(parts)(np.random.default_rng(0), 1, 300, 400)[0]
    estimate = sweeps.fitted(values)
    assert (estimate.seed, estimate.image, estimate.rest) == pytest.approx((0.5, 1.0, 0.2), rel=0.15)


@pytest.mark.parametrize("share", [0, 0.3, 1])
def test_the_share_is_that_of_the_variance_of_the_mean(sweeps, share):
    values = sweeps.of_share(share)(np.random.default_rng(0), 4000, 3, 10)
    assert values.mean(axis=(1, 2)).var() == pytest.approx(1, rel=0.1)
    assert values.mean(axis=2).var(axis=1, ddof=1).mean() / 3 == pytest.approx(share, rel=0.1, abs=1e-9)


def test_the_old_interval_misses_what_varies_between_trainings(rates, sweeps):
    old, new = rates.simulated(sweeps.Case("", sweeps.of_share(0.9), 0), 2, 12)
    assert old.value > 0.5 > 0.05 > new.value


def test_resampled_sweeps_have_no_difference(sweeps):
    random = np.random.default_rng(0)
    level, reference = random.normal(3, 1, (8, 5)), random.normal(0, 1, (9, 5))
    values = sweeps.resampled(level, reference)(random, 20_000, 2, 3)
    assert values.shape == (20_000, 2, 3)
    assert values.mean() == pytest.approx(0, abs=0.03)


def test_splits_are_of_disjoint_groups(rates):
    psnr = np.repeat(np.arange(8.0)[:, None], 4, axis=1)

    def events(values):
        assert (values != 0).all()
        return values[:, 0, 0] > 0, values.mean(axis=(1, 2)) > 100

    first, never = rates.splits(psnr, 3, 2, events, n=10_000)
    assert first.value == pytest.approx(0.5, abs=0.03)
    assert first.error > 0
    assert (never.value, never.error) == (0, 0)


def test_a_sweep_is_read_without_runs_that_are_not_completed(sweeps, tmp_path):
    for seed, state in enumerate(("completed", "completed", "failed")):
        run = tmp_path / f"{seed}-seed-{seed}"
        run.mkdir()
        (run / "status.json").write_text(json.dumps({"state": state}))
        rows = [f"{image},{sigma},{seed}{image}.5" for image in (1, 2) for sigma in (0.1, 0.01)]
        (run / "per_image.csv").write_text("\n".join(["image,sigma,psnr", *rows]))
    psnr, seeds, images, sigmas = sweeps.read_sweep(tmp_path)
    assert (seeds, images, sigmas) == ([0, 1], ["1", "2"], [0.01, 0.1])
    assert psnr.tolist() == [[[1.5, 2.5], [11.5, 12.5]]] * 2
    with pytest.raises(SystemExit, match="no completed runs"):
        sweeps.read_sweep(tmp_path / "none")


def test_a_rate_above_its_bar_is_taken_again(rates, monkeypatch):
    monkeypatch.setattr(rates, "SWEEPS", 100)
    counts = iter([np.array([20])] + [np.array([5])] * 10)
    (rate,) = rates.again_if_above(lambda n: next(counts), 0)
    assert (rate.value, rate.met) == (0.05, True)
    assert rate.error == pytest.approx(np.sqrt(0.05 * 0.95 / 1000))
