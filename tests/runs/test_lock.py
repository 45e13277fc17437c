"""One process a run directory."""

import errno
import fcntl
import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from imaging.errors import ImagingError
from imaging.runs.lock import is_locked, refuse_locked
from imaging.runs.run import Run
from imaging.runs.status import read_status, true_state

HOLD = """
import sys, time
sys.path.insert(0, {checkout!r})
from imaging.runs.run import Run
run = Run({directory!r}, {{}})
print("holds", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path, pytestconfig):
    """Another process that works in tmp_path."""
    code = HOLD.format(checkout=str(pytestconfig.rootpath), directory=str(tmp_path))
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "holds\n"
    yield child
    child.kill()
    child.communicate()


def test_two_processes_do_not_share_a_run(holder, tmp_path):
    assert is_locked(tmp_path)
    assert true_state(tmp_path) == "running"
    with pytest.raises(ImagingError, match=f"another process is working in {tmp_path}"):
        Run(tmp_path, {})
    with pytest.raises(ImagingError, match=f"another process is working in {tmp_path}"):
        refuse_locked(tmp_path)
    assert read_status(tmp_path)["pid"] == holder.pid


def test_the_lock_of_a_killed_process_is_free_and_the_run_says_killed(holder, tmp_path):
    started = read_status(tmp_path)["started"]
    holder.kill()
    holder.wait()
    assert not is_locked(tmp_path)
    assert true_state(tmp_path) == "killed"
    run = Run(tmp_path, {})
    assert read_status(tmp_path)["started"] == started
    assert read_status(tmp_path)["attempts"] == 2
    with run.watched():
        pass
    assert true_state(tmp_path) == "completed"


def test_a_file_system_without_locks_is_no_obstacle(tmp_path, monkeypatch):
    def refuse(file, operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with Run(tmp_path, {}).watched():
        assert read_status(tmp_path)["state"] == "running"
        assert not is_locked(tmp_path)
        refuse_locked(tmp_path)
    assert read_status(tmp_path)["state"] == "completed"


def test_the_lock_of_another_persons_run_is_seen_without_the_right_to_write(tmp_path, monkeypatch):
    (tmp_path / "status.json").write_text(json.dumps({"state": "running", "host": socket.gethostname()}))
    (tmp_path / ".lock").touch()
    opened = Path.open

    def no_writing(path, mode="r", *arguments, **settings):
        if "+" in mode or "w" in mode:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, mode, *arguments, **settings)

    monkeypatch.setattr(Path, "open", no_writing)
    assert true_state(tmp_path) == "killed"
