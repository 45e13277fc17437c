"""The examples in the docstrings run."""

import doctest
import importlib
import re
import runpy
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "imaging"
MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>>" in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_run(name):
    failed, _ = doctest.testmod(importlib.import_module(name))
    assert failed == 0


def test_plug_and_play_gains_six_decibels(capsys):
    runpy.run_path(str(PACKAGE.parent / "examples" / "plug_and_play.py"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        before, after = re.findall(r"(\d+\.\d+) dB", line)
        assert float(after) > float(before) + 6
