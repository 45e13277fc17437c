"""dry=true: what a run or a sweep would cost. Nothing is started, nothing is left."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from imaging.runs.config import read_config
from imaging.runs.run import enqueue
from imaging.sweeps.cost import read_cost
from imaging.sweeps.dry import Places

TRAIN = Path(__file__).parents[2] / "train.py"
SHAPES = ["seed=0,1", "model.depth=2,3"]
SLURM = ["launcher=slurm", "seed=0,1", "dry=true"]


@pytest.fixture
def train(tmp_path):
    """`python train.py …` in an empty directory: exit status, what was printed, what was complained."""

    def train(*arguments: str) -> tuple[int, str, str]:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
        command = [sys.executable, str(TRAIN), *arguments]
        ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return ended.returncode, ended.stdout, ended.stderr

    return train


@pytest.fixture
def dry(train, tiny, tmp_path):
    """`train.py` with `tiny` settings, which leaves nothing."""

    def dry(*arguments: str) -> tuple[int, str, str]:
        ended = train(*arguments[:1], *tiny, *arguments[1:])
        assert not list(tmp_path.iterdir())
        return ended

    return dry


def rows(printed: str) -> list[dict[str, str]]:
    """The table, by the names of its columns."""
    lines = [re.split(r"  +", line.strip()) for line in printed.splitlines()]
    (head,) = (number for number, line in enumerate(lines) if line[0] == "shape")
    end = next(number for number in range(head, len(lines)) if lines[number] == [""])
    return [dict(zip(lines[head], line, strict=True)) for line in lines[head + 1 : end]]


def facts(printed: str) -> dict[str, str]:
    return dict(re.findall(r"^(time|memory|disk) +(.*)$", printed, re.MULTILINE))


@pytest.mark.slow
def test_a_run_is_told_and_not_started(dry):
    status, printed, complained = dry("dry=true")
    assert (status, complained) == (0, "")
    (row,) = rows(printed)
    assert (row["shape"], row["jobs"], row["steps"]) == ("dncnn", "1", "2")
    assert set(facts(printed)) == {"time", "memory", "disk"}
    assert "with 1 job (this process)" in facts(printed)["time"]


@pytest.mark.slow
def test_jobs_of_one_shape_are_measured_once(dry):
    status, printed, complained = dry("-m", *SHAPES, "hydra.launcher.devices=cpu:2", "dry=3")
    assert (status, complained) == (0, "")
    assert "4 jobs of 2 shapes" in printed
    assert [(row["shape"], row["jobs"]) for row in rows(printed)] == [("depth-2", "2"), ("depth-3", "2")]
    assert "with 2 at a time (CPU 0, CPU 1)" in facts(printed)["time"]
    assert "with 3 at a time, each as fast as here" in printed


@pytest.mark.slow
def test_what_is_told_of_a_run_is_what_it_then_has(train, tiny, tmp_path):
    settings = [
        *tiny,
        "trainer.max_steps=60",
        "trainer.val_check_interval=20",
        "trainer.log_every_n_steps=10",
    ]
    assert train(*settings, "hydra.run.dir=is")[0] == 0
    enqueue(tmp_path / "told", read_config(tmp_path / "is"))
    status, _, complained = train("dry=probe", "hydra.run.dir=told")
    assert (status, complained) == (0, "")
    cost, run = read_cost(tmp_path / "told"), tmp_path / "is"
    config = {"test": {"noise_seeds": 1}, "data": {}}
    assert (
        cost.steps({"max_steps": 60, "max_epochs": -1})
        == json.loads((run / "status.json").read_text())["steps"]
    )
    files = [path for path in run.rglob("*") if path.is_file()]
    assert cost.size(config) == pytest.approx(sum(path.stat().st_size for path in files), rel=0.15)


@pytest.mark.slow
def test_a_run_that_exists_is_not_probed(train, tiny, tmp_path):
    assert train(*tiny, "hydra.run.dir=is")[0] == 0
    before = {path: path.read_bytes() for path in (tmp_path / "is").rglob("*") if path.is_file()}
    status, _, complained = train("dry=probe", "hydra.run.dir=is")
    assert status == 2
    assert "give dry=true" in complained
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_a_training_of_no_steps_is_told_too(dry):
    status, printed, complained = dry("dry=true", "trainer.max_steps=0", "data.validation_images=0")
    assert (status, complained) == (0, "")
    assert rows(printed)[0]["steps"] == "0"


@pytest.mark.slow
def test_a_sweep_with_decide_is_told_with_its_first_seeds(dry):
    status, printed, complained = dry("-m", "model.depth=2,3", "decide=0.1", "dry=true", "launcher=basic")
    assert (status, complained) == (0, "")
    assert "4 jobs of 2 shapes" in printed
    assert "decide: this is for the first seeds; it goes on to 10 of them at most" in printed


@pytest.mark.slow
def test_a_search_is_told_by_random_trials(dry):
    pytest.importorskip("optuna", reason="pip install -r requirements-search.txt")
    space = ["model.depth=choice(2,3)", "optimizer.lr=tag(log,interval(1e-4,1e-2))"]
    trials = ["hydra.sweeper.n_trials=6", "trainer.val_check_interval=1", "trainer.prune_after=1"]
    status, printed, complained = dry("sweep=search", *space, *trials, "model.hidden_channels=4", "dry=true")
    assert (status, complained) == (0, "")
    assert sum(int(row["jobs"]) for row in rows(printed)) == 6
    assert "at most: runs may stop before their last step" in printed


@pytest.mark.slow
def test_a_sweep_that_resumes_is_told_what_remains(train, tiny, tmp_path):
    words = ["-m", *tiny, "model.depth=2,3", "launcher=basic", "hydra.sweep.dir=sweep"]
    assert train(*words)[0] == 0
    before = sorted(tmp_path.rglob("*"))
    status, printed, complained = train(*words, "resume=sweep", "dry=true")
    assert (status, complained, printed) == (0, "", "sweep: nothing remains to be done\n")
    (tmp_path / "sweep/0-depth-2/status.json").unlink()
    status, printed, complained = train(*words, "resume=sweep", "dry=true")
    assert (status, complained) == (0, "")
    assert "1 job of 1 shape" in printed
    assert sorted(tmp_path.rglob("*")) == [path for path in before if path.exists()]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dry=true", "model.depth=0"], "train.py: dncnn: model.depth is 0; expected"),
        (["-m", "model.depth=2,0", "dry=true"], "train.py: depth-0: model.depth is 0; expected"),
        (["-m", "model.depth=2,3", "optimizer.lr=1e30", "dry=true"], "depth-2: the loss is inf at step 2"),
    ],
)
def test_what_fails_in_the_first_steps_fails_here(dry, words, message, monkeypatch, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setenv("TMPDIR", str(scratch))
    status, _, complained = dry(*words)
    assert not [path for path in scratch.iterdir() if path.name.startswith("imaging-")]
    assert status == 2
    assert complained.count("\n") == 1
    assert message in complained


def test_a_script_for_slurm_is_not_written(command, tiny, monkeypatch, tmp_path):
    told = []
    monkeypatch.setattr("imaging.commands.dry.tell_costs", told.append)
    settings = ["launcher=slurm_script", "hydra.launcher.array_parallelism=5", *tiny, *SHAPES]
    assert command("train.py", "-m", *settings, "dry=true") == (0, "", "")
    (planned,) = told
    assert (planned.places.count, planned.places.forks, len(planned.plans)) == (5, False, 4)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("search", "gpus", "jobs_per_gpu", "count", "sharing"),
    [(False, 2, 3, 5, 1), (True, 2, 3, 30, 3), (True, 0, 2, 10, 2), (True, None, 1, 5, 1)],
)
def test_a_search_has_a_queue_of_its_own_in_each_task_of_slurm(search, gpus, jobs_per_gpu, count, sharing):
    launcher = yaml.safe_load((TRAIN.parent / "conf/launcher/slurm.yaml").read_text())["hydra"]["launcher"]
    launcher |= {"array_parallelism": 5, "gpus_per_node": gpus, "jobs_per_gpu": jobs_per_gpu}
    places = Places.of(launcher, search)
    assert (places.count, places.devices, places.sharing) == (count, 1, sharing)
    assert places.forks == search  # the trials of a worker are forks, the tasks of an array are programs


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["dry=0"], "dry is 0; expected true, or a number of jobs at a time"),
        (["dry=-1"], "dry is -1"),
        (["dry=probe"], "give dry=true"),
        (["dry=maybe"], "dry is 'maybe'"),
        (["dry=1.5"], "dry is 1.5"),
        (["dry=[1]"], "dry is [1]"),
        (["dry=false"], "dry is False; expected true"),
        (["-m", "seed=0,1", "dry=0"], "dry is 0"),
        (["-m", "seed=0,1", "dry=probe"], "dry is 'probe'"),
        (["-m", "seed=0,1", "dry=true,false"], "dry is for the whole sweep"),
        (["-m", "launcher=queue", "seed=0,1", "dry=true", "hydra.launcher.devices=9"], "devices is 9"),
        (["-m", *SLURM, "hydra.launcher.timeout_min=abc"], "hydra.launcher.timeout_min is 'abc'"),
        (["-m", *SLURM, "sweep=search", "hydra.launcher.nodes=2"], "a trial of sweep=search has one device"),
    ],
)
def test_wrong_settings_are_told_before_anything_runs(command, tmp_path, words, expected):
    status, _, complained = command("train.py", *words)
    assert status == 2
    assert complained.count("\n") == 1
    assert expected in complained
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_ctrl_c_leaves_nothing_behind(tiny, tmp_path, tmp_path_factory):
    scratch = tmp_path_factory.mktemp("scratch")  # short, since the path of a socket is limited
    environment = os.environ | {"TMPDIR": str(scratch), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, str(TRAIN), "-m", *tiny, "seed=0,1", "trainer.max_steps=100000", "dry=true"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(scratch.glob("*/0/status.json")):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    complained = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "nothing was started" in complained
    assert not [path for path in scratch.iterdir() if path.name.startswith("imaging-")]
