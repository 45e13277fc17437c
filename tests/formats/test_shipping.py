"""The weights that ship are what their cards say."""

import csv
import hashlib
import json
import re
from pathlib import Path

import pytest
import torch

from imaging import load
from imaging.formats import networks, shipping
from imaging.formats.networks import load_network, shipped
from imaging.formats.shipping import LIMIT, bundled, table
from imaging.formats.weights import read_weights
from imaging.places import WEIGHTS
from imaging.reporting.curves import read_curves

NAMES = shipped()


def numbers(card: str, row: str) -> list[float]:
    """Of the card's last table, which is of the bundled photographs."""
    line = re.findall(rf"^\| {row} \| (.*) \|$", card, re.MULTILINE)[-1]
    return [float(cell) for cell in line.split(" | ")]


def test_there_are_some():
    assert {"denoiser-bias-32", "denoiser-bias-64", "denoiser-32", "denoiser-64"} <= set(NAMES)
    assert {"denoiser-best-64", "denoiser-blind-64"} <= set(NAMES)
    assert {"deconvolver", "deconvolver-wiener-pair", "deconvolver-unet"} <= set(NAMES)


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


@pytest.fixture
def shipped_run(run, tmp_path, monkeypatch):
    """A run of two steps whose network ships as `tiny` in a directory of its own: (run, directory)."""
    weights = tmp_path / "weights"
    for module in (shipping, networks):
        monkeypatch.setattr(module, "WEIGHTS", weights)
    monkeypatch.setattr(shipping, "CROP", [32, 40])  # pixels, so that it takes no time
    shipping.ship(run, "tiny", "A sentence about it.")
    return run, weights


def test_what_ships_is_the_networks_checkpoint(shipped_run):
    run, weights = shipped_run
    assert shipped() == ["tiny"]
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    task, _ = load_network("tiny", "cpu")
    for name, tensor in task.network.state_dict().items():
        assert torch.equal(tensor, checkpoint["state_dict"][f"network.{name}"])
    digest = hashlib.sha256((weights / "tiny.safetensors").read_bytes()).hexdigest()
    assert (weights / "SHA256SUMS").read_text() == f"{digest}  tiny.safetensors\n"


def test_its_card_has_its_origin_and_both_tables(shipped_run):
    run, weights = shipped_run
    card, status = (weights / "tiny.md").read_text(), json.loads((run / "status.json").read_text())
    assert card.startswith("# tiny\n\nA sentence about it.\n\n- trained on folder, sigma ")
    assert f"seed 0, commit {status['commit']}:\n\n      {status['command']}\n" in card
    assert "2 test images of folder, one network" in card
    psnr = {}
    for row in csv.DictReader((run / "per_image.csv").open()):
        psnr.setdefault(float(row["sigma"]), []).append(float(row["psnr"]))
    first, second = (card.split("- PSNR in dB, ")[i] for i in (1, 2))
    assert numbers(first, "sigma") == numbers(second, "sigma") == list(psnr)
    assert numbers(first, "restored") == pytest.approx([sum(v) / len(v) for v in psnr.values()], abs=0.006)
    assert [after for after, _ in bundled("tiny").values()] == pytest.approx(
        numbers(second, "restored"), abs=0.006
    )
    assert "upper left 32×40 pixels" in second.splitlines()[0]
    (value,) = read_curves(run, ["val/psnr"])["val/psnr"][1][-1:]
    assert re.search(rf"\n\| minutes \| 0 \|.*\n\| --- .*\n\| PSNR \| .*{value:.2f} \|\n", second)


def test_a_long_training_has_ten_points_and_its_end(monkeypatch):
    values = [(5.0 * i, 20.0 + i) for i in range(1, 96)]
    monkeypatch.setattr(shipping, "read_minutes", lambda run, tag: values)
    lines = shipping.curve(Path())
    assert lines[2] == "| minutes | 5 | 55 | 105 | 155 | 205 | 255 | 305 | 355 | 405 | 455 | 475 |"
    assert lines[4].endswith("| 111.00 | 115.00 |")
    monkeypatch.setattr(shipping, "read_minutes", lambda run, tag: [])
    assert shipping.curve(Path()) == []


@pytest.mark.parametrize(("sigma", "text"), [(0.1, "sigma 0.1, seed"), ([0.0, 0.2], "sigma 0 to 0.2, seed")])
def test_a_card_names_the_noise_of_the_training(sigma, text, monkeypatch):
    monkeypatch.setattr(shipping, "bundled", lambda name: {0.1: (30.0, 20.0)})
    config = {"physics": {"noise": {"sigma": sigma}}, "data": {"source": {"name": "mnist"}}, "seed": 3}
    rows = [{"sigma": 0.1, "psnr_mean": 31.0, "psnr_input_mean": 20.0, "n_images": 7}]
    card = shipping.card("a", "b", config, {"commit": "c", "command": "d"}, rows)
    assert f"- trained on mnist, {text} 3, commit c:" in card
