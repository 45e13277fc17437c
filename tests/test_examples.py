"""The examples in the docstrings run."""

import doctest
import importlib
import re
import runpy
from pathlib import Path

import pytest
import torch

from imaging.randomness import generator

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


EXTEND = (PACKAGE.parent / "docs" / "extend.md").read_text()


@pytest.mark.parametrize("path", sorted((PACKAGE.parent / "examples" / "extend").glob("[a-z]*.py")), ids=str)
def test_a_part_of_ones_own_is_on_the_page_and_trains_as_it_says_there(path, command, tmp_path, monkeypatch):
    """Two steps of the command on the page."""
    module = f"examples.extend.{path.stem}"
    assert f'--8<-- "examples/extend/{path.name}"' in EXTEND
    (words,) = re.findall(rf"^    imaging train (.*imports=\[{module}\].*)$", EXTEND, re.MULTILINE)
    monkeypatch.chdir(PACKAGE.parent)  # the command is typed in the checkout
    small = [
        "debug=default",
        "data.crop=[64,64]",
        "trainer.accelerator=cpu",
        f"hydra.run.dir={tmp_path / 'run'}",
    ]
    status, printed, complained = command("train.py", *words.split(), *small)
    assert status == 0, complained
    assert "measured y" in printed
    tests = doctest.testmod(importlib.import_module(module))
    assert tests.attempted > 0
    assert tests.failed == 0


def test_plug_and_play_gains_six_decibels(capsys):
    runpy.run_path(str(PACKAGE.parent / "examples" / "plug_and_play.py"))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines:
        before, after = re.findall(r"(\d+\.\d+) dB", line)
        assert float(after) > float(before) + 6


def test_the_noise_is_finite_where_a_draw_is_0(monkeypatch):
    noise = importlib.import_module("examples.extend.noise").LaplaceNoise(0.1)
    monkeypatch.setattr(torch, "rand", lambda size, **_: torch.zeros(size))
    assert torch.isfinite(noise(torch.zeros(1, 1, 2, 2), generator(0), 0.1)).all()
