"""What is said beside the tables."""

import math
from dataclasses import replace

import pytest

from imaging.evaluation.outputs import Result
from imaging.evaluation.records import Record
from imaging.evaluation.statistics.comparisons import Decision
from imaging.evaluation.table import Table
from imaging.reporting.report import About, caption, write_sweep
from tests.results import result

TOLD = "PSNR in dB, mean over 2 test images of folder"


@pytest.mark.parametrize(
    ("psnr", "words"),
    [
        ((30.0, 31.0), TOLD),
        ((30.0, math.inf), f"{TOLD}; inf with an image that is restored exactly, such as b"),
    ],
)
def test_a_caption_says_of_what_and_why_a_mean_is_infinite(psnr, words):
    records = [
        Record("run", "folder", image, 0.1, 0, "dncnn", value, 20.0, 0.9, 0.1, "unclipped")
        for image, value in zip("ab", psnr, strict=True)
    ]
    assert caption(Table([Result("run", {}, records)])) == words


def test_a_sweep_that_added_seeds_says_how_it_ended(tmp_path):
    results = [
        result(f"{bias}-{seed}", [30.0 + (not bias), 31.1 + (not bias)], {"bias": bias, "seed": seed})
        for bias in (True, False)
        for seed in (0, 1)
    ]
    about = About({}, ["python train.py"], decision=Decision(0.1, 2))
    write_sweep(tmp_path, results, about)
    words = "Seeds until decided: 2 seeds, the most that were allowed. Intervals that exclude 0: 1;"
    assert f"- {words}" in (tmp_path / "summary.md").read_text()
    assert words in (tmp_path / "report.html").read_text()
    write_sweep(tmp_path, results, replace(about, decision=None))
    assert "Seeds until decided" not in (tmp_path / "summary.md").read_text()


def test_a_figure_of_a_run_that_is_left_out_now_does_not_stay(tmp_path):
    for name in ("linear_view.png", "linear_view.csv", "strip-old.svg", "restored.png", "strip-own.txt"):
        (tmp_path / name).write_text("old")
    write_sweep(tmp_path, [result("a", [30.0], {"seed": 0})], About({}, []))
    names = {path.name for path in tmp_path.iterdir()}
    assert not names & {"linear_view.png", "linear_view.csv", "strip-old.svg"}
    assert {"restored.png", "strip-own.txt", "psnr_vs_sigma.csv"} <= names
