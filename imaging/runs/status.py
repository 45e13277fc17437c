"""A run's `status.json`: what is in it, how it is read whatever it holds, and what it means."""

import json
import socket
import textwrap
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from imaging.errors import brief, one_line
from imaging.files import write_json
from imaging.runs.lock import is_locked

STATUS, METRICS = "status.json", "metrics.json"
STATES = ("queued", "running", "completed", "failed", "interrupted", "pruned")
LARGEST = 2**53  # of a whole number that a file can hold; databases and floats take it too


def _is_text(value) -> bool:
    return isinstance(value, str)


def _is_count(value) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def _is_number(value) -> bool:
    # The comparison, unlike `math.isfinite`, takes whole numbers of any size; it is false for nan.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_curve(value) -> bool:
    return (
        isinstance(value, dict)
        and all(key.isascii() and key.isdigit() and len(key) < 16 and str(int(key)) == key for key in value)
        and all(number is None or _is_number(number) for number in value.values())
    )


class Field(NamedTuple):
    """An entry of `status.json`: its value where it is missing, which values are right, and their name."""

    missing: object
    is_right: Callable[[object], bool]
    expected: str


_TEXT = Field(None, _is_text, "text")
_COUNT = Field(None, _is_count, "a whole number >= 0")
FIELDS = {
    "state": Field("unknown", STATES.__contains__, f"one of {', '.join(STATES)}"),
    "step": _COUNT._replace(missing=0),  # of the last checkpoint or validation
    "steps": _COUNT,  # of the whole training
    # dB by the step after which it was, which JSON has as text; null is what JSON has for nan and inf.
    "validation": Field({}, _is_curve, "numbers by step"),
    "tested": _COUNT,  # lines of per_image.csv
    "host": _TEXT,
    "device": _TEXT,
    "pid": _COUNT,
    "commit": _TEXT,
    "command": _TEXT,  # makes the run anew
    "attempts": _COUNT._replace(missing=0),
    "started": _TEXT,
    "updated": _TEXT,
    "error": _TEXT,  # why it is not completed
}


def now() -> str:
    """The time in UTC, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def read_status(directory: Path | str) -> dict:
    """`status.json` of a run directory: every one of `FIELDS`, each of its type, and nothing else.

    It never raises. Of a file that cannot be read or has a wrong value, the state is 'unknown' and the error
    says why; what is right in it is kept.
    """
    status = {name: field.missing for name, field in FIELDS.items()} | {"validation": {}}
    try:
        # As bytes: json tells of a wrong encoding by a ValueError.
        found = json.loads((Path(directory) / STATUS).read_bytes().decode(), object_pairs_hook=_each_once)
    except FileNotFoundError:
        return status | {"error": f"no {STATUS}"}
    except (OSError, ValueError, RecursionError) as error:
        return status | {"error": f"{STATUS} cannot be read: {_reason(error)}"}
    if not isinstance(found, dict):
        return status | {"error": f"{STATUS} is {brief(found)}; expected a mapping"}
    wrong = []
    for name, field in FIELDS.items():
        value = found.get(name)
        if value is None and name != "state":
            continue
        if not field.is_right(value):
            wrong.append(f"{STATUS}: {name} is {brief(value)}; expected {field.expected}")
        elif isinstance(value, str):
            status[name] = value.encode(errors="backslashreplace").decode()  # no halves of characters
        else:
            status[name] = value
    return status | ({"state": "unknown", "error": wrong[0]} if wrong else {})


def _each_once(pairs: list[tuple]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return one_line(getattr(error, "strerror", None) or str(error))


def end_as(directory: Path, state: str, error: str) -> None:
    """Make the status of a run true whose process has ended without saying so."""
    known = read_status(directory)
    if known["state"] in ("queued", "running") and not is_locked(directory):
        write_json(directory / STATUS, known | {"state": state, "error": error, "updated": now()})


def true_state(directory: Path | str) -> str:
    """The state of a run; 'killed' if its status says running, but no process of this host works in it."""
    status = read_status(directory)
    here = status["host"] == socket.gethostname()
    if status["state"] == "running" and here and not is_locked(Path(directory)):
        return "killed"
    return status["state"]


def is_over(directory: Path | str) -> bool:
    """Whether there is nothing left to do for a run: it is completed, or was pruned."""
    return read_status(directory)["state"] in ("completed", "pruned")


def final_psnr(directory: Path | str) -> float | None:
    """The last validation PSNR in dB of a run.

    None if there was no validation, if it was not a finite number, or if `metrics.json` is damaged: it is for
    searches, which then count the run as one without result.
    """
    try:
        metrics = json.loads((Path(directory) / METRICS).read_bytes().decode())
    except FileNotFoundError:
        return next(reversed(read_status(directory)["validation"].values()), None)
    except (OSError, ValueError, RecursionError):
        return None
    value = metrics.get("val/psnr") if isinstance(metrics, dict) else None
    return value if _is_number(value) else None


def describe_end(directory: Path | str) -> str:
    """How a run that is not completed has ended, for a person: its state, and the error if there was one."""
    error = read_status(directory)["error"]
    return true_state(directory) + (f" ({textwrap.shorten(error, 160, placeholder=' …')})" if error else "")


def why_untested(directory: Path | str) -> str | None:
    """Why a run's numbers would not be those of its whole training; None if they would.

    A run that was cut after its last step has trained wholly. One that has failed there has not: its training
    may have diverged.
    """
    status = read_status(directory)
    step, steps = status["step"], status["steps"]
    whole = steps is not None and step >= steps and status["state"] not in ("failed", "unknown")
    if status["state"] == "completed" or whole:
        return None
    return f"{describe_end(directory)}, step {step}" + (f" of {steps}" if steps is not None else "")
