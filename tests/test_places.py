"""The command that is printed is the one to type here."""

import shlex
import sys

import pytest

from imaging import places


@pytest.mark.parametrize(
    ("script", "in_checkout", "expected"),
    [
        ("train.py", False, ["python", "evaluate.py"]),
        ("../imaging/train.py", False, ["python", "../imaging/evaluate.py"]),
        ("/usr/bin/imaging", True, ["python", "evaluate.py"]),
        ("/usr/bin/imaging", False, ["imaging", "evaluate"]),
    ],
)
def test_a_command_is_of_the_form_in_which_this_process_was_started(
    script, in_checkout, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(sys, "argv", [script, "run=x"])
    monkeypatch.setattr(places, "CHECKOUT", tmp_path if in_checkout else tmp_path / "elsewhere")
    monkeypatch.chdir(tmp_path)
    words = ["run=a b", "data.source.test='c'", "sigmas=[0.1]"]
    assert shlex.split(places.command_line("evaluate", *words)) == [*expected, *words]
