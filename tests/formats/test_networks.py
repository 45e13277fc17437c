"""Networks by name."""

import json

import pytest
import torch

import imaging
from imaging.errors import ImagingError
from imaging.formats import networks as room
from imaging.formats.weights import write_weights
from imaging.tasks import build_task
from tests.untrained import BLUR, untrained

CONFIG = untrained(
    {"name": "dncnn", "channels": 1, "depth": 3, "hidden_channels": 4},
    seed=3,
    data={"source": {"name": "bundled", "channels": 1}},
    trainer={"channels_last": True, "compile": False},
)
GAUSSIAN = {"name": "gaussian", "sigma": 1.0}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A directory of weights that ship, with one in it."""
    monkeypatch.setattr(room, "WEIGHTS", tmp_path / "weights")
    write_weights(tmp_path / "weights" / "small.safetensors", CONFIG, build_task(CONFIG).state_dict(), {})
    room.write_sums()
    monkeypatch.chdir(tmp_path)
    return tmp_path / "weights"


@pytest.mark.parametrize("name", ["small", "weights/small", "weights/small.safetensors"])
def test_by_name_and_by_path(shelf, name):
    y = torch.rand(1, 12, 14)
    assert torch.allclose(imaging.load(name, "cpu")(y), build_task(CONFIG).restore(y[None])[0], atol=1e-6)


def test_from_anywhere_by_name(shelf, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert imaging.load("small", "cpu").channels == 1


def test_a_name_that_is_none_is_told_with_the_nearest(shelf):
    with pytest.raises(ImagingError, match=r"'smal' \(did you mean 'small'\?\); networks that ship: small"):
        imaging.load("smal")
    with pytest.raises(ImagingError, match=r"there is no run directory or checkpoint outputs/a"):
        imaging.load("outputs/a")


def test_a_changed_file_is_refused(shelf):
    path = shelf / "small.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(ImagingError, match="has been changed or is incomplete"):
        imaging.load("small")
    path.rename(shelf / "stranger.safetensors")
    with pytest.raises(ImagingError, match="does not belong to this project"):
        imaging.load("stranger")


def test_the_sums_are_those_of_sha256sum(shelf):
    import subprocess

    subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=shelf, check=True)


def test_another_blur_is_for_networks_that_are_told_it():
    blur = {"psf": GAUSSIAN, "boundary": "valid"}
    pair = CONFIG | {"model": {"name": "wiener_pair", "psf": {"name": "digit"}, "boundary": "circular"}}
    other = room.with_blur(pair | {"physics": BLUR}, blur)
    assert other["model"] == {"name": "wiener_pair"} | blur
    assert other["physics"]["operator"] == BLUR["operator"] | blur
    solver = CONFIG | {"model": {"name": "hqs", "operator": BLUR["operator"]}, "physics": BLUR}
    assert room.with_blur(solver, blur)["model"]["operator"] == BLUR["operator"] | blur
    config = CONFIG | {"model": {"name": "wiener", "psf": {"name": "digit"}}, "physics": BLUR}
    assert room.with_blur(config, {"psf": GAUSSIAN})["model"]["psf"] == GAUSSIAN
    assert room.with_blur(config, {"boundary": "circular"})["model"] == config["model"]
    with pytest.raises(ImagingError, match="this one, wiener, is for a circular blur"):
        room.with_blur(config, blur)
    front = config | {"model": {"name": "wiener_front_end", "wiener": {"psf": {"name": "digit"}}}}
    assert room.with_blur(front, {"psf": GAUSSIAN})["model"]["wiener"]["psf"] == GAUSSIAN
    with pytest.raises(ImagingError, match="this one, dncnn, restores only what it was trained on"):
        room.with_blur(CONFIG | {"physics": BLUR}, blur)
    assert config["model"]["psf"] == {"name": "digit"}


@pytest.mark.parametrize(
    "config", [None, 5, [], {}, {"task": None}, {k: v for k, v in CONFIG.items() if k != "data"}]
)
def test_a_file_of_another_project_is_told_in_one_line(config, tmp_path):
    path = tmp_path / "a.safetensors"
    write_weights(path, CONFIG, build_task(CONFIG).state_dict(), {"config": json.dumps(config)})
    with pytest.raises(ImagingError, match=r"a\.safetensors is not (of|a checkpoint of) this project"):
        imaging.load(path)


@pytest.mark.parametrize("damage", ["blank", "cut", "missing"])
def test_damaged_sums_are_told(damage, shelf):
    sums = shelf / room.SUMS
    text = sums.read_text()
    sums.write_text(f"{text}\n\n")
    assert room.find_network("small").exists()
    if damage == "missing":
        sums.unlink()
    elif damage == "cut":
        sums.write_text(text[:30])
    if damage != "blank":
        with pytest.raises(ImagingError, match=room.SUMS):
            room.find_network("small")
