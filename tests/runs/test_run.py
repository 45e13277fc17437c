"""A run's directory and its status."""

import errno
import subprocess
from importlib.metadata import version

import pytest

from imaging.errors import ImagingError
from imaging.runs import run as module
from imaging.runs.config import read_config
from imaging.runs.run import Interrupted, Run, commit
from imaging.runs.status import read_status, true_state


def test_config_and_status_are_there_from_the_first_second(tmp_path):
    Run(tmp_path / "run", {"seed": 1, "model": {"name": "dncnn"}})
    added = {"imports": [], "figures": {"width": None}}
    assert read_config(tmp_path / "run") == {"seed": 1, "model": {"name": "dncnn"}} | added
    status = read_status(tmp_path / "run")
    assert status["state"] == "running"
    assert {"step", "host", "device", "pid", "commit", "started", "updated", "error"} <= status.keys()


@pytest.mark.parametrize(
    ("error", "state"),
    [(None, "completed"), (ValueError("broken"), "failed"), (SystemExit(3), "failed")],
)
def test_the_status_says_how_it_ended(tmp_path, error, state):
    run = Run(tmp_path, {})

    def body():
        with run.watched():
            if error is not None:
                raise error

    if error is None:
        body()
    else:
        with pytest.raises(type(error)):
            body()
        assert read_status(tmp_path)["error"] == f"{type(error).__name__}: {error}"
    assert read_status(tmp_path)["state"] == state


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Interrupted("SIGTERM: saved after step 3")])
def test_an_interrupted_run_says_how_to_go_on(tmp_path, error):
    run = Run(tmp_path, {})
    with pytest.raises(Interrupted, match=f"to go on: python train.py resume={tmp_path}"), run.watched():
        raise error
    assert read_status(tmp_path)["state"] == "interrupted"


def test_a_directory_without_a_run_is_named(tmp_path):
    with pytest.raises(ImagingError, match=f"^{tmp_path} is not a run directory"):
        read_config(tmp_path)
    assert read_status(tmp_path)["state"] == "unknown"


def test_the_commit_is_gits_or_the_version_or_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    assert commit() is None  # git says that it is no repository
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init"], ["commit", "--allow-empty", "-m", "first"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    assert commit() == head[:12]
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path))
        assert commit() is None  # there is no git
    monkeypatch.setattr(module, "CHECKOUT", None)
    assert commit() == f"version {version('imaging')}"


def test_how_a_run_ends_is_told_on_a_full_disk(tmp_path, monkeypatch):
    run = Run(tmp_path, {"name": "a"})

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("imaging.runs.run.write_json", full)
    with pytest.raises(OSError, match="No space left"), run.watched():
        run.update(step=3)
    status = read_status(tmp_path)
    assert status["state"] == "failed"
    assert "No space left on device" in status["error"]


def test_a_directory_that_is_moved_while_it_runs(tmp_path):
    run = Run(tmp_path / "a", {"name": "a"})

    def work() -> None:
        with run.watched():
            (tmp_path / "a").rename(tmp_path / "b")
            (tmp_path / "a" / "tensorboard" / "events").write_bytes(b"")

    with pytest.raises(ImagingError, match=r"a was moved or removed while it was running; if it was moved: "):
        work()
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert true_state(tmp_path / "b") == "killed"  # and is resumed as such
