"""One run on several processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imaging.reporting.curves import read_curves

TRAIN = Path(__file__).parents[2] / "train.py"
TWO = ["trainer=ddp", "trainer.devices=2", "trainer.precision=float32", "model.hidden_channels=8"]


def only(tmp_path: Path) -> Path:
    (run,) = tmp_path.glob("outputs/*/*")
    return run


@pytest.fixture
def environment():
    """One thread a process."""
    return os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.mark.slow
def test_two_processes_have_the_curve_of_one(command, tiny, tmp_path, environment):
    steps = [*tiny, "trainer.max_steps=9", "trainer.val_check_interval=3", "data.batch_size=8"]
    child = subprocess.run(
        [sys.executable, TRAIN, *steps, *TWO], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.count("PSNR in dB") == 1  # the second process is quiet
    two = only(tmp_path).rename(tmp_path / "two")
    assert json.loads((two / "status.json").read_text())["device"].endswith("x 2")
    assert command("train.py", *steps, TWO[2], TWO[3])[0] == 0
    for tag in ("train/loss", "train/psnr", "val/psnr"):
        one = read_curves(only(tmp_path), [tag])[tag]
        assert read_curves(two, [tag])[tag][0] == one[0]
        tolerance = 1e-5 if tag == "train/loss" else 1e-3  # dB
        assert read_curves(two, [tag])[tag][1] == pytest.approx(one[1], abs=tolerance)


@pytest.mark.slow
def test_two_processes_validate_the_same_strength(command, tiny, tmp_path, environment):
    method = [*tiny, "model=total_variation", "data.validation_images=2", "test.sigmas=[0.1]"]
    two = [sys.executable, TRAIN, *method, *TWO[:2]]
    subprocess.run(two, cwd=tmp_path, env=environment, check=True)
    both = only(tmp_path).rename(tmp_path / "two")
    assert command("train.py", *method)[0] == 0
    found, expected = (json.loads((run / "metrics.json").read_text()) for run in (both, only(tmp_path)))
    assert found["val/psnr"] == pytest.approx(expected["val/psnr"], abs=1e-3)


def wait_for_training(tmp_path: Path) -> dict:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        found = [json.loads(p.read_text()) for p in tmp_path.glob("outputs/*/*/status.json")]
        if found and found[0]["device"]:
            return found[0]
        time.sleep(0.05)
    raise AssertionError("the training did not begin")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.mark.slow
def test_the_second_process_does_not_outlive_the_first(tiny, tmp_path, environment):
    steps = [*tiny, *TWO, "trainer.max_steps=100000", "trainer.max_epochs=-1"]
    child = subprocess.Popen([sys.executable, TRAIN, *steps], cwd=tmp_path, env=environment)
    wait_for_training(tmp_path)
    others = subprocess.run(["pgrep", "-P", str(child.pid)], capture_output=True, text=True, check=False)
    pids = [int(pid) for pid in others.stdout.split()]
    assert len(pids) == 1
    child.kill()
    child.wait()
    deadline = time.monotonic() + 60
    while any(map(alive, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_a_signal_to_the_first_process_ends_both_and_the_run_goes_on(tiny, tmp_path, environment):
    steps = [*tiny, *TWO, "trainer.max_steps=2000", "trainer.max_epochs=-1", "trainer.log_every_n_steps=5"]
    child = subprocess.Popen(
        [sys.executable, TRAIN, *steps], cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    wait_for_training(tmp_path)
    child.send_signal(signal.SIGTERM)
    _, complained = child.communicate(timeout=60)
    assert child.returncode == 130, complained
    status = json.loads((only(tmp_path) / "status.json").read_text())
    assert status["state"] == "interrupted"
    again = subprocess.run(
        [sys.executable, TRAIN, *steps, f"resume={only(tmp_path)}"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    assert json.loads((only(tmp_path) / "status.json").read_text())["state"] == "completed"
