"""Figures are drawn from arrays and records, for gray and for colour."""

import numpy as np
import pytest
from PIL import Image

from imaging.reporting.figures import inpainting_figure, psnr_against_sigma, reconstruction_grid, strips


def examples(count=2, channels=3, size=40):
    random = np.random.default_rng(0)
    images = [random.random((channels, size, size), dtype=np.float32) for _ in range(count)]
    noisy = [np.clip(x + 0.1, 0, 1.2) for x in images]
    return {"names": [f"a{i}" for i in range(count)], "clean": images, "measured": noisy, "restored": images}


def drawn(path):
    """Size of a PNG, and how many different gray values it has: a blank one has a single one."""
    with Image.open(path) as image:
        return image.size, len(np.unique(np.asarray(image.convert("L"))))


def test_inpainting_has_four_panels_in_a_row(tmp_path):
    inpainting_figure(examples(1, 1, 28), [1, 2, 3], [1.0, 0.5, 0.1], tmp_path / "a.png")
    (width, height), values = drawn(tmp_path / "a.png")
    assert width > 3 * height
    assert values > 100


@pytest.mark.parametrize("count", [3, 10, 12])
def test_the_grid_has_three_rows_of_at_most_ten(tmp_path, count):
    reconstruction_grid(examples(count, 1, 28), tmp_path / "a.png")
    (width, height), values = drawn(tmp_path / "a.png")
    assert width / height == pytest.approx(min(count, 10) / 3, rel=0.35)
    assert values > 100


@pytest.mark.parametrize("channels", [1, 3])
def test_strips(tmp_path, channels):
    strips(examples(2, channels), tmp_path / "a.png", sigma=0.1)
    assert drawn(tmp_path / "a.png")[1] > 100


@pytest.mark.parametrize("sigmas", [(0.0, 0.1), (0.01, 0.1), (0.1,)])
def test_psnr_against_sigma(tmp_path, sigmas):
    rows = [
        {"run": run, "sigma": s, "psnr_mean": 30 - 10 * s, "psnr_input_mean": 20.0}
        for run in "ab"
        for s in sigmas
    ]
    psnr_against_sigma(rows, {"a": "bias yes", "b": "bias no"}, tmp_path / "a.png")
    assert drawn(tmp_path / "a.png")[1] > 20
