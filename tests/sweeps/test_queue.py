"""The queue itself, with jobs that are a few lines of Python each."""

import os
import signal
import sys

import pytest

from imaging.runs.interrupts import Interrupted
from imaging.runs.overrides import run_overrides
from imaging.runs.run import enqueue
from imaging.runs.status import describe_end, read_status
from imaging.sweeps import queue
from imaging.sweeps.jobs import Job
from imaging.sweeps.live_table import Watcher, clock
from imaging.sweeps.queue import Queue, last_line
from imaging.sweeps.slots import Slot

COMPLETE = """
import json, os, time
path = {directory!r} + "/status.json"
time.sleep({seconds})
status = json.load(open(path))
assert status["state"] == "queued"
json.dump(status | {{"state": "completed", "device": os.environ["SLOT"]}}, open(path, "w"))
"""
# A minute in pieces, because a signal that comes just before a sleep is looked at only after it.
WAIT = "[time.sleep(0.05) for _ in range(1200)]"
# The process to which the signals are sent.
QUEUE = "import multiprocessing, os, signal; queue = multiprocessing.parent_process().pid"


@pytest.fixture
def make_job(tmp_path):
    def make_job(name: str, code: str = COMPLETE, seconds: float = 0) -> Job:
        directory = tmp_path / name
        enqueue(directory, {"seed": 0})
        script = tmp_path / f"{name}.py"
        script.write_text(code.format(directory=str(directory), seconds=seconds))
        return Job(directory, (sys.executable, str(script)))

    return make_job


def run_all(jobs: list[Job], slots: int = 2, gpu: str = "") -> list[str]:
    """Names in the order of their ends."""
    waiting, order = iter(jobs), []
    places = [Slot(f"slot {i}", {"SLOT": str(i), "CUDA_VISIBLE_DEVICES": gpu}) for i in range(slots)]
    queue = Queue(places, Watcher(len(jobs)))
    queue.run(lambda: next(waiting, None), lambda job: order.append(job.name))
    return order


def test_the_next_job_starts_when_a_slot_is_free(make_job):
    jobs = [make_job("long", seconds=1.5), make_job("a"), make_job("b"), make_job("c")]
    assert run_all(jobs) == ["a", "b", "c", "long"]
    slots = [read_status(job.directory)["device"] for job in jobs]
    assert slots == ["0", "1", "1", "1"]


def test_a_gpu_is_free_before_its_job_has_made_its_figures(make_job):
    code = "import time; from imaging.sweeps.children import leave_slot; leave_slot(); time.sleep(1.5)"
    figures = code + COMPLETE
    assert run_all([make_job("first", figures), make_job("second")], slots=1, gpu="0") == ["second", "first"]
    # The cores of a CPU are not free meanwhile.
    assert run_all([make_job("third", figures), make_job("fourth")], slots=1) == ["third", "fourth"]


def test_each_way_to_die_costs_one_job_and_is_told(make_job):
    jobs = [
        make_job("raises", "raise ValueError('no such thing')"),
        make_job("exits", "import sys; print('bye'); sys.exit(3)"),
        make_job("killed", "import os; os.kill(os.getpid(), 9)"),
        make_job("leaves", "pass"),
        make_job("good"),
    ]
    run_all(jobs)
    ends = {job.name: describe_end(job.directory) for job in jobs}
    assert ends == {
        "raises": "failed (exit status 1: ValueError: no such thing)",
        "exits": "failed (exit status 3: bye)",
        "killed": "failed (killed by SIGKILL)",
        "leaves": "failed (exit status 0: it printed nothing)",
        "good": "completed",
    }
    assert "Traceback" in (jobs[0].directory / "log.txt").read_text()


@pytest.mark.parametrize("handler", ["signal.SIG_DFL", "lambda *_: sys.exit(130)"])
def test_a_job_that_is_interrupted_before_it_is_a_run_has_not_failed(handler, make_job):
    code = f"{QUEUE}; import sys, time; signal.signal(signal.SIGTERM, {handler}); "
    job = make_job("begins", code + f"os.kill(queue, signal.SIGINT); {WAIT}")
    with pytest.raises(Interrupted, match="SIGINT: the running jobs are saved"):
        run_all([job, make_job("waits")], slots=1)
    assert describe_end(job.directory) == "interrupted (SIGTERM: it had not started)"
    assert read_status(job.directory.parent / "waits")["state"] == "queued"


def test_a_second_signal_kills_the_jobs_that_do_not_end(make_job, capsys):
    send = "lambda *_: os.kill(queue, signal.SIGINT)"  # again, when the queue asks for an end
    code = f"{QUEUE}; import time; signal.signal(signal.SIGTERM, {send}); ({send})(); {WAIT}"
    job = make_job("stubborn", code)
    with pytest.raises(Interrupted, match="SIGINT: the running jobs were killed"):
        run_all([job, make_job("waits")], slots=1)
    assert describe_end(job.directory) == "failed (killed by SIGKILL)"
    assert "[1/2] stubborn: failed (killed by SIGKILL), 0:0" in capsys.readouterr().out
    assert read_status(job.directory.parent / "waits")["state"] == "queued"


def test_what_is_completed_is_not_started(make_job):
    jobs = [make_job("good"), make_job("other")]
    run_all(jobs)
    again = [Job(job.directory, (sys.executable, "there is no such script")) for job in jobs]
    assert run_all(again) == ["good", "other"]
    assert read_status(jobs[0].directory)["state"] == "completed"


def test_a_table_has_a_row_for_each_job(make_job):
    jobs = [make_job("one"), make_job("two")]
    watcher = Watcher(3)
    watcher.started(jobs[0], Slot("GPU 5", {}))
    watcher.ended(jobs[1])
    table = watcher.table()
    cells = [list(column.cells) for column in table.columns]
    assert cells[0] == ["two", "one", "1 queued"]
    assert cells[2][1] == "GPU 5"


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (125, "2:05"), (3725, "1:02:05"), (59.6, "1:00")])
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_the_last_line_of_a_log(tmp_path):
    (tmp_path / "log.txt").write_bytes(b"first\nlast \xff\n\n  \n")
    assert last_line(tmp_path / "log.txt") == "last \ufffd"
    assert last_line(tmp_path / "none") == "it printed nothing"


def test_a_job_gets_the_overrides_that_are_not_the_sweeps():
    words = [
        "sweep=search",
        "launcher=gpus",
        "hydra.launcher.devices=2",
        "hydra.sweeper.n_trials=6",
        "resume=multirun/x",
        "hydra/launcher=basic",
        "hydra.mode=MULTIRUN",
        "+trainer.deterministic=true",
        "model.depth=3",
    ]
    assert run_overrides(words) == ["sweep=search", "+trainer.deterministic=true", "model.depth=3"]


def test_a_signal_between_the_start_of_a_job_and_its_entry_stops_the_job(make_job, monkeypatch):
    begin = queue.start

    def start(job, slot):
        child = begin(job, slot)
        os.kill(os.getpid(), signal.SIGINT)
        return child

    monkeypatch.setattr(queue, "start", start)
    job = make_job("begins", f"{QUEUE}; import time; signal.signal(signal.SIGTERM, signal.SIG_DFL); {WAIT}")
    with pytest.raises(Interrupted, match="SIGINT: the running jobs are saved"):
        run_all([job], slots=1)
    assert describe_end(job.directory) == "interrupted (SIGTERM: it had not started)"
