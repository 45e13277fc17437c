"""The networks of Mohan et al. 2020, by the files of their authors, against the PSNR that they published."""

import csv
import os
from pathlib import Path

import pytest

# Table 1 of the supplement: BSD68, sigma 10, 20, 30, 50, 100 over 255, trained on 0 to 55.
PUBLISHED = {
    "dncnn-bias-0-55": (33.73, 30.20, 28.34, 26.22, 15.43),
    "dncnn-bias-free-0-55": (33.72, 30.16, 28.31, 26.18, 23.57),
}
SIGMAS = (10, 20, 30, 50, 100)
# The first three images at sigma 50 and 100, by the code that came within 0.01 dB of the table on all 68.
FIRST_THREE = {"dncnn-bias-0-55": (25.82, 15.56), "dncnn-bias-free-0-55": (25.77, 23.19)}


@pytest.fixture
def weights(data_root, monkeypatch) -> Path:
    """The directory of the two files."""
    monkeypatch.setenv("IMAGING_DATA", str(data_root))
    for place in (data_root / "weights" / "mohan2020", data_root.parent / "weights" / "mohan2020"):
        if place.is_dir() and (data_root / "BSD68").is_dir():
            return place
    pytest.skip(f"no BSD68 in {data_root}, or no weights/mohan2020 in it or beside it")


def means(tmp_path: Path) -> dict[tuple[str, int], float]:
    (table,) = tmp_path.glob("outputs/**/summary.csv")
    rows = csv.DictReader(table.open())
    return {(row["run"], round(255 * float(row["sigma"]))): float(row["psnr_mean"]) for row in rows}


@pytest.mark.slow
def test_a_few_images(command, weights, tmp_path):
    """At sigma 50 and 100, where the networks differ most, within what three images may differ from 68."""
    sigmas = f"sigmas=[{50 / 255},{100 / 255}]"
    assert command("evaluate.py", f"run={weights}", "data=bsd68", "data.max_test_images=3", sigmas)[0] == 0
    found = means(tmp_path)
    for run, published in PUBLISHED.items():
        assert found[run, 50] == pytest.approx(published[3], abs=2.5)
        for sigma, value in zip((50, 100), FIRST_THREE[run], strict=True):
            assert found[run, sigma] == pytest.approx(value, abs=0.02), f"{run} at sigma {sigma}"
    assert found["dncnn-bias-free-0-55", 100] - found["dncnn-bias-0-55", 100] > 5


@pytest.mark.published
def test_all_68_images(command, weights):
    status, printed, _ = command("evaluate.py", f"run={weights}", "output=outputs/published")
    print(printed)
    assert status == 0
    found = means(Path(os.getcwd()))
    for run, published in PUBLISHED.items():
        for sigma, value in zip(SIGMAS, published, strict=True):
            assert found[run, sigma] == pytest.approx(value, abs=0.15), f"{run} at sigma {sigma}"
