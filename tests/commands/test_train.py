"""What train.py prints of a run that is stopped, and of a directory that is not to be resumed like this."""

import json
import shlex
from pathlib import Path

import pytest

from imaging.files import write_json


@pytest.fixture
def sweep(tmp_path):
    """A sweep of three jobs with 90 dB after one step."""
    directory = tmp_path / "a sweep"
    for number in range(3):
        write_json(directory / str(number) / "status.json", {"state": "running", "validation": {"1": 90.0}})
    record = {"hydra": {"overrides": {"task": ["seed=0,1,2", "name=a b"]}, "sweeper": {}}}
    write_json(directory / "multirun.yaml", record)  # JSON is YAML
    return directory


def test_a_run_that_is_pruned_is_told_without_a_table(command, tiny, sweep):
    pruning = ["trainer.val_check_interval=1", "trainer.prune_after=1", "trainer.prune_others=3"]
    run = Path(sweep.name) / "3-new"
    status, printed, complained = command("train.py", *tiny, *pruning, f"hydra.run.dir='{run}'")
    assert (status, complained) == (0, "")
    assert json.loads((run / "status.json").read_text())["state"] == "pruned"
    last = printed.splitlines()[-1]
    assert last.startswith(f"{run}: pruned (")
    assert last.endswith("dB after 1 steps, the median of 3 others is 90.00 dB)")
    assert "PSNR in dB, mean over" not in printed
    again = command("train.py", f"resume={run}")
    assert again == (0, f"{last}\n", "")


def test_a_sweep_is_resumed_by_its_own_command(command, tiny, sweep):
    status, _, complained = command("train.py", f"resume={sweep}")
    assert (status, complained.count("\n")) == (2, 1)
    assert f"{sweep} is a sweep: " in complained
    words = shlex.split(complained.partition(" is a sweep: ")[2])
    assert words == ["python", "train.py", "-m", "seed=0,1,2", "name=a b", f"resume={sweep}"]


def test_test_images_that_are_those_of_the_training_are_told(command, tiny, photographs):
    status, _, complained = command("train.py", *tiny, f"data.source.test={photographs / 'train'}")
    assert status == 0
    assert f"{photographs / 'train'}: the test images are those of the training\n" in complained
