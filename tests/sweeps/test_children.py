"""The processes of jobs: like any other process, but forked from one that has imported everything."""

import importlib
import json
import multiprocessing
import os
import subprocess
import sys

import pytest

from imaging.places import CHECKOUT
from imaging.sweeps import children

FORKED = sys.platform == "linux"
TELL = """
import json, multiprocessing, os, signal, sys
facts = {
    "imported": "pytorch_lightning" in sys.modules,
    "name": __name__,
    "argv": sys.argv[1:],
    "environment": dict(os.environ),
    "directory": os.getcwd(),
    "session": os.getsid(0) == os.getpid(),
    "server": os.getppid(),
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
    "workers": multiprocessing.get_start_method(),
    "stdin": sys.stdin.read(),
}
import torch
facts["threads"], facts["cuda"] = torch.get_num_threads(), torch.cuda.is_initialized()
torch.randn(512, 512) @ torch.randn(512, 512)  # hangs if the server had used its threads
print(json.dumps(facts))
print("a warning", file=sys.stderr)
"""


@pytest.fixture
def start(tmp_path):
    def start(code: str, *words: str, **environment: str):
        script, log = tmp_path / "script.py", tmp_path / "log.txt"
        script.write_text(code)
        process = children.start([sys.executable, str(script), *words], {**environment}, log).process
        process.join()
        return process.exitcode, log.read_text().splitlines()

    return start


def test_a_job_is_what_it_would_be_as_a_program(start, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, (facts, warning) = start(TELL, "a b", "--c", OMP_NUM_THREADS="1", SLOT="7")
    facts = json.loads(facts)
    assert (status, warning) == (0, "a warning")
    server = facts.pop("server")
    assert facts == {
        "imported": FORKED,
        "name": "__main__",
        "argv": ["a b", "--c"],
        "environment": {"OMP_NUM_THREADS": "1", "SLOT": "7"},
        "directory": str(tmp_path),
        "session": True,
        "blocked": [],
        "workers": multiprocessing.get_all_start_methods()[0],
        "stdin": "",
        "threads": 1,
        "cuda": False,
    }
    again = json.loads(start(TELL, OMP_NUM_THREADS="2")[1][2])
    assert (again["threads"], again["server"]) == (2, server)


def test_where_nothing_is_forked_a_job_imports_for_itself(start, monkeypatch):
    monkeypatch.setattr(children, "CONTEXT", multiprocessing.get_context("spawn"))
    status, (facts, warning) = start(TELL, "a", OMP_NUM_THREADS="1", PYTHONPATH=str(CHECKOUT))
    facts = json.loads(facts)
    assert (status, warning) == (0, "a warning")
    assert (facts["imported"], facts["argv"], facts["blocked"]) == (False, ["a"], [])
    assert facts["server"] == os.getpid()


@pytest.mark.parametrize(
    ("code", "status", "last"),
    [
        ("import sys; sys.exit(3)", 3, None),
        ("import sys; sys.exit('no')", 1, "no"),
        ("raise ValueError('no')", 1, "ValueError: no"),
        ("import os; os.kill(os.getpid(), 9)", -9, None),
        ("import atexit; atexit.register(print, 'the end')", 0, "the end"),
        ("print(1, flush=False)", 0, "1"),
    ],
)
def test_it_ends_with_its_own_status_and_says_all(code, status, last, start):
    ended, lines = start(code)
    assert (ended, lines[-1] if lines else None) == (status, last)


def test_a_signal_for_the_group_of_the_queue_does_not_end_the_server(tmp_path):
    """The children of a group that is told to end by SIGTERM save first: the server lives as long as they."""
    (tmp_path / "job.py").write_text(
        "import os, signal, time\nsignal.signal(signal.SIGTERM, lambda *_: (time.sleep(1), os._exit(7)))\n"
        "print('ready'); time.sleep(60)"
    )
    queue = f"""
import os, pathlib, signal, time
from imaging.sweeps import children
children.PRELOAD.clear()
log = pathlib.Path({str(tmp_path / "log.txt")!r})
signal.signal(signal.SIGTERM, lambda *_: None)
job = children.start(["python", {str(tmp_path / "job.py")!r}], dict(os.environ), log).process
while not log.exists() or "ready" not in log.read_text():
    time.sleep(0.02)
os.killpg(0, signal.SIGTERM)
job.terminate()
job.join()
print(job.exitcode)
"""
    done = subprocess.run(
        [sys.executable, "-c", queue], capture_output=True, text=True, start_new_session=True
    )
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_job_does_not_run_the_script_of_its_queue(tmp_path):
    (tmp_path / "job.py").write_text("print(__name__)")
    queue = f"""
import os, pathlib
from imaging.sweeps import children
children.PRELOAD.clear()
print(__name__)
job = children.start(["python", {str(tmp_path / "job.py")!r}], dict(os.environ), pathlib.Path("log.txt"))
job.process.join()
"""
    (tmp_path / "queue.py").write_text(queue)  # whose body has no `if __name__ == "__main__"`
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run(
        [sys.executable, "queue.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("__main__\n", "")
    assert (tmp_path / "log.txt").read_text() == "__main__\n"


def test_nothing_that_is_imported_before_a_fork_starts_a_thread_or_uses_a_gpu():
    code = "import importlib, os, sys, torch; from imaging.sweeps.children import PRELOAD; "
    code += "[importlib.import_module(name) for name in PRELOAD]; "
    code += "print(torch.cuda.is_initialized(), len(os.listdir('/proc/self/task')))"
    if not FORKED:
        pytest.skip("jobs are forked on Linux only")
    environment = os.environ | {"OMP_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "False 1\n", done.stderr


def test_what_is_to_be_imported_exists():
    for name in children.PRELOAD:
        importlib.import_module(name)
