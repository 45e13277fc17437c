"""A queue that runs one job per slot; a job that fails does not affect the others."""

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from imaging.runs.interrupts import EXIT_STATUS, Interrupted, Interrupts
from imaging.runs.status import is_over, mark_ended
from imaging.sweeps import children
from imaging.sweeps.children import Child
from imaging.sweeps.jobs import Job
from imaging.sweeps.slots import Slot

LOG = "log.txt"  # output of a job, in its directory


@dataclass
class Running:
    """A job, its process and its slot."""

    job: Job
    slot: Slot
    child: Child

    @property
    def occupies(self) -> bool:
        """Whether the next job cannot have the slot; the last part of a job needs cores, but no GPU."""
        return not (self.slot.is_gpu and self.child.has_left_its_slot)


class Queue:
    """Run jobs as child processes.

    Args:
        slots: the places for jobs, one job at a time in each.
        watcher: object whose methods `started(job, slot)`, `ended(job)` and `tick()` are called.
    """

    def __init__(self, slots: list[Slot], watcher):
        self.slots, self.watcher = slots, watcher
        self.running: list[Running] = []
        self.stopping = False

    def run(
        self, next_job: Callable[[], Job | None], ended: Callable[[Job], None] = lambda job: None
    ) -> None:
        """Run jobs until there are no more.

        Completed jobs are skipped. A signal is forwarded to the child processes, which save and end.

        Args:
            next_job: called when a slot is free; returns the next job, or None if there is none now.
            ended: called when a job has ended, successfully or not.

        Raises:
            Interrupted: the process received a signal.
        """
        try:
            with Interrupts(until="the running jobs are saved") as interrupts:
                interrupts.deferred = (
                    True  # between the start of a job and its entry in `running`, it would be lost
                )
                while True:
                    if interrupts.reason is not None:
                        interrupts.stop("stopped")
                    self._fill(next_job, ended)
                    if not self.running:
                        return
                    self._collect(ended)
                    self.watcher.tick()
                    time.sleep(0.05)
        except Interrupted as error:
            self._stop(str(error).split(":")[0])
        except BaseException:
            for running in self.running:
                running.child.process.terminate()  # it saves, and Python waits for it at its end
            raise

    def _fill(self, next_job, ended) -> None:
        while free := self._free_slots():
            job = next_job()
            if job is None:
                return
            if is_over(job.directory):
                self.watcher.ended(job)
                ended(job)
                continue
            self.running.append(Running(job, free[0], start(job, free[0])))
            self.watcher.started(job, free[0])

    def _free_slots(self) -> list[Slot]:
        if len(self.running) >= 2 * len(self.slots):  # their last parts take longer than the first
            return []
        busy = [running.slot for running in self.running if running.occupies]
        return [slot for slot in self.slots if slot not in busy]

    def _collect(self, ended) -> None:
        for running in list(self.running):
            status = running.child.process.exitcode
            if status is None:
                continue
            self.running.remove(running)
            record_end(running.job.directory, status, self.stopping)
            self.watcher.ended(running.job)
            ended(running.job)

    def _stop(self, reason: str) -> None:
        """Let the child processes save and end; kill them at a second signal."""
        self.stopping, outcome = True, "the running jobs are saved"
        with Interrupts():
            try:
                for running in self.running:
                    running.child.process.terminate()
                while self.running:
                    self._collect(lambda job: None)
                    self.watcher.tick()
                    time.sleep(0.05)
            except Interrupted:
                for running in self.running:
                    running.child.process.kill()
                    running.child.process.join()
                    record_end(running.job.directory, -signal.SIGKILL)
                    self.watcher.ended(running.job)
                outcome = "the running jobs were killed"
        raise Interrupted(f"{reason}: {outcome}")


def start(job: Job, slot: Slot) -> Child:
    """Start a job in its slot, with its output in its own log file."""
    # The queue may run in a Slurm allocation, but a job must not take itself for one of its tasks.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SLURM_")}
    return children.start(job.command, environment | slot.environment, job.directory / LOG)


def record_end(directory: Path, status: int, stopping: bool = False) -> None:
    """Correct the status of a job that was killed, or that ended before its run started.

    Args:
        directory: of the run.
        status: exit status of the process; if negative, the number of the signal that killed it.
        stopping: whether the queue stopped the job.
    """
    if stopping and status in (-signal.SIGTERM, EXIT_STATUS):
        mark_ended(directory, "interrupted", "SIGTERM: it had not started")
    elif status < 0:
        mark_ended(directory, "failed", f"killed by {signal.Signals(-status).name}")
    else:
        mark_ended(directory, "failed", f"exit status {status}: {last_line(directory / LOG)}")


def last_line(path: Path) -> str:
    """The last line of a log that is not blank."""
    lines = path.read_text(errors="replace").splitlines() if path.is_file() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it printed nothing")
