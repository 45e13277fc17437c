"""Progress bars of long loops, on stderr. Nothing is shown where stderr is not a terminal."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

T = TypeVar("T")

_shown: Progress | None = None  # a terminal has room for one display, which holds the nested bars


class Counts(ProgressColumn):
    """The completed number, the total, and the mean rate since the start: '120/1876, 45.1/s'."""

    def render(self, task: Task) -> Text:
        total = "" if task.total is None else f"/{task.total:.0f}"
        done = task.completed - task.fields["first"]
        rate = f", {done / task.elapsed:.3g}/s" if done and task.elapsed else ""
        return Text(f"{task.completed:.0f}{total}{rate}")


@contextmanager
def progress_bar(
    title: str, total: float | None, completed: int = 0, keep: bool = False
) -> Iterator[Callable[..., None]]:
    """Show a progress bar; bars inside this context are shown below it.

    Args:
        title: what is being done, e.g. "testing".
        total: the number of units; None: unknown.
        completed: the number of units at the start.
        keep: whether the bar stays in the terminal afterwards.

    Yields:
        a function of the completed number and of a note, which is shown behind the bar.

    Examples:
        >>> with progress_bar("counting", total=3) as advance:
        ...     for number in range(3):
        ...         advance(number + 1, note=f"last {number}")
    """
    global _shown
    if not sys.stderr.isatty():
        yield lambda completed, note="": None
        return
    outermost = _shown is None
    if _shown is None:
        # In a narrow terminal only the bar becomes shorter.
        _shown = Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(24),
            Counts(Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[note]}", markup=False, table_column=Column(no_wrap=True)),
            console=Console(stderr=True),
            transient=not keep,
        )
        _shown.start()
    display = _shown
    task = display.add_task(title, total=total, completed=completed, first=completed, note="")
    try:
        yield lambda completed, note="": display.update(task, completed=completed, note=note)
    finally:
        if outermost:
            display.stop()
            _shown = None
        else:
            display.remove_task(task)


def track(items: Iterable[T], title: str, total: int) -> Iterator[T]:
    """Yield the items while a `progress_bar` with this title and total is shown."""
    with progress_bar(title, total) as advance:
        for number, item in enumerate(items, 1):
            yield item
            advance(number)
