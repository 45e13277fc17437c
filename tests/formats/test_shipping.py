"""The weights that ship are what their cards say."""

import re

import pytest

from imaging import load
from imaging.formats.networks import shipped
from imaging.formats.shipping import LIMIT, bundled, table
from imaging.formats.weights import read_weights
from imaging.places import WEIGHTS

NAMES = shipped()


def numbers(card: str, row: str) -> list[float]:
    """Of the card's last table, which is of the bundled photographs."""
    line = re.findall(rf"^\| {row} \| (.*) \|$", card, re.MULTILINE)[-1]
    return [float(cell) for cell in line.split(" | ")]


def test_there_are_some():
    assert {"denoiser-bias-32", "denoiser-bias-64", "denoiser-32", "denoiser-64"} <= set(NAMES)
    assert {"denoiser-best-64", "denoiser-blind-64"} <= set(NAMES)
    assert {"deconvolver-wiener-pair", "deconvolver-unet"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_numbers_on_bundled_photographs_are_those_of_the_card(name):
    card, found = (WEIGHTS / f"{name}.md").read_text(), bundled(name)
    assert list(found) == numbers(card, "sigma")
    assert [after for after, _ in found.values()] == pytest.approx(numbers(card, "restored"), abs=0.02)
    assert [before for _, before in found.values()] == pytest.approx(numbers(card, "measured"), abs=0.02)


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_it_must(name):
    card = (WEIGHTS / f"{name}.md").read_text()
    assert card.startswith(f"# {name}\n")
    for word in ("python train.py", "commit", "bsds300", "licence", "PSNR in dB, 100 test images"):
        assert word in card
    path = WEIGHTS / f"{name}.safetensors"
    assert path.stat().st_size < LIMIT
    source = read_weights(path)["config"]["data"]["source"]
    assert source == {"name": "bsds300", "root": None, "channels": 3}
    assert load(name, "cpu").channels == 3


def test_a_table_of_a_card():
    assert table({0.1: (30.123, 20.0), 0.2: (25.0, 14.0)}) == [
        "| sigma | 0.1 | 0.2 |",
        "| --- | ---: | ---: |",
        "| restored | 30.12 | 25.00 |",
        "| measured | 20.00 | 14.00 |",
    ]
