"""Where the images of a run lie is no part of what the run is."""

import json
import shutil

import pytest


@pytest.fixture
def stopped(run):
    """The run of two steps, as if it had been stopped before its test."""
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps(status | {"state": "interrupted"}))
    for name in ("summary.csv", "per_image.csv", "restored.png"):
        (run / name).unlink()
    return run


@pytest.fixture
def moved(photographs, tmp_path, monkeypatch):
    """The images at another place; where they were there is nothing."""
    place = tmp_path / "moved = here"
    shutil.move(photographs, place)
    yield place
    shutil.move(place, photographs)


def test_a_run_goes_on_where_its_images_are_now(command, stopped, moved):
    assert command("train.py", f"resume={stopped}")[0] == 2
    places = [f"data.source.{split}={moved / split}" for split in ("train", "test")]
    status, printed, complained = command("train.py", f"resume={stopped}", *places)
    assert (status, complained) == (0, "")
    assert "PSNR in dB" in printed


def test_so_it_does_with_its_whole_command(command, stopped, moved, tiny, photographs):
    words = [word.replace(str(photographs), str(moved)) for word in tiny]
    status, _, complained = command("train.py", *words, f"resume={stopped}")
    assert (status, complained) == (0, "")


def test_other_images_are_refused(command, stopped, photographs, tmp_path):
    shutil.copytree(photographs, tmp_path / "other")
    image = min((tmp_path / "other" / "train").iterdir())
    image.rename(image.with_name("zzz.png"))
    status, _, complained = command(
        "train.py", f"resume={stopped}", f"data.source.train={tmp_path}/other/train"
    )
    assert (status, complained.count("\n")) == (2, 1)
    assert "names of images" in complained


def test_beside_resume_a_setting_is_compared_and_no_more_than_it(command, stopped):
    status, _, complained = command("train.py", f"resume={stopped}", "data.batch_size=5")
    assert status == 2
    assert f"differs from that of {stopped}: data.batch_size: 4 -> 5 (saved" in complained
    assert command("train.py", f"resume={stopped}", "data.batch_size=4")[0] == 0


def test_a_sweep_over_directories_is_resumed_by_its_command(command, tiny, photographs, tmp_path):
    (tmp_path / "other").symlink_to(photographs / "train")
    words = [*tiny, f"data.source.train={photographs / 'train'},{tmp_path / 'other'}", "launcher=basic"]
    assert command("train.py", "-m", *words)[0] == 0
    (sweep,) = tmp_path.glob("multirun/*/*")
    status, printed, complained = command("train.py", "-m", *words, f"resume={sweep}")
    assert (status, complained) == (0, "")
    assert printed.count("completed") >= 2
