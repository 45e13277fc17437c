"""A run's `status.json`: its fields, how to read it, and what it means."""

import json
import socket
import textwrap
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from imaging.errors import brief, one_line
from imaging.files import write_json
from imaging.quality import validation_value
from imaging.runs.lock import is_locked

STATUS, METRICS = "status.json", "metrics.json"
STATES = ("queued", "running", "completed", "failed", "interrupted", "pruned")
LARGEST = 2**53  # the largest number that is accepted; floats and databases hold it exactly


def _is_text(value) -> bool:
    return isinstance(value, str)


def _is_count(value) -> bool:
    return type(value) is int and 0 <= value <= LARGEST


def _is_number(value) -> bool:
    # Unlike `math.isfinite`, the comparison works for integers of any size; it is false for nan.
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST


def _is_curve(value) -> bool:
    return (
        isinstance(value, dict)
        and all(key.isascii() and key.isdigit() and len(key) < 16 and str(int(key)) == key for key in value)
        and all(number is None or _is_number(number) for number in value.values())
    )


class Field(NamedTuple):
    """A field of `status.json`: its default, a test for valid values, and a description of these."""

    default: object
    is_valid: Callable[[object], bool]
    expected: str


_TEXT = Field(None, _is_text, "text")
_COUNT = Field(None, _is_count, "a whole number >= 0")
FIELDS = {
    "state": Field("unknown", STATES.__contains__, f"one of {', '.join(STATES)}"),
    "step": _COUNT._replace(default=0),  # of the last checkpoint or validation
    "steps": _COUNT,  # of the whole training
    # dB by step; keys are text in JSON, and null stands for nan and inf.
    "validation": Field({}, _is_curve, "numbers by step"),
    "tested": _COUNT,  # lines of per_image.csv
    "host": _TEXT,
    "device": _TEXT,
    "memory": _COUNT,  # MiB of the GPU that the training has taken at most
    "pid": _COUNT,
    "commit": _TEXT,
    "command": _TEXT,  # reproduces the run
    "attempts": _COUNT._replace(default=0),
    "started": _TEXT,
    "updated": _TEXT,
    "error": _TEXT,  # why the run is not completed
}


def now() -> str:
    """The time in UTC, as ISO 8601."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def read_status(directory: Path | str) -> dict:
    """Read `status.json` of a run directory: exactly the keys of `FIELDS`, each with a valid value.

    It never raises. If the file cannot be read or has an invalid value, the state is 'unknown' and the error
    says why; valid values stay.
    """
    status = {name: field.default for name, field in FIELDS.items()} | {"validation": {}}
    try:
        # Decoding the bytes turns a wrong encoding into a ValueError.
        content = json.loads((Path(directory) / STATUS).read_bytes().decode(), object_pairs_hook=_unique)
    except FileNotFoundError:
        return status | {"error": f"no {STATUS}"}
    except (OSError, ValueError, RecursionError) as error:
        return status | {"error": f"{STATUS} cannot be read: {_reason(error)}"}
    if not isinstance(content, dict):
        return status | {"error": f"{STATUS} is {brief(content)}; expected a mapping"}
    errors = []
    for name, field in FIELDS.items():
        value = content.get(name)
        if value is None and name != "state":
            continue
        if not field.is_valid(value):
            errors.append(f"{STATUS}: {name} is {brief(value)}; expected {field.expected}")
        elif isinstance(value, str):
            status[name] = value.encode(errors="backslashreplace").decode()  # escapes surrogates
        else:
            status[name] = value
    return status | ({"state": "unknown", "error": errors[0]} if errors else {})


def _unique(pairs: list[tuple]) -> dict:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("it has the same key twice")
    return dict(pairs)


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return one_line(getattr(error, "strerror", None) or str(error))


def mark_ended(directory: Path, state: str, error: str) -> None:
    """Correct the status of a run whose process ended without updating it."""
    status = read_status(directory)
    if status["state"] in ("queued", "running") and not is_locked(directory):
        write_json(directory / STATUS, status | {"state": state, "error": error, "updated": now()})


def true_state(directory: Path | str) -> str:
    """The state of a run; 'killed' if its status is 'running' on this host but no process works in it."""
    status = read_status(directory)
    here = status["host"] == socket.gethostname()
    if status["state"] == "running" and here and not is_locked(Path(directory)):
        return "killed"
    return status["state"]


def is_over(directory: Path | str) -> bool:
    """Whether a run is completed or pruned, so that nothing remains to be done."""
    return read_status(directory)["state"] in ("completed", "pruned")


def final_psnr(directory: Path | str) -> float | None:
    """The last validation PSNR, or expected PSNR, of a run in dB.

    None if there was no validation, if it was not finite, or if `metrics.json` is damaged. A search then
    counts the run as one without a result.
    """
    try:
        metrics = json.loads((Path(directory) / METRICS).read_bytes().decode())
    except FileNotFoundError:
        return next(reversed(read_status(directory)["validation"].values()), None)
    except (OSError, ValueError, RecursionError):
        return None
    value = validation_value(metrics) if isinstance(metrics, dict) else None
    return value if _is_number(value) else None


def describe_end(directory: Path | str) -> str:
    """Describe in words how a run ended: its state, and its error if it has one."""
    error = read_status(directory)["error"]
    return true_state(directory) + (f" ({textwrap.shorten(error, 160, placeholder=' …')})" if error else "")


def why_untested(directory: Path | str) -> str | None:
    """Why a run should not be tested as a completed training; None if it can be.

    A run that was interrupted after its last step counts as trained. A run that failed there does not, since
    its training may have diverged.
    """
    status = read_status(directory)
    step, steps = status["step"], status["steps"]
    trained = steps is not None and step >= steps and status["state"] not in ("failed", "unknown")
    if status["state"] == "completed" or trained:
        return None
    return f"{describe_end(directory)}, step {step}" + (f" of {steps}" if steps is not None else "")
