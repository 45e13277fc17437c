"""Where the tables of an evaluation lie."""

from pathlib import Path

import pytest

from imaging.commands.evaluate import choose_data, open_network
from imaging.commands.retest import output_directory
from imaging.errors import ImagingError
from imaging.files import write_json

SETTINGS = dict.fromkeys(("output", "sigmas", "peaks", "noise_seeds", "pixel", "convention", "sigma"))
SETTINGS |= {"self_ensemble": False, "accelerator": "cpu", "boundary": None}


@pytest.fixture
def weights(tmp_path) -> Path:
    """A directory of two files of weights."""
    directory = tmp_path / "weights-1.2"
    directory.mkdir()
    for name in ("a.1.safetensors", "b.safetensors"):
        (directory / name).touch()
    return directory


def test_tables_are_not_written_among_weights(weights, monkeypatch):
    def place(target: Path, **changes) -> Path:
        return output_directory(target, SETTINGS | changes, [{"sigmas": [0.1]}], "folder")

    assert place(weights) == Path("outputs/weights-1.2")
    assert place(weights / "a.1.safetensors") == Path("outputs/a.1")
    assert place(weights / "b.safetensors", sigmas=[0.2]) == Path("outputs/b/sigmas-0.2")
    assert place(weights, output="mine") == Path("mine")
    monkeypatch.chdir(weights)
    assert place(Path()) == Path("outputs/weights-1.2")


def test_those_of_a_run_are_its_own(tmp_path):
    (tmp_path / "run.1").mkdir()
    assert output_directory(tmp_path / "run.1", SETTINGS, [{}], "folder") == tmp_path / "run.1"
    assert output_directory(tmp_path / "last.ckpt", SETTINGS, [{}], "folder") == tmp_path / "last"


def test_data_of_weights_from_another_machine_are_looked_for_here():
    settings = {"paths": {"data": "/here"}}
    data = {"source": {"name": "bsds300", "root": None, "channels": 3}, "crop": [4, 4]}
    choose_data(data, settings)
    assert data == {"source": {"name": "bsds300", "root": "/here", "channels": 3}, "crop": [4, 4]}
    choose_data(data, {"paths": {"data": "/there"}})
    assert data["source"]["root"] == "/here"
    folder = {"source": {"name": "folder"}}
    choose_data(folder, settings)
    assert folder == {"source": {"name": "folder"}}
    choose_data(data, settings | {"data": {"source": {"name": "bundled"}, "max_test_images": 1}})
    assert data == {"source": {"name": "bundled", "channels": 3}, "crop": [4, 4], "max_test_images": 1}


def test_a_run_of_a_sweep_that_is_not_completed_is_tested_alone(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "last.ckpt").touch()
    write_json(tmp_path / "status.json", {"state": "interrupted", "error": "SIGINT", "step": 3, "steps": 8})
    words = rf"interrupted \(SIGINT\), step 3 of 8; to test it alone: .*evaluate.* run={tmp_path}$"
    with pytest.raises(ImagingError, match=words):
        open_network(tmp_path, SETTINGS, in_sweep=True)
    with pytest.raises(ImagingError, match="cannot be read as a checkpoint"):  # it is tried
        open_network(tmp_path, SETTINGS, in_sweep=False)
