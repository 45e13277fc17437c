"""A status is of the right types whatever its file holds, and so is what is made of it."""

import errno
import json
import math
from pathlib import Path

import pytest

from imaging.runs.record import about_sweep
from imaging.runs.run import Run, enqueue
from imaging.runs.status import (
    describe_end,
    final_psnr,
    is_over,
    mark_ended,
    read_status,
    true_state,
    why_untested,
)
from imaging.sweeps.jobs import Job
from imaging.sweeps.live_table import Watcher
from imaging.sweeps.slots import Slot
from imaging.training.callbacks.pruning import values_at

STATES = {"queued", "running", "completed", "failed", "interrupted", "pruned", "unknown"}
WHOLE = {
    "state": "completed",
    "step": 20,
    "steps": 20,
    "validation": {"10": 20.5, "20": None},
    "tested": 8,
    "host": "here",
    "device": "cpu",
    "memory": 512,
    "pid": 12,
    "commit": "abc",
    "command": "python train.py seed=3",
    "attempts": 2,
    "started": "2026-01-01T00:00:00+00:00",
    "updated": "2026-01-01T00:00:01+00:00",
    "error": None,
}
TEXTS = ("host", "device", "commit", "command", "started", "updated", "error")


def changed(**changes) -> bytes:
    return json.dumps(WHOLE | changes).encode()


UNREADABLE = {
    "empty": b"",
    "half": changed()[:40],
    "text": b"completed",
    "a list": b'["state", "completed"]',
    "a number": b"3",
    "null": b"null",
    "not utf-8": changed().replace(b"here", b"\xff\xfe"),
    "utf-16": changed().decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + changed(),
    "nested": b"[" * 100_000,
    "nested in a field": changed().replace(b'"here"', b'{"a":' * 100_000),
    "a number without end": changed().replace(b"20,", b"9" * 5000 + b",", 1),
    "a key twice": changed()[:-1] + b', "state": "failed"}',
    "a step twice": changed().replace(b'"20": null', b'"10": 3'),
}
WRONG = {
    "a state that is a list": {"state": ["completed"]},
    "a state that is a mapping": {"state": {}},
    "a state of nobody": {"state": "done"},
    "a state in capitals": {"state": "Completed"},
    "no state": {"state": None},
    "a step that is text": {"step": "20"},
    "a step that is a truth": {"step": True},
    "a step that is a fraction": {"step": 2.5},
    "a negative step": {"step": -1},
    "a huge step": {"step": 10**400},
    "steps that are nan": {"steps": math.nan},
    "steps in a list": {"steps": [20]},
    "a validation that is a list": {"validation": [20.5]},
    "a validation that is a number": {"validation": 20.5},
    "a validation of text": {"validation": {"10": "20.5"}},
    "a validation of a truth": {"validation": {"10": True}},
    "a validation in a list": {"validation": {"10": [20.5]}},
    "a validation of nan": {"validation": {"10": math.nan}},
    "an infinite validation": {"validation": {"10": -math.inf}},
    "a huge validation": {"validation": {"10": 10**400}},
    "a validation after no step": {"validation": {"ten": 20.5}},
    "a validation after a negative step": {"validation": {"-1": 20.5}},
    "a validation after a step in other digits": {"validation": {"¹": 20.5}},
    "a validation after a step with zeros": {"validation": {"010": 20.5}},
    "a host that is a number": {"host": 7},
    "a device that is a list": {"device": ["cpu"]},
    "a commit that is a truth": {"commit": False},
    "a command that is a mapping": {"command": {"a": 1}},
    "attempts that are text": {"attempts": "x"},
    "a pid that is text": {"pid": "12"},
    "tested that is text": {"tested": "8"},
    "a start that is a number": {"started": 0},
    "an error that is a list": {"error": ["a", {"b": []}]},
}


def assert_right(status: dict) -> None:
    """Types written down here once more, so that they do not change unnoticed."""
    assert status.keys() == WHOLE.keys()
    assert status["state"] in STATES
    for name in ("step", "attempts"):
        assert type(status[name]) is int
    for name in ("steps", "tested", "pid"):
        assert status[name] is None or type(status[name]) is int
    for name in TEXTS:
        assert status[name] is None or isinstance(status[name], str)
        (status[name] or "").encode()
    assert isinstance(status["validation"], dict)
    for step, value in status["validation"].items():
        assert str(int(step)) == step
        assert value is None or math.isfinite(value)
    json.dumps(status, allow_nan=False)


def use(run: Path) -> None:
    """All that reads the status of a run in a sweep."""
    assert true_state(run) in STATES | {"killed"}
    assert "\n" not in describe_end(run)
    assert isinstance(is_over(run), bool)
    assert isinstance(why_untested(run), str | None)
    assert isinstance(final_psnr(run), float | int | None)
    assert all(isinstance(value, float | int) for value in values_at(20, run.parent / "other"))
    facts, commands = about_sweep(run.parent)
    assert all(isinstance(text, str) for text in [*facts.values(), *commands])
    watcher, job = Watcher(1), Job(run, ())
    watcher.started(job, Slot("CPU 0", {}))
    watcher.table()
    watcher.ended(job)
    watcher.table()


@pytest.fixture
def damaged(tmp_path):
    """A run of a sweep; a function of the bytes of its status gives its directory."""

    def damaged(content: bytes) -> Path:
        (tmp_path / "multirun.yaml").write_text("hydra: {overrides: {task: []}, sweeper: {}}")
        run = tmp_path / "0-a"
        run.mkdir(exist_ok=True)
        (run / "status.json").write_bytes(content)
        return run

    return damaged


def test_a_whole_status_is_read_as_it_is(damaged):
    run = damaged(changed())
    assert read_status(run) == WHOLE
    assert_right(WHOLE)
    use(run)


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_status_is_unknown_and_says_why(content, damaged):
    run = damaged(content)
    status = read_status(run)
    assert_right(status)
    assert status["state"] == "unknown"
    assert status["error"].startswith("status.json ")
    assert len(status["error"]) < 200
    assert describe_end(run).startswith("unknown (status.json ")
    use(run)


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG)
def test_of_a_status_with_a_wrong_value_the_rest_is_kept(changes, damaged):
    run = damaged(changed(**changes))
    status = read_status(run)
    assert_right(status)
    (name,) = changes
    assert status["state"] == "unknown"
    assert status["error"].startswith(f"status.json: {name} is ")
    assert "; expected " in status["error"]
    for other in WHOLE.keys() - {name, "state", "error"}:
        assert status[other] == WHOLE[other]
    use(run)


@pytest.mark.parametrize("content", [*UNREADABLE.values(), *(changed(**c) for c in WRONG.values())])
def test_a_run_goes_on_over_any_status(content, damaged):
    run = damaged(content)
    mark_ended(run, "failed", "gone")
    enqueue(run, {"seed": 0})
    assert_right(read_status(run))
    assert read_status(run)["state"] == "queued"
    (run / "status.json").write_bytes(content)
    with Run(run, {"seed": 0}).watched() as again:
        again.add_validation(30, 21.0)
    assert_right(read_status(run))
    assert read_status(run)["state"] == "completed"
    assert final_psnr(run) == 21.0


def test_what_is_not_a_field_is_left_out(damaged):
    assert read_status(damaged(changed(nonsense={"a": [1]}))) == WHOLE


def test_halves_of_characters_are_told_in_full_ones(damaged):
    run = damaged(changed(error="piece-\ud800.png", state="failed"))
    assert read_status(run)["error"] == "piece-\\ud800.png"
    assert read_status(run)["state"] == "failed"
    use(run)


def test_a_directory_or_nothing_in_the_place_of_a_status(tmp_path):
    assert read_status(tmp_path)["error"] == "no status.json"
    (tmp_path / "status.json").mkdir()
    assert_right(read_status(tmp_path))
    assert read_status(tmp_path)["error"] == "status.json cannot be read: Is a directory"
    assert final_psnr(tmp_path) is None


def test_a_status_that_may_not_be_read(damaged, monkeypatch):
    run = damaged(changed())

    def refuse(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert read_status(run)["error"] == "status.json cannot be read: Permission denied"
    assert final_psnr(run) is None


METRICS = {
    "empty": b"",
    "a list": b"[1]",
    "text": b'"val/psnr"',
    "a value that is text": b'{"val/psnr": "30"}',
    "a value that is a list": b'{"val/psnr": [30]}',
    "a value that is a truth": b'{"val/psnr": true}',
    "nan": b'{"val/psnr": NaN}',
    "inf": b'{"val/psnr": Infinity}',
    "a huge value": b'{"val/psnr": 1' + b"0" * 400 + b"}",
    "null": b'{"val/psnr": null}',
    "another": b'{"test/psnr/0.1": 30}',
    "not utf-8": b'{"val/psnr": 30, "\xff": 1}',
    "nested": b"[" * 100_000,
}


@pytest.mark.parametrize("content", METRICS.values(), ids=METRICS)
def test_damaged_metrics_are_no_psnr(content, damaged):
    run = damaged(changed(validation={"10": 20.0}))
    (run / "metrics.json").write_bytes(content)
    assert final_psnr(run) is None
    (run / "metrics.json").write_text('{"val/psnr": 30.5}')
    assert final_psnr(run) == 30.5
    (run / "metrics.json").unlink()
    assert final_psnr(run) == 20.0


@pytest.mark.parametrize(
    ("state", "step", "tested"),
    [
        ("completed", 20, True),
        ("interrupted", 20, True),
        ("running", 20, True),
        ("interrupted", 19, False),
        ("failed", 20, False),  # it may have diverged in its last step
        ("failed", 3, False),
        ("nonsense", 20, False),
        ("pruned", 10, False),
    ],
)
def test_what_is_tested_of_a_sweep(state, step, tested, damaged):
    run = damaged(changed(state=state, step=step))
    assert (why_untested(run) is None) == tested
    if not tested:
        assert why_untested(run).endswith(f", step {step} of 20")


def test_any_damage_of_the_bytes_leaves_the_types_right(damaged, mutations):
    unknown = 0
    for content in mutations(json.dumps(WHOLE, indent=2).encode(), seed=0, count=300):
        run = damaged(content)
        status = read_status(run)
        assert_right(status)
        unknown += status["state"] == "unknown"
        true_state(run), describe_end(run), why_untested(run), final_psnr(run)
    assert 100 < unknown < 300  # some damage does no harm
