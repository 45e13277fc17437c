"""A queue of jobs over slots: one a slot, the next when one is free; a job that dies costs only itself."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imaging.runs.interrupts import EXIT_STATUS, Interrupted, Interrupts
from imaging.runs.parent import PARENT
from imaging.runs.status import end_as, is_over
from imaging.sweeps.jobs import Job
from imaging.sweeps.slots import Slot

LOG = "log.txt"  # what a job printed, in its directory


@dataclass
class Running:
    """A job, its process and its slot."""

    job: Job
    slot: Slot
    process: subprocess.Popen


class Queue:
    """Runs jobs as child processes.

    Args:
        slots: how many at a time, and where.
        watcher: is told what happens; `started(job, slot)`, `ended(job)`, `tick()`.
    """

    def __init__(self, slots: list[Slot], watcher):
        self.slots, self.watcher = slots, watcher
        self.running: list[Running] = []
        self.stopping = False

    def run(
        self, next_job: Callable[[], Job | None], ended: Callable[[Job], None] = lambda job: None
    ) -> None:
        """Run jobs until there are no more.

        Completed ones are not run again. A signal is handed to the children, which save and end.

        Args:
            next_job: gives the next job when a slot is free, or None if there is none now.
            ended: is called when a job has ended, in whatever way.

        Raises:
            Interrupted: a signal came.
        """
        try:
            with Interrupts():
                while True:
                    self._fill(next_job, ended)
                    if not self.running:
                        return
                    self._collect(ended)
                    self.watcher.tick()
                    time.sleep(0.05)
        except Interrupted as asked:
            self._stop(str(asked).split(":")[0])

    def _fill(self, next_job, ended) -> None:
        while len(self.running) < len(self.slots):
            job = next_job()
            if job is None:
                return
            if is_over(job.directory):
                self.watcher.ended(job)
                ended(job)
                continue
            taken = [r.slot for r in self.running]
            slot = next(s for s in self.slots if s not in taken)
            self.running.append(Running(job, slot, start(job, slot)))
            self.watcher.started(job, slot)

    def _collect(self, ended) -> None:
        for running in list(self.running):
            status = running.process.poll()
            if status is None:
                continue
            self.running.remove(running)
            record_end(running.job.directory, status, self.stopping)
            self.watcher.ended(running.job)
            ended(running.job)

    def _stop(self, why: str) -> None:
        """End the children, each having saved; at a second signal without."""
        self.stopping = True
        with Interrupts():
            try:
                for running in self.running:
                    running.process.send_signal(signal.SIGTERM)
                while self.running:
                    self._collect(lambda job: None)
                    self.watcher.tick()
                    time.sleep(0.05)
            except Interrupted:
                for running in self.running:
                    running.process.kill()
                    running.process.wait()
                    record_end(running.job.directory, -signal.SIGKILL)
        raise Interrupted(f"{why}: the jobs that ran are saved")


def start(job: Job, slot: Slot) -> subprocess.Popen:
    """Start a job in its slot, with its output in its own log file."""
    # A job is no task of the Slurm allocation in which the queue may run.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
    environment |= slot.environment | {PARENT: str(os.getpid()), "PYTHONUNBUFFERED": "1"}
    with (job.directory / LOG).open("ab") as log:
        # A session of its own: the terminal's Ctrl-C is for the queue, which hands it on.
        return subprocess.Popen(
            job.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def record_end(directory: Path, status: int, asked: bool = False) -> None:
    """Make the status of a job true that ended without saying so: killed, or gone before it was a run.

    Args:
        status: exit status of its process; negative, the number of the signal that killed it.
        asked: whether it was told to stop.
    """
    if asked and status in (-signal.SIGTERM, EXIT_STATUS):
        end_as(directory, "interrupted", "SIGTERM: it had not begun")
    elif status < 0:
        end_as(directory, "failed", f"killed by {signal.Signals(-status).name}")
    else:
        end_as(directory, "failed", f"exit status {status}: {last_line(directory / LOG)}")


def last_line(path: Path) -> str:
    """The last line of a log with something in it."""
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
