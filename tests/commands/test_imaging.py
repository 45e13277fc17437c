"""The command line of `imaging`: help, mistakes, interruptions."""

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


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt(), 130), (PermissionError(13, "no", "a"), 2)]
)
def test_an_interruption_and_a_full_disk_have_their_status(error, status, imaging, monkeypatch):
    def fail(options):
        raise error

    monkeypatch.setattr(export, "run", fail)
    assert imaging("export", "denoiser-32", "a.pt2")[0] == status


def test_a_bug_has_its_traceback(imaging, monkeypatch):
    def fail(options):
        raise RuntimeError("a bug")

    monkeypatch.setattr(export, "run", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        imaging("export", "denoiser-32", "a.pt2")
