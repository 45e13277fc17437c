"""Figures of numbers, read back from their SVG."""

import re

import pytest

from imaging.reporting.plots import psnr_against_sigma, smoothed, training_curves

ROWS = [
    {"run": run, "sigma": s, "psnr_mean": 30 - 10 * s, "psnr_input_mean": 20.0}
    for run in "ab"
    for s in (0.01, 0.1)
]
LABELS = {"a": "bias yes", "b": "bias no"}


def words(path) -> list[str]:
    """Text in an SVG of matplotlib: drawn as shapes, with itself in a comment."""
    return re.findall(r"<!-- (.*?) -->", path.with_suffix(".svg").read_text(encoding="utf-8"))


@pytest.mark.parametrize("sigmas", [(0.0, 0.1), (0.01, 0.1), (0.1,)])
def test_psnr_against_sigma_names_every_line(tmp_path, sigmas):
    rows = [row | {"sigma": s} for row in ROWS[::2] for s in sigmas]
    psnr_against_sigma(rows, LABELS, tmp_path / "a.png", [(0.1, 0.1), (0.0, 0.05)])
    told = words(tmp_path / "a.png")
    for line in ("bias yes", "bias no", "measured y", "trained at 0.1", "trained on 0 to 0.05"):
        assert line in told
    assert (tmp_path / "a.png").stat().st_size > 5000


def test_the_same_figure_is_the_same_file(tmp_path):
    for name in "ab":
        psnr_against_sigma(ROWS, LABELS, tmp_path / f"{name}.png")
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_many_lines_can_all_be_told_apart(tmp_path):
    rows = [ROWS[0] | {"run": str(i), "psnr_mean": 20.0 + i} for i in range(20)]
    psnr_against_sigma(rows, {str(i): f"model {i}" for i in range(20)}, tmp_path / "a.png")
    told = words(tmp_path / "a.png")
    assert {f"model {i}" for i in range(20)} <= set(told)


def test_training_curves(tmp_path):
    run = {"train/loss": ([50, 100], [0.1, 0.01]), "val/psnr": ([100], [30.0])}
    none = {"train/loss": ([], []), "val/psnr": ([], [])}
    assert not training_curves({"wiener": [none]}, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()
    assert training_curves({"dncnn": [run, run], "wiener": [none]}, tmp_path / "a.png")
    told = words(tmp_path / "a.png")
    assert told.count("dncnn") == 1
    assert "wiener" not in told


@pytest.mark.filterwarnings("error")  # of what a logarithmic axis cannot show
def test_a_loss_that_is_a_logarithm_has_a_linear_axis(tmp_path):
    curves = {"train/loss": ([50, 100], [-2.5, -3.0]), "val/psnr": ([100], [30.0])}
    assert training_curves({"dncnn": [curves]}, tmp_path / "a.png")
    assert any("2.5" in word for word in words(tmp_path / "a.png"))


def test_a_running_mean_keeps_a_straight_line():
    steps = list(range(100))
    at, values = smoothed(steps, [2.0 * s for s in steps])
    assert len(at) == 96
    assert values == pytest.approx([2.0 * s for s in at])
    assert smoothed([1, 2], [3.0, 4.0]) == ([1, 2], [3.0, 4.0])
