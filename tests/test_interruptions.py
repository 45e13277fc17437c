"""The commands when something goes wrong: signals, limits, damaged files, disks, a loss of nan."""

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

CHECKOUT = Path(__file__).parents[1]


def test_a_time_limit_saves_and_says_that_the_run_is_to_be_started_again(command, tiny, tmp_path):
    status, _, complained = command("train.py", *tiny, "trainer.time_limit=1e-9")
    assert status == 75
    assert "time limit: saved after step 1; to go on: python train.py resume=outputs/" in complained
    (run,) = tmp_path.glob("outputs/*/*")
    assert json.loads((run / "status.json").read_text())["state"] == "interrupted"
    status, _, _ = command("train.py", f"resume={run}")
    assert status == 75
    assert torch.load(run / "checkpoints/last.ckpt", weights_only=True)["global_step"] == 2
    assert command("train.py", f"resume={run}")[0] == 0


def test_a_directory_that_cannot_be_written_is_told_in_one_line(command, tiny, tmp_path, monkeypatch):
    from imaging import files

    def refuse(path, write):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(files, "write_atomically", refuse)
    status, _, complained = command("train.py", *tiny)
    assert (status, complained.count("\n")) == (2, 1)
    assert "cannot write outputs/" in complained
    assert "Permission denied" in complained


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("config.yaml", "", "config.yaml cannot be read as the config of a run"),
        ("config.yaml", "a: [b", "config.yaml cannot be read as the config of a run"),
        ("config.yaml", "[1, 2]", "config.yaml cannot be read as the config of a run"),
        ("checkpoints/last.ckpt", "nonsense", "delete"),
    ],
)
def test_a_damaged_run_is_told_in_one_line(name, content, words, command, run):
    (run / "status.json").write_text('{"state": "running"}')
    (run / name).write_text(content)
    status, _, complained = command("train.py", f"resume={run}")
    assert (status, complained.count("\n")) == (2, 1)
    assert words in complained


@pytest.mark.parametrize("content", ["{}", "null", "[]", "{", '{"state": "running"}'])
def test_a_damaged_status_is_no_obstacle(content, command, run):
    (run / "status.json").write_text(content)
    assert command("train.py", f"resume={run}")[0] == 0
    assert json.loads((run / "status.json").read_text())["state"] == "completed"


def test_a_training_that_diverges_fails_and_says_so(command, tiny, tmp_path):
    arguments = ["optimizer.lr=1e30", "trainer.max_steps=20"]
    status, _, complained = command("train.py", *tiny, *arguments)
    assert (status, complained.count("\n")) == (2, 1)
    assert "choose a lower optimizer.lr (it is 1e+30)" in complained
    (run,) = tmp_path.glob("outputs/*/*")
    assert json.loads((run / "status.json").read_text())["state"] == "failed"


def test_a_training_that_diverges_between_two_points_of_its_curve_fails_too(command, tiny, tmp_path):
    arguments = ["optimizer=sgd", "optimizer.lr=1e6", "trainer.max_steps=20", "trainer.log_every_n_steps=25"]
    status, _, complained = command("train.py", *tiny, *arguments)
    assert (status, complained.count("\n")) == (2, 1)
    assert "the weights are not finite: choose a lower optimizer.lr (it is 1000000.0)" in complained
    (run,) = tmp_path.glob("outputs/*/*")
    assert json.loads((run / "status.json").read_text())["state"] == "failed"
    assert command("train.py", f"resume={run}")[0] == 2  # it is still so


@pytest.mark.parametrize("study", [[], ["physics=blur", "psf=gaussian", "task=deconvolver", "model=unet"]])
def test_weights_that_are_not_finite_replace_no_good_ones(study, command, tiny, tmp_path):
    """They are found at the next validation or checkpoint, though the loss is not looked at."""
    diverges = ["optimizer=sgd", "optimizer.lr=1e9", "trainer.max_steps=20", "trainer.log_every_n_steps=1000"]
    every = ["trainer.val_check_interval=4", "trainer.checkpoint_every_n_steps=1"]
    status, _, complained = command("train.py", *tiny, *study, *diverges, *every)
    assert (status, complained.count("\n")) == (2, 1)
    assert "the weights are not finite: choose a lower optimizer.lr" in complained
    (run,) = tmp_path.glob("outputs/*/*")
    assert (run / "checkpoints/last.ckpt").is_file()
    for path in (run / "checkpoints").glob("*.ckpt"):
        weights = torch.load(path, weights_only=True)["state_dict"].values()
        assert all(torch.isfinite(value).all() for value in weights), path


def test_a_file_in_the_place_of_a_directory(command, tiny, tmp_path):
    (tmp_path / "file").touch()
    status, _, complained = command("train.py", *tiny, "resume=file")
    assert (status, complained.count("\n")) == (2, 1)


def test_a_signal_before_there_is_a_run_is_told_in_one_line(tmp_path):
    child = subprocess.Popen(
        [sys.executable, str(CHECKOUT / "train.py")], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    time.sleep(1.2)
    child.send_signal(signal.SIGUSR1)
    _, complained = child.communicate(timeout=60)
    assert child.returncode in (75, -signal.SIGUSR1)  # the latter on a machine too slow for these seconds
    assert "Traceback" not in complained


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there are terminals that hang up on Unix only")
@pytest.mark.parametrize("ignored", [False, True], ids=["", "nohup"])
def test_a_terminal_that_is_closed_ends_a_run_that_saves_first(ignored, tiny, tmp_path):
    """Of a terminal of its own, in which the training runs, the other end is closed."""
    long = [w for w in tiny if not w.startswith("trainer.max_steps")]
    steps = 400 if ignored else 1_000_000
    words = [
        sys.executable,
        CHECKOUT / "train.py",
        *long,
        f"trainer.max_steps={steps}",
        "trainer.max_epochs=-1",
    ]
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        # The tests may run under nohup, whose children ignore the signal too.
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        if ignored:
            for number in (1, 2):
                os.dup2(os.open("nohup.out", os.O_WRONLY | os.O_CREAT), number)
        os.execv(sys.executable, list(map(str, words)))
    try:
        end = time.monotonic() + 120
        while not any(state(path).get("step") for path in tmp_path.glob("outputs/*/*/status.json")):
            assert time.monotonic() < end
            time.sleep(0.1)
            os.set_blocking(terminal, False)
            with contextlib.suppress(BlockingIOError):
                os.read(terminal, 1 << 16)
    finally:
        os.close(terminal)
    end = time.monotonic() + 120
    while not over(process) and time.monotonic() < end:
        time.sleep(0.1)
    if time.monotonic() > end:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    (path,) = tmp_path.glob("outputs/*/*/status.json")
    if ignored:
        assert state(path)["state"] == "completed"
        return
    assert os.waitstatus_to_exitcode(status) == 130
    assert state(path)["state"] == "interrupted"
    assert state(path)["error"].startswith("SIGHUP: saved after step")
    saved = torch.load(path.parent / "checkpoints/last.ckpt", weights_only=True)["global_step"]
    assert state(path)["error"] == f"SIGHUP: saved after step {saved}"


@pytest.mark.slow
def test_a_pipe_that_is_closed_ends_a_run_that_saves_first(tiny, tmp_path):
    long = [w for w in tiny if not w.startswith("trainer.max_steps")]
    long += ["trainer.max_steps=1000000", "trainer.max_epochs=-1"]
    words = [sys.executable, CHECKOUT / "train.py", *long]
    run = subprocess.Popen(
        words,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # the tests may run under nohup
    )
    try:
        while "step" not in (line := run.stdout.readline()):
            assert line, run.stderr.read()
        run.stdout.close()
        assert run.wait(timeout=120) == 130
        complained = run.stderr.read()
    finally:
        run.kill()
    assert "SIGHUP: saved after step" in complained
    assert "Traceback" not in complained
    (path,) = tmp_path.glob("outputs/*/*/status.json")
    assert state(path)["state"] == "interrupted"


def over(process: int) -> bool:
    """Whether a child has ended; it stays to be waited for."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def state(path: Path) -> dict:
    return json.loads(path.read_text())
