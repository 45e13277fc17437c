"""Show the progress of a queue: a live table in a terminal, one line per event elsewhere."""

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.table import Table

from imaging.runs.status import describe_end, read_status
from imaging.sweeps.jobs import Job
from imaging.sweeps.slots import Slot

STYLES = {"completed": "green", "failed": "red", "running": "cyan", "interrupted": "yellow", "pruned": "blue"}


def clock(seconds: float) -> str:
    """Format a duration: '2:05', '1:02:05'."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class Progress:
    """The progress of a running job, read from its status file."""

    def __init__(self, job: Job, slot: Slot):
        self.job, self.slot, self.began = job, slot, time.monotonic()
        self._first: tuple[int, float] | None = None  # step and time when the training started

    def cells(self) -> tuple[str, str, str, str]:
        """Slot and memory of its GPU, step and number of steps, last validation PSNR, remaining time."""
        status = read_status(self.job.directory)
        step, steps, memory = status["step"], status["steps"], status["memory"]
        where = self.slot.name + (f", {memory / 1024:.1f} GiB" if memory is not None else "")
        if steps is None or status["state"] != "running":
            return where, "", "", ""
        if self._first is None:
            self._first = step, time.monotonic()
        done, seconds = step - self._first[0], time.monotonic() - self._first[1]
        remaining = f"{clock((steps - step) * seconds / done)} left" if done > 0 else ""
        return where, f"{step}/{steps}", last_psnr(status), remaining


def last_psnr(status: dict) -> str:
    """The last validation PSNR; '' if there is none or if it is not finite."""
    value = next(reversed(status["validation"].values()), None)
    return "" if value is None else f"{value:.2f}"


class Watcher:
    """Show a queue as a live table in a terminal, or else print a line for each event.

    Args:
        total: the number of jobs; None if it is unknown.
    """

    def __init__(self, total: int | None = None):
        self.total, self.next = total, 0.0
        self.running: dict[Path, Progress] = {}
        self.over: list[tuple[Job, dict, str]] = []
        self.console = Console(file=sys.stdout, highlight=False)
        self.live = Live(console=self.console, auto_refresh=False) if self.console.is_terminal else None

    def __enter__(self):
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *error) -> None:
        if self.live:
            self.live.update(self.table(), refresh=True)
            self.live.stop()

    def started(self, job: Job, slot: Slot) -> None:
        self.running[job.directory] = Progress(job, slot)
        self._say(f"{job.name}: started on {slot.name}")

    def ended(self, job: Job) -> None:
        progress = self.running.pop(job.directory, None)
        status = read_status(job.directory)
        took = clock(time.monotonic() - progress.began) if progress else "before"
        self.over.append((job, status, took))
        value = f", {last_psnr(status)} dB in validation" if last_psnr(status) else ""
        self._say(f"{job.name}: {describe_end(job.directory)}{value}, {took}")

    def tick(self) -> None:
        if self.live and time.monotonic() > self.next:
            self.next = time.monotonic() + 0.5
            self.live.update(self.table(), refresh=True)

    def _say(self, line: str) -> None:
        if self.live is None:
            print(f"[{len(self.over)}/{self.total or '?'}] {line}", flush=True)

    def table(self) -> Table:
        """The last finished jobs that fit, the running jobs, and the number of queued jobs."""
        table = Table("job", "state", "where", "step", "val dB", "time", box=None, pad_edge=False)
        room = max(5, self.console.height - len(self.running) - 4)
        hidden = max(0, len(self.over) - room)
        if hidden:
            table.add_row(f"… and {hidden} more", "")
        for job, status, took in self.over[hidden:]:
            state = f"[{STYLES.get(status['state'], 'white')}]{status['state']}[/]"
            table.add_row(job.name, state, "", str(status["step"]), last_psnr(status), took)
        for progress in list(self.running.values()):
            table.add_row(progress.job.name, "[cyan]running[/]", *progress.cells())
        queued = (self.total or 0) - len(self.over) - len(self.running)
        if queued > 0:
            table.add_row(f"{queued} queued", "")
        return table
