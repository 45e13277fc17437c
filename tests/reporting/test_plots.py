"""Figures of numbers, read back from their SVG."""

import math
from dataclasses import replace

import pytest

from imaging.evaluation.table import Table
from imaging.reporting.plots import matrix_figure, psnr_against_noise, smoothed, training_curves
from imaging.reporting.tables import matrices
from tests.drawings import words
from tests.results import result


def noisy(*sigmas, bias=True, value=30.0, trained=0.1):
    physics = {"operator": {"name": "identity"}, "noise": {"sigma": trained}}
    settings = {"bias": bias, "physics": physics}
    return result(f"{bias}{trained}", [[value - 10 * s] for s in sigmas], settings, sigma=list(sigmas))


@pytest.mark.parametrize("sigmas", [(0.0, 0.1), (0.01, 0.1), (0.1,)])
def test_psnr_against_sigma_names_every_line(tmp_path, sigmas):
    table = Table([noisy(*sigmas), noisy(*sigmas, bias=False)])
    psnr_against_noise(table, tmp_path / "a.png")
    told = words(tmp_path / "a.png")
    for line in ("dncnn, bias yes", "dncnn, bias no", "measured y", "trained at 0.1"):
        assert line in told
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_training_noise_and_another_factor_have_an_entry_a_level(tmp_path):
    table = Table([noisy(0.01, 0.1, bias=b, trained=t) for t in (0.05, [0.005, 0.2]) for b in (True, False)])
    psnr_against_noise(table, tmp_path / "a.png")
    told = words(tmp_path / "a.png")
    entries = ("training sigma 0.05", "training sigma 0.005 to 0.2", "bias yes", "bias no")
    for line in (*entries, "trained at, or shaded: on"):
        assert told.count(line) == 1
    matrix_figure(matrices(table), tmp_path / "b.png")
    told = words(tmp_path / "b.png")
    assert {"dncnn, bias yes", "dncnn, bias no", "best", "0.005 to 0.2"} <= set(told)


def test_training_noise_that_the_colour_does_not_tell_is_told_in_words(tmp_path):
    """The colour is the method's here, and the dash the training noise."""
    table = Table([noisy(0.01, 0.1, bias=b, trained=t) for t in (0.05, 0.2) for b in (True, False)])
    for one in table.results:
        one.records = [replace(r, method=str(one.config["bias"])) for r in one.records]
    psnr_against_noise(table, tmp_path / "a.png")
    assert {"trained at 0.05", "trained at 0.2"} <= set(words(tmp_path / "a.png"))


@pytest.mark.filterwarnings("error")
def test_an_infinite_psnr_and_a_dollar_in_a_name_are_no_obstacle(tmp_path):
    perfect = result("a", [[math.inf], [30.0]], {"x": "$a"}, sigma=[0.0, 0.1], before=math.inf)
    other = result("b", [[31.0], [29.0]], {"x": "b$c$"}, sigma=[0.0, 0.1], before=math.inf)
    psnr_against_noise(Table([perfect, other]), tmp_path / "a.png")
    assert "dncnn, x $a" in words(tmp_path / "a.png")


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in "ab":
        psnr_against_noise(Table([noisy(0.01, 0.1)]), tmp_path / f"{name}.png")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_training_curves(tmp_path):
    run = {"train/loss": ([50, 100], [0.1, 0.01]), "val/psnr": ([100], [30.0])}
    none = {"train/loss": ([], []), "val/psnr": ([], [])}
    one, two = noisy(0.1), noisy(0.1, bias=False)
    table = Table([one, two])
    assert not training_curves(table, {one.run: none}, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    assert training_curves(table, {one.run: run, two.run: none}, tmp_path / "a.png")
    told = words(tmp_path / "a.png")
    assert told.count("dncnn, bias yes") == 1
    assert "dncnn, bias no" not in told


@pytest.mark.filterwarnings("error")  # of what a logarithmic axis cannot show
def test_a_loss_that_is_a_logarithm_has_a_linear_axis(tmp_path):
    curves = {"train/loss": ([50, 100], [-2.5, -3.0]), "val/psnr": ([100], [30.0])}
    one = noisy(0.1)
    assert training_curves(Table([one]), {one.run: curves}, tmp_path / "a.png")
    assert any("2.5" in word for word in words(tmp_path / "a.png"))


def test_a_running_mean_keeps_a_straight_line():
    steps = list(range(100))
    at, values = smoothed(steps, [2.0 * s for s in steps])
    assert len(at) == 96
    assert values == pytest.approx([2.0 * s for s in at])
    assert smoothed([1, 2], [3.0, 4.0]) == ([1, 2], [3.0, 4.0])
