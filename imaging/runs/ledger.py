"""The ledger of a run: hashes of its weights and of its optimiser every K steps, in `ledger.csv`.

Each line has a hash of itself and of the line before, so that a line which is changed, removed or moved is
noticed. Who rewrites all later hashes as well is found out by training again: see `imaging.verification`.
"""

import csv
import hashlib
import io
import json
import math
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from imaging.errors import ImagingError
from imaging.files import check_regular

LEDGER = "ledger.csv"
# start: the initial weights, and the facts of the run. step: after this step. machine: the steps from here on
# were taken on a machine with these facts. end: the weights that were tested, and hashes of the results.
EVENTS = ("start", "step", "machine", "end")
COLUMNS = ("event", "step", "weights", "average", "optimizer", "loss", "sketch", "facts", "chain")
HASH = re.compile(r"[0-9a-f]{64}")
BUCKETS = 16  # numbers in a sketch
NEAR = 10  # steps after a kept checkpoint, in which machines with other rounding do not part yet
LARGEST = 1 << 28  # bytes of a ledger; that of a million lines is larger, and no run has so many


@dataclass(frozen=True)
class Line:
    """A line of a ledger.

    Args:
        event: one of `EVENTS`.
        step: number of optimiser steps so far.
        weights, average, optimizer: SHA-256 of the weights, of their moving average and of the optimiser with
            its schedule; '' where there is none.
        loss: of the batch of this step; None at the start.
        sketch: sixteen numbers, see `imaging.training.fingerprints.sketch`; empty for a line without weights.
        facts: names and values: of the run, of the machine, or hashes of results by file.
        chain: SHA-256 of this line and the `chain` of the line before; set when the line is written.
    """

    event: str
    step: int
    weights: str = ""
    average: str = ""
    optimizer: str = ""
    loss: float | None = None
    sketch: tuple[float, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    chain: str = ""

    def cells(self) -> list[str]:
        """The cells of the line but for `chain`; floats have as many digits as give them back exactly."""
        return [
            self.event,
            str(self.step),
            self.weights,
            self.average,
            self.optimizer,
            "" if self.loss is None else repr(self.loss),
            " ".join(map(repr, self.sketch)),
            json.dumps(self.facts, sort_keys=True) if self.facts else "",
        ]


@dataclass(frozen=True)
class Ledger:
    """What a ledger file holds.

    Args:
        lines: those before the first damaged line.
        ends: the byte at which each of them ends.
        damage: what is wrong with the line after them; None if nothing is.
    """

    lines: list[Line]
    ends: list[int]
    damage: str | None = None

    @property
    def steps(self) -> dict[int, Line]:
        """The lines that have weights of the training, by step."""
        return {line.step: line for line in self.lines if line.event in ("start", "step")}

    @property
    def end(self) -> Line | None:
        """The closing line, which is written after the test; None if there is none."""
        return self.lines[-1] if self.lines and self.lines[-1].event == "end" else None

    def facts_at(self, step: int) -> dict[str, str]:
        """The facts of the machine that took a step."""
        facts: dict[str, str] = {}
        for line in self.lines:
            if line.event in ("start", "machine") and (line.step < step or line.event == "start"):
                facts = facts | line.facts
        return facts


def spacing(step: int, every_n_steps: int, keep: int) -> int:
    """The number of steps between the checkpoints that are kept up to a step, at most `keep` of them.

    It doubles when there would be more, so that a run of any length keeps from keep / 2 to keep of them.
    """
    steps = every_n_steps
    while step // steps > keep:
        steps *= 2
    return steps


def is_kept(step: int, every_n_steps: int, keep: int) -> bool:
    """Whether a checkpoint of a step is kept, at least for a while."""
    return keep > 0 and step > 0 and step % spacing(step, every_n_steps, keep) == 0


def has_line(step: int, every_n_steps: int, keep: int) -> bool:
    """Whether a ledger has a line of a step, unless it is the last one, which always has."""
    if step % every_n_steps in (0, NEAR) and step >= every_n_steps:
        return step % every_n_steps == 0 or is_kept(step - NEAR, every_n_steps, keep)
    return step == 0 or step == NEAR < every_n_steps


def append(path: Path, line: Line, before: str) -> Line:
    """Append a line to a ledger.

    Args:
        path: the file; created if it does not exist.
        line: the line.
        before: the `chain` of the line before; '' for the first one, which also writes the header.

    Returns:
        the line with its `chain`.
    """
    text = _line(line.cells())
    chain = _chain(before, text)
    with open(path, "ab" if before else "wb") as file:
        file.write((("" if before else _line(COLUMNS)) + f"{text[:-1]},{chain}\n").encode())
    return Line(**(vars(line) | {"chain": chain}))


def file_hash(path: Path) -> str:
    """The SHA-256 of a file.

    Raises:
        ImagingError: it cannot be read.
    """
    check_regular(path)
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ImagingError(f"{path} cannot be read: {error.strerror}") from None


def flush(path: Path) -> None:
    """Flush a ledger to the disk, if there is one."""
    if path.is_file():
        with open(path, "rb") as file:
            os.fsync(file.fileno())


def truncate(path: Path, step: int) -> Ledger:
    """Remove damaged lines, those of later steps, and the closing line; what is left.

    Args:
        path: the file; it need not exist.
        step: the last step whose lines stay.
    """
    try:
        ledger = read_ledger(path)
    except ImagingError as error:
        return Ledger([], [], str(error))
    kept = 0
    while kept < len(ledger.lines) and ledger.lines[kept].step <= step and ledger.lines[kept].event != "end":
        kept += 1
    os.truncate(path, ledger.ends[kept - 1] if kept else 0)
    return Ledger(ledger.lines[:kept], ledger.ends[:kept], ledger.damage)


def read_ledger(path: Path) -> Ledger:
    """Read a ledger up to its first damaged line.

    Raises:
        ImagingError: there is no such file, it is too large, or it does not begin as a ledger.
    """
    check_regular(path)
    try:
        if path.stat().st_size > LARGEST:
            raise ImagingError(f"{path} has {path.stat().st_size:,} bytes; a ledger has {LARGEST:,} at most")
        header, *rows = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        raise ImagingError(f"there is no {path}: train with callbacks=ledger to have one") from None
    except OSError as error:
        raise ImagingError(f"{path} cannot be read: {error.strerror}") from None
    if header + b"\n" != _line(COLUMNS).encode():
        raise ImagingError(f"{path} is not a ledger: its first line is another one")
    lines: list[Line] = []
    ends: list[int] = []
    end, before = len(header) + 1, ""
    for number, row in enumerate(rows, start=2):
        last = number == len(rows) + 1
        if last and not row:
            return Ledger(lines, ends)
        try:
            if last:
                raise _Damage("is cut short")
            line = _parse(row.decode(), before, lines)
        except (ValueError, TypeError, RecursionError, csv.Error) as error:
            why = str(error) if isinstance(error, _Damage) else "is damaged"
            return Ledger(lines, ends, f"line {number} {why}")
        lines.append(line)
        end, before = end + len(row) + 1, line.chain
        ends.append(end)
    raise ImagingError(f"{path} is cut short in its first line")


class _Damage(ValueError):
    """What is wrong with a line, to follow its number."""


def _parse(text: str, before: str, earlier: list[Line]) -> Line:
    """The line in a text.

    Raises:
        ValueError: it is none, or does not follow `earlier`.
    """
    (row,) = csv.reader([text], strict=True)
    event, step, weights, average, optimizer, loss, numbers, facts, chain = row
    line = Line(
        event,
        int(step) if step.isascii() and step.isdigit() and len(step) < 16 else -1,
        weights,
        average,
        optimizer,
        float(loss) if loss else None,
        tuple(map(float, numbers.split(" "))) if numbers else (),
        json.loads(facts) if facts else {},
        chain,
    )
    if f"{_line(line.cells())[:-1]},{chain}" != text or not _is_valid(line):
        raise _Damage("is damaged")
    if chain != _chain(before, _line(line.cells())):
        raise _Damage("does not follow from the line before, or was changed")
    if event == "start" if earlier else event != "start":
        raise _Damage("is not where it may be")
    if earlier and (earlier[-1].event == "end" or not _follows(line, earlier[-1])):
        raise _Damage("is not of a later step than the line before")
    return line


def _is_valid(line: Line) -> bool:
    has_weights = line.event in ("start", "step")
    hashes = [line.weights, line.average, line.optimizer]
    numbers = [*line.sketch, *([] if line.loss is None else [line.loss])]
    return (
        line.event in EVENTS
        and line.step >= 0
        and all(not text or HASH.fullmatch(text) for text in hashes)
        and all(map(math.isfinite, numbers))
        and len(line.sketch) == (BUCKETS if has_weights else 0)
        and (not has_weights or bool(line.weights and line.optimizer))
        and isinstance(line.facts, dict)
        and all(isinstance(value, str) for value in line.facts.values())
    )


def _follows(line: Line, before: Line) -> bool:
    return line.step > before.step if line.event == "step" else line.step == before.step


def _chain(before: str, text: str) -> str:
    return hashlib.sha256(f"{before}\n{text}".encode()).hexdigest()


def _line(row) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
