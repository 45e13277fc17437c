"""The trials of a search that several processes share."""

import subprocess
import sys
from pathlib import Path

import pytest

from imaging.files import write_json
from imaging.runs import lock
from imaging.runs.lock import lock_file, unlock
from imaging.runs.run import enqueue
from imaging.runs.status import STATUS, read_status

optuna = pytest.importorskip("optuna", reason="pip install -r requirements-search.txt")
from imaging.errors import ImagingError  # noqa: E402
from imaging.sweeps.search import Trials, random_trials  # noqa: E402

SPACE = {"x": optuna.distributions.FloatDistribution(0.0, 1.0)}
# A process that works on trials, whose runs need no time; with "dies", it only asks for one.
WORKER = """
import os, pathlib, sys
sys.path.insert(0, {tests!r})
from test_trials import Trials, SPACE, complete
trials = Trials(pathlib.Path({directory!r}), None, SPACE, {n}, 2, 0, shared=True)
while (trial := trials.next()) is not None:
    print(*trial, flush=True)
    if "dies" in sys.argv:
        os.kill(os.getpid(), 9)
    complete(trials.directory, *trial)
    trials.ended(trial[0])
"""


def complete(directory: Path, number: int, params: dict, state: str = "completed") -> None:
    """What a run of the trial would leave behind: the PSNR is the setting."""
    run = directory / f"{number}-x"
    enqueue(run, {"seed": 0})
    write_json(run / "metrics.json", {"val/psnr": params["x"]})
    write_json(run / STATUS, read_status(run) | {"state": state, "validation": {"1": params["x"]}})


def trials_of(directory: Path, n: int = 3, **settings) -> Trials:
    return Trials(directory, None, SPACE, n, 2, 0, **settings)


def worker(directory: Path, *arguments: str, n: int = 12) -> subprocess.Popen:
    code = WORKER.format(tests=str(Path(__file__).parent), directory=str(directory), n=n)
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True)


def test_processes_share_the_trials_of_which_each_is_one_processs(tmp_path):
    workers = [worker(tmp_path) for _ in range(3)]
    lines = [line for process in workers for line in process.communicate()[0].splitlines()]
    assert [process.returncode for process in workers] == [0, 0, 0]
    assert sorted(int(line.split()[0]) for line in lines) == list(range(12))
    trials = trials_of(tmp_path, 12)
    assert trials.counts() == "12 completed"
    assert trials.best().value == max(trial.params["x"] for trial in trials.study.trials)
    assert trials.study.trials[5].intermediate_values == {1: trials.study.trials[5].params["x"]}


def test_random_trials_are_the_first_ones_of_the_search(tmp_path):
    distributions = optuna.distributions
    space = {
        "lr": distributions.FloatDistribution(1e-4, 1e-2, log=True),
        "width": distributions.CategoricalDistribution([16, 32, 48]),
        "depth": distributions.IntDistribution(3, 9),
    }
    trials = Trials(tmp_path, None, space, 6, 6, 3)
    asked = [trials.next() for _ in range(6)]
    assert asked == list(enumerate(random_trials(space, range(6), 3)))
    assert random_trials(space, range(4, 6), 3) == [params for _, params in asked[4:]]


def test_a_trial_whose_process_was_killed_goes_on_in_another(tmp_path):
    killed = worker(tmp_path, "dies")
    asked = killed.communicate()[0]
    assert killed.returncode == -9
    other = worker(tmp_path, n=2).communicate()[0].splitlines()
    assert other[0] == asked.strip()  # with the same settings
    assert trials_of(tmp_path).counts() == "2 completed"


def test_a_trial_that_another_process_works_on_is_left_to_it(tmp_path):
    alive = subprocess.Popen(
        [sys.executable, "-c", f"{WORKER.split('while')[0]}print(trials.next()); input()".format(
            tests=str(Path(__file__).parent), directory=str(tmp_path), n=2)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    alive.stdout.readline()
    trials = trials_of(tmp_path, 2, shared=True)
    assert trials.next()[0] == 1
    assert trials.next() is None
    alive.communicate("\n")
    assert trials.next()[0] == 0


def test_a_run_that_outlives_its_process_is_waited_for(tmp_path):
    """The run saves, as its queue has died; another process may go on with it only after that."""
    worker(tmp_path, "dies", n=1).communicate()
    run = tmp_path / "0-x"
    enqueue(run, {"seed": 0})
    code = "import pathlib, sys; from imaging.runs.lock import lock; held = lock(pathlib.Path(sys.argv[1])); "
    saves = subprocess.Popen(
        [sys.executable, "-c", f"{code}print(1, flush=True); input()", str(run)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    saves.stdout.readline()
    trials = trials_of(tmp_path, 1, shared=True)
    assert trials.next() is None
    assert trials.orphans()
    saves.communicate("\n")
    assert trials.next()[0] == 0
    assert not trials.orphans()


def test_a_failed_trial_is_not_tried_again_until_it_is_queued(tmp_path):
    trials = trials_of(tmp_path)
    number, params = trials.next()
    complete(tmp_path, number, params, state="failed")
    trials.ended(number)
    later = trials_of(tmp_path)
    assert [trial.number for trial in later.failed()] == [number]
    assert later.next()[0] == 1
    enqueue(tmp_path / "0-x", {"seed": 0})
    assert later.next() == (number, params)


def test_a_trial_that_leaves_no_run_is_not_tried_twice_by_one_process(tmp_path):
    trials = trials_of(tmp_path, 1)
    trials.ended(trials.next()[0])
    assert trials.next() is None
    assert trials.counts() == "1 open"


def test_what_the_process_of_a_trial_could_not_report_is_reported(tmp_path):
    worker(tmp_path, "dies").communicate()
    complete(tmp_path, 0, {"x": 0.25}, state="pruned")
    trials = trials_of(tmp_path, 1)
    assert trials.next() is None
    assert (trials.counts(), trials.study.trials[0].intermediate_values) == ("1 pruned", {1: 0.25})


def test_a_trial_that_ends_while_another_process_looks_for_one(tmp_path, monkeypatch):
    trials, other = trials_of(tmp_path), trials_of(tmp_path)
    number, params = other.next()
    stale = trials.open()
    complete(tmp_path, number, params)
    other.ended(number)
    monkeypatch.setattr(trials, "open", lambda: stale)
    assert trials.next()[0] == 1


def test_a_trial_whose_process_died_while_it_asked_has_no_result(tmp_path):
    trials_of(tmp_path).study.ask()  # without a setting
    trials = trials_of(tmp_path)
    assert trials.next()[0] == 1
    assert trials.counts() == "1 without result, 1 open"


def test_a_database_may_have_other_searches(tmp_path):
    url = f"sqlite:///{tmp_path}/trials.db"
    first = Trials(tmp_path / "search", url, SPACE, 3, 2, 0).next()
    again = Trials(tmp_path / "search", url, SPACE, 3, 2, 0)
    assert again.next() == first
    assert Trials(tmp_path / "other", url, SPACE, 3, 2, 0).counts() == "no trials yet"
    with pytest.raises(ImagingError, match=r"nowhere://x cannot be opened as a study: "):
        Trials(tmp_path / "search", "nowhere://x", SPACE, 3, 2, 0)


def test_several_processes_need_locks_and_one_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "fcntl", None)
    assert trials_of(tmp_path).next()[0] == 0
    with pytest.raises(ImagingError, match=r"without locks.*hydra.sweep.dir"):
        trials_of(tmp_path, shared=True).next()
    with pytest.raises(ImagingError, match=r"without locks.*hydra.sweep.dir"):
        lock_file(tmp_path / "file", required=True)
    unlock(lock_file(tmp_path / "file"))
