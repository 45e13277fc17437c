"""A sweep that is interrupted, and one whose report is: the table comes, and the exit status is true.

The jobs only write a status, and the report is a line: what they are otherwise is tested elsewhere.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imaging.errors import ImagingError
from imaging.runs.resume import open_config
from imaging.runs.run import Run
from imaging.runs.status import is_over, read_status

CHECKOUT = Path(__file__).parents[2]


def states(directory: Path) -> list[str]:
    return [read_status(run.parent)["state"] for run in sorted(directory.glob("*/status.json"))]


@pytest.fixture
def sweep(command, monkeypatch):
    """`python train.py -m seed=0,1,…` with other jobs and another report.

    Returns a function of what each job does before its end, of what it does after, by its seed, and of what
    happens in the report; it gives the exit status, the states of the jobs that each finished report has
    seen, and what was complained.
    """
    from imaging.commands import sweep as end
    from imaging.commands import train

    def sweep(within=None, behind=None, reporting=lambda: None, jobs: str = "0,1"):
        reports = []

        def body(config):
            settings, directory = open_config(config)
            with Run(directory, settings).watched():
                (within or {}).get(settings["seed"], lambda: None)()
            (behind or {}).get(settings["seed"], lambda: None)()

        def after_sweep(directory):
            seen = states(directory)
            reporting()
            reports.append(seen)
            return [f"{run.name} failed" for run in directory.iterdir() if run.is_dir() and not is_over(run)]

        monkeypatch.setattr(train, "train", body)
        monkeypatch.setattr(end, "after_sweep", after_sweep)
        status, _, complained = command("train.py", "-m", f"seed={jobs}")
        return status, reports, complained

    return sweep


def send(*numbers: signal.Signals):
    """A function that sends signals to this process."""

    def sending():
        for number in numbers:
            os.kill(os.getpid(), number)

    return sending


def fail(error: Exception):
    def failing():
        raise error

    return failing


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_while_the_report_is_written_waits_for_it(number, sweep):
    status, reports, complained = sweep(reporting=send(number))
    assert (status, reports) == (0, [["completed", "completed"]])
    assert complained == f"\n{number.name}: stopping after the report (send it again to stop at once)\n"


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGUSR1, 75)])
def test_then_the_exit_status_is_that_of_the_signal_if_jobs_are_not_completed(number, expected, sweep):
    status, reports, complained = sweep(within={0: fail(ImagingError("no"))}, reporting=send(number))
    assert (status, reports) == (expected, [["failed", "completed"]])
    assert f"train.py: {number.name}: the report is written; to go on: the same command with " in complained


def test_a_second_signal_does_not_wait(sweep):
    status, reports, complained = sweep(reporting=send(signal.SIGINT, signal.SIGINT))
    assert (status, reports) == (130, [])
    assert "train.py: SIGINT: stopped at once; to go on: the same command with resume=" in complained


@pytest.mark.parametrize(("number", "expected"), [(signal.SIGINT, 130), (signal.SIGUSR1, 75)])
def test_what_is_completed_of_an_interrupted_sweep_is_reported(number, expected, sweep):
    status, reports, complained = sweep(within={1: send(number)}, jobs="0,1,2")
    assert (status, reports) == (expected, [["completed", "interrupted"]])
    assert complained.count("\n") == 1
    assert f"train.py: {number.name}: stopped; to go on: the same command with resume=" in complained


def test_nothing_completed_is_not_reported(sweep):
    status, reports, _ = sweep(within={0: send(signal.SIGINT)})
    assert (status, reports) == (130, [])


def test_a_signal_as_the_last_job_ends_costs_no_report(sweep):
    status, reports, complained = sweep(behind={1: send(signal.SIGINT)})
    assert (status, reports) == (130, [["completed", "completed"]])
    assert "to go on: the same command with resume=" in complained


@pytest.mark.parametrize(
    ("error", "words"), [(ImagingError("a bad file"), "a bad file"), (KeyError("x"), "KeyError: 'x'")]
)
def test_an_error_of_the_report_does_not_hide_the_interruption(error, words, sweep):
    status, _, complained = sweep(within={1: send(signal.SIGUSR1)}, reporting=fail(error))
    assert status == 75
    told, last = complained.splitlines()
    assert told == f"no report of what is completed: {words}"
    assert last.startswith("train.py: SIGUSR1: stopped; to go on: the same command with resume=")


def test_nor_does_a_signal_during_that_report(sweep):
    status, reports, complained = sweep(within={1: send(signal.SIGUSR1)}, reporting=send(signal.SIGINT))
    assert (status, reports) == (75, [])
    told, last = complained.splitlines()
    assert told == "no report of what is completed: stopped at once"
    assert last.startswith("train.py: SIGUSR1: stopped; to go on: the same command with resume=")


SCRIPT = """
import sys, time
sys.path.insert(0, {checkout!r})
from hydra.core.hydra_config import HydraConfig
from imaging.commands.frame import command
from imaging.runs.run import Run

def body(config):
    with Run(HydraConfig.get().runtime.output_dir, {{}}).watched() as run:
        if config.seed == 1:
            run.update(device="waits")
            time.sleep(60)

def after_sweep(directory):
    print("REPORT", directory)
    return []

if __name__ == "__main__":
    command("train", body, after_sweep)
"""


def test_a_queue_that_is_interrupted_reports_what_is_completed(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT.format(checkout=str(CHECKOUT)))
    arguments = ["-m", "launcher=gpus", "hydra.launcher.devices=cpu:1", "seed=0,1,2", "hydra.sweep.dir=sweep"]
    queue = subprocess.Popen(
        [sys.executable, "train.py", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not any(read_status(run)["device"] == "waits" for run in tmp_path.glob("sweep/1-*")):
        assert queue.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    queue.send_signal(signal.SIGINT)
    printed, complained = queue.communicate(timeout=60)
    assert queue.returncode == 130
    assert "REPORT sweep" in printed
    assert states(tmp_path / "sweep") == ["completed", "interrupted", "queued"]
    assert "to go on: the same command with resume=sweep" in complained
