"""The command line of `imaging`: help, mistakes, interruptions."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from imaging.commands import export

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "imaging: the following arguments are required: <command>; see imaging --help"),
        (["restor"], "invalid choice: 'restor'"),
        (["restore", "a.png", "b.png"], "imaging restore: the following arguments are required: --network;"),
        (["restore", "a.png", "b.png", "--network", "x", "--sigma", "loud"], "invalid float value: 'loud'"),
        (["restore", "a.png", "b.png", "--net", "x"], "the following arguments are required: --network"),
        (["export", "denoiser-32", "a.pt2", "--size", "5"], "argument --size: expected 2 arguments"),
    ],
)
def test_a_mistake_is_reported_in_one_line(words, message, imaging):
    status, printed, complained = imaging(*words)
    assert (status, printed, complained.count("\n")) == (2, "", 1)
    assert message in complained


@pytest.mark.parametrize("words", [["--help"], ["restore", "--help"], ["export", "--help"]])
def test_help_does_not_wait_for_torch(words):
    code = f"""
import sys
from imaging.commands.main import main
try:
    main({words})
except SystemExit as end:
    assert not end.code
assert "torch" not in sys.modules
"""
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.startswith(f"usage: imaging {' '.join(words[:-1])}".strip())


def test_the_module_is_the_command():
    words = [sys.executable, "-m", "imaging", "restore", "none.png", "a.png", "--network", "denoiser-32"]
    process = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True)
    assert (process.returncode, process.stderr) == (2, "imaging restore: there is no image none.png\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_is_reported_in_one_line(number, imaging, monkeypatch):
    monkeypatch.setattr(export, "run", lambda options: os.kill(os.getpid(), number))
    status, _, complained = imaging("export", "denoiser-32", "a.pt2")
    assert (status, complained) == (130, f"imaging export: {number.name}: stopped\n")


def test_a_directory_that_cannot_be_written_is_reported_in_one_line(imaging, monkeypatch):
    def fail(options):
        raise PermissionError(13, "Permission denied", "a.pt2")

    monkeypatch.setattr(export, "run", fail)
    status, _, complained = imaging("export", "denoiser-32", "a.pt2")
    assert (status, complained) == (2, "imaging export: cannot write a.pt2: Permission denied\n")


def test_a_bug_has_its_traceback(imaging, monkeypatch):
    def fail(options):
        raise RuntimeError("a bug")

    monkeypatch.setattr(export, "run", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        imaging("export", "denoiser-32", "a.pt2")
