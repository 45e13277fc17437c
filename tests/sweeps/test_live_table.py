"""The table of a queue, in a terminal and elsewhere."""

import io
import re

import pytest
from rich.console import Console

from imaging.files import write_json
from imaging.runs.run import enqueue
from imaging.runs.status import read_status
from imaging.sweeps import live_table
from imaging.sweeps.jobs import Job
from imaging.sweeps.live_table import Progress, Watcher
from imaging.sweeps.slots import Slot

SLOT = Slot("GPU 5", {})


@pytest.fixture
def make_job(tmp_path):
    """A function of a name and the changes to its status that gives a job."""

    def make_job(name: str, **status) -> Job:
        enqueue(tmp_path / name, {"seed": 0})
        job = Job(tmp_path / name, ())
        change(job, **status)
        return job

    return make_job


def change(job: Job, **status) -> None:
    write_json(job.directory / "status.json", read_status(job.directory) | status)


@pytest.fixture
def clock(monkeypatch):
    """A list whose only element is the time in seconds."""
    now = [1000.0]
    monkeypatch.setattr(live_table.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch) -> io.StringIO:
    """What a terminal of 100 columns and 12 lines is sent."""
    text = io.StringIO()
    console = Console(file=text, force_terminal=True, width=100, height=12, color_system=None)
    monkeypatch.setattr(live_table, "Console", lambda **settings: console)
    return text


def lines(text: str) -> list[str]:
    """The lines without control sequences, with single spaces."""
    return [" ".join(line.split()) for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines()]


def test_a_job_has_its_step_its_psnr_and_the_time_that_is_left(make_job, clock):
    job = make_job("one", state="running")
    progress = Progress(job, SLOT)
    assert progress.cells() == ("GPU 5", "", "", "")  # its training has not begun
    change(job, step=100, steps=500)
    assert progress.cells() == ("GPU 5", "100/500", "", "")  # resumed: these steps were not made in this time
    clock[0] += 50
    change(job, step=200, validation={"100": 27.0, "200": 28.456}, memory=2560)
    assert progress.cells() == ("GPU 5, 2.5 GiB", "200/500", "28.46", "2:30 left")  # half a second a step
    change(job, validation={"200": None})
    assert progress.cells()[2] == ""
    change(job, state="completed")
    assert progress.cells() == ("GPU 5, 2.5 GiB", "", "", "")


def test_a_terminal_has_a_table_that_is_drawn_twice_a_second(make_job, terminal, clock, capsys):
    job = make_job("one", state="running", step=0, steps=10)
    with Watcher(3) as watcher:
        watcher.started(job, SLOT)
        watcher.tick()
        drawn = len(terminal.getvalue())
        assert "one running GPU 5 0/10" in lines(terminal.getvalue())
        clock[0] += 0.4
        watcher.tick()
        assert len(terminal.getvalue()) == drawn
        clock[0] += 0.2
        watcher.tick()
        assert len(terminal.getvalue()) > drawn
        change(job, state="completed", step=10, validation={"10": 30.0})
        watcher.ended(job)
        last = len(terminal.getvalue())
    assert lines(terminal.getvalue()[last:])[-3:] == [
        "job state where step val dB time",
        "one completed 10 30.00 0:01",
        "2 queued",
    ]
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1
    assert capsys.readouterr().out == ""  # no lines beside the table


def test_of_many_jobs_the_last_ones_that_fit_are_shown(make_job, terminal):
    watcher = Watcher(20)
    for number in range(15):
        watcher.ended(make_job(f"job-{number}", state="completed"))
    watcher.started(make_job("now", state="running"), SLOT)
    cells = list(watcher.table().columns[0].cells)
    # A line each for the head, the hidden and the queued jobs, and the cursor.
    assert cells == ["… and 8 more", *(f"job-{number}" for number in range(8, 15)), "now", "4 queued"]


def test_elsewhere_there_is_a_line_for_each_event(make_job, clock, capsys):
    job = make_job("one", state="running")
    with Watcher() as watcher:
        watcher.started(job, SLOT)
        watcher.tick()
        clock[0] += 65
        change(job, state="completed", validation={"10": 30.0})
        watcher.ended(job)
    assert capsys.readouterr().out.splitlines() == [
        "[0/?] one: started on GPU 5",
        "[1/?] one: completed, 30.00 dB in validation, 1:05",
    ]
