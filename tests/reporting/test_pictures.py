"""Figures of images are drawn from arrays, for gray and for colour, as PNG and SVG."""

import numpy as np
import pytest
import torch
from PIL import Image

from imaging.metrics import psnr
from imaging.reporting.figures import psnr_note
from imaging.reporting.pictures import (
    group_examples,
    inpainting_figure,
    reconstruction_grid,
    strips,
)
from tests.drawings import words


def examples(count=2, channels=3, size=40):
    random = np.random.default_rng(0)
    images = [random.random((channels, size, size), dtype=np.float32) for _ in range(count)]
    noisy = [np.clip(x + 0.1, 0, 1.2) for x in images]
    return {"names": [f"a{i}" for i in range(count)], "clean": images, "measured": noisy, "restored": images}


def drawn(path):
    """Size of a PNG, and how many different gray values it has: a blank one has a single one."""
    with Image.open(path) as image:
        return image.size, len(np.unique(np.asarray(image.convert("L"))))


def test_the_psnr_beside_an_image_is_that_of_the_table():
    """Reports are made without torch, so its formula is written twice."""
    one = examples(1)
    clean, noisy = one["clean"][0], one["measured"][0]
    value = psnr(torch.from_numpy(noisy)[None], torch.from_numpy(clean)[None]).item()
    assert psnr_note(noisy, clean) == f"{value:.2f} dB"
    assert psnr_note(clean, clean) == "identical"


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


@pytest.mark.parametrize(("channels", "size"), [(1, 40), (3, 100)])
def test_strips_have_every_version_with_its_psnr(tmp_path, channels, size):
    clean = np.random.default_rng(0).random((channels, size, 2 * size), dtype=np.float32)
    others = {f"model {i}": clean + 10 ** (-i / 2) for i in (1, 2, 3, 4)}
    strips({"a": (clean, others), "b": (clean, {"one": clean.copy()})}, tmp_path / "a.png")
    assert drawn(tmp_path / "a.png")[1] > 100
    assert {"clean", "model 1", "model 4", "10.00 dB", "40.00 dB", "identical"} <= set(
        words(tmp_path / "a.svg")
    )


def test_the_piece_that_is_enlarged_is_where_the_edge_is_and_not_under_its_own_enlargement(tmp_path):
    clean = np.zeros((1, 120, 120), dtype=np.float32)
    clean[:, 70:, 70:] = 1  # the corner of the strongest edge is low on the right
    strips({"a": (clean, {})}, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    orange = np.abs(pixels - (0xE6, 0x9F, 0x00)).sum(-1) < 30
    height, width = orange.shape
    high_left = orange[: height // 2, : width // 2].sum()
    assert high_left > orange.sum() / 2  # the frame of the enlargement
    assert orange[height // 2 :, width // 2 :].any()  # and that of the piece


def test_each_physics_shows_its_own_measurement():
    first, second = examples() | {"sigma": 0.1}, examples() | {"sigma": 0.1}
    second["measured"] = [y + 0.1 for y in second["measured"]]
    names = {
        "one": "measured y, psf sigma 1",
        "two": "measured y, psf sigma 2",
        "three": "measured y, psf sigma 2",
    }
    images = group_examples({"one": first, "two": second, "three": second}, names)
    assert list(images) == ["a0", "a1"]
    clean, others = images["a1"]
    given = [f"{name}, test sigma 0.1" for name in dict.fromkeys(names.values())]
    assert list(others) == [*given, "one", "two", "three"]
    np.testing.assert_array_equal(others[given[1]], second["measured"][1])
    np.testing.assert_array_equal(clean, first["clean"][1])


def test_an_image_that_is_cut_otherwise_stands_for_itself():
    one, two = (examples(1, size=size) | {"sigma": 0.1} for size in (40, 30))
    images = group_examples({"one": one, "two": two})
    assert {name: image[0].shape[-1] for name, image in images.items()} == {"a0": 40, "a0 (two)": 30}


@pytest.mark.filterwarnings("error")  # such as that the font has no emoji
@pytest.mark.parametrize("name", ["a$b", "$x$", "a$b$c", "$\\frac{", "\\$", "a_b^c", "$$", "a\\$b$c", "$😀$"])
def test_a_name_that_could_be_a_formula_is_drawn_as_it_is(tmp_path, name):
    clean = np.zeros((1, 40, 40), dtype=np.float32)
    strips({name: (clean, {name: clean})}, tmp_path / "a.png")
    assert name in words(tmp_path / "a.svg")
