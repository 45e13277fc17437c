"""What the tests of several launchers need."""

import pytest


@pytest.fixture
def command_line(command, monkeypatch):
    """`python train.py -m …` in this process, where no GPU is visible."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return lambda *arguments: command("train.py", "-m", *arguments)
