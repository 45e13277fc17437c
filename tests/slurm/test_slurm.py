"""Sweeps on a real Slurm: one node with two fake GPUs, brought up by one_node.sh."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SLOW_TRAIN = HERE / "slow_train.py"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    """The environment in which Slurm's commands work."""
    if os.geteuid() != 0:
        pytest.skip("starting a Slurm needs root")
    if not Path("/etc/debian_version").is_file() or shutil.which("apt-get") is None:
        pytest.skip("a Slurm is installed from Debian's packages only")
    directory = tmp_path_factory.mktemp("slurm")
    environment = os.environ | {"SLURM_TEST_DIR": str(directory), "OMP_NUM_THREADS": "1"}
    up = subprocess.run([HERE / "one_node.sh", "up"], env=environment, capture_output=True, text=True)
    assert up.returncode == 0, up.stderr
    environment |= {"SLURM_CONF": f"{directory}/slurm.conf"}
    yield environment
    subprocess.run([HERE / "one_node.sh", "down"], env=environment, check=True)


@pytest.fixture
def small(tiny) -> list[str]:
    return [
        *(word for word in tiny if not word.startswith("trainer.max_steps")),
        "trainer.max_epochs=-1",
        "trainer.val_check_interval=100",
        "model.hidden_channels=4",
        "hydra.launcher.cpus_per_task=1",
        "hydra.launcher.timeout_min=1",
        "hydra.launcher.signal_delay_s=25",
    ]


def status(run: Path) -> dict:
    path = run / "status.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def test_a_sweep_with_a_preempted_a_time_limited_and_a_killed_job(slurm, small, tmp_path):
    """Jobs by their steps: 100 as it is; 3000 are more than a minute; 1500 is preempted; 1501 is killed."""
    arguments = ["launcher=slurm", *small, "trainer.max_steps=3000,1500,1501,100"]
    log = (tmp_path / "sweep.log").open("w+")
    sweep = subprocess.Popen(
        [sys.executable, SLOW_TRAIN, "-m", *arguments], cwd=tmp_path, env=slurm, stdout=log, stderr=log
    )
    done, together, deadline = set(), set(), time.monotonic() + 480
    while sweep.poll() is None:
        assert time.monotonic() < deadline, (log.seek(0), log.read())
        runs = {p.parent.name: p.parent for p in tmp_path.glob("multirun/*/*/*/status.json")}
        now = {name: status(run) for name, run in runs.items()}
        running = {n: s for n, s in now.items() if s.get("state") == "running" and s.get("device")}
        training = {n: s for n, s in running.items() if Path(f"/proc/{s['pid']}").exists()}
        if len(training) == 2:
            together.add(tuple(sorted(s["device"] for s in training.values())))
        for name, known in training.items():
            if name.endswith("-1500") and "preempted" not in done and known["step"] > 0:
                array = re.search(r"squeue -j (\d+)", Path(log.name).read_text())[1]
                task = name.split("-")[0]
                subprocess.run(["scancel", "--signal=USR2", f"{array}_{task}"], env=slurm, check=True)
                done.add("preempted")
            if name.endswith("-1501") and "killed" not in done and known["step"] > 0:
                os.kill(known["pid"], signal.SIGKILL)
                done.add("killed")
        time.sleep(0.2)
    log.seek(0)
    printed = log.read()
    assert sweep.returncode == 1, printed
    assert done == {"preempted", "killed"}
    assert together <= {("cpu of 0", "cpu of 1")}, "two jobs had one GPU"
    assert together

    (directory,) = tmp_path.glob("multirun/*/*")
    ends = {run.name: status(run) for run in directory.iterdir() if (run / "status.json").is_file()}
    names = ["0-max_steps-3000", "1-max_steps-1500", "2-max_steps-1501", "3-max_steps-100"]
    assert [ends[n]["state"] for n in names] == ["completed", "completed", "failed", "completed"], printed
    assert [ends[n]["step"] for n in (names[0], names[1], names[3])] == [3000, 1500, 100]
    assert ends[names[0]]["attempts"] >= 2
    assert ends[names[1]]["attempts"] >= 2
    assert ends[names[3]]["attempts"] == 1
    assert "1 not completed: 2-max_steps-1501 failed (Slurm reports FAILED: " in printed
    rows = list(csv.DictReader((directory / "summary.csv").open()))
    assert {row["run"]: row["state"] for row in rows} == {n: ends[n]["state"] for n in names}


def test_a_script_to_submit_by_hand(slurm, small, tmp_path):
    """Written, submitted, warned by USR1, queued again, finished; then the same command makes the table."""
    command = [sys.executable, SLOW_TRAIN, "-m", "launcher=slurm_script", *small, "trainer.max_steps=300,301"]
    wrote = subprocess.run(command, cwd=tmp_path, env=slurm, capture_output=True, text=True)
    (directory,) = tmp_path.glob("multirun/*/*")
    assert wrote.returncode == 0, wrote.stderr
    assert "2 jobs; to start them: sbatch" in wrote.stdout
    submitted = subprocess.run(
        ["sbatch", "--parsable", directory / "submit.sh"],
        cwd=tmp_path,
        env=slurm,
        capture_output=True,
        text=True,
        check=True,
    )
    array, warned, deadline = submitted.stdout.strip(), False, time.monotonic() + 240
    run = directory / "0-max_steps-300"
    while any(status(r).get("state") != "completed" for r in directory.glob("*-max_steps-*")):
        assert time.monotonic() < deadline, (run / "log.txt").read_text()
        if not warned and status(run).get("device") and status(run)["step"] > 0:
            subprocess.run(["scancel", "--signal=USR1", f"{array}_0"], env=slurm, check=True)
            warned = True
        time.sleep(0.2)
    assert status(run)["attempts"] >= 2  # Slurm may have warned of the time limit as well
    assert "SIGUSR1: saved after step" in (run / "log.txt").read_text()
    again = subprocess.run(
        [*command, f"resume={directory}"], cwd=tmp_path, env=slurm, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert "PSNR in dB" in again.stdout


def test_decide_adds_arrays_of_jobs(slurm, small, tmp_path):
    """Two configurations that hardly differ after two steps: two seeds of each, then a third of each."""
    decide = ["decide=1e-6", "decide_max_seeds=3", "trainer.max_steps=2", "model.depth=2,3"]
    patient = "hydra.launcher.timeout_min=5"
    command = [sys.executable, HERE.parents[1] / "train.py", "-m", "launcher=slurm", *small, *decide, patient]
    ended = subprocess.run(command, cwd=tmp_path, env=slurm, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    rounds = [line.split(";")[-1].strip() for line in ended.stdout.splitlines() if line.startswith("seeds ")]
    assert rounds == ["adding seed 2", "decide_max_seeds is reached"], ended.stdout
    (directory,) = tmp_path.glob("multirun/*/*")
    rows = list(csv.DictReader((directory / "summary.csv").open()))
    assert {(row["depth"], row["seed"]) for row in rows} == {(d, s) for d in "23" for s in "012"}
    assert {row["state"] for row in rows} == {"completed"}
    assert ended.stdout.count("job array ") == 2


def test_a_search_by_workers_of_which_one_is_killed_and_one_preempted(slurm, small, tmp_path):
    """The killed worker's trial goes on in the other, which is warned, is queued again and does the rest."""
    pytest.importorskip("optuna", reason="pip install -r requirements-search.txt")
    search = ["sweep=search", "hydra.sweeper.n_trials=4", "hydra.launcher.array_parallelism=2"]
    lengths = ["trainer.max_steps=400", "trainer.checkpoint_every_n_steps=20"]
    patient = "hydra.launcher.timeout_min=10"
    command = [sys.executable, SLOW_TRAIN, "launcher=slurm", *search, *small, *lengths, patient]
    log = (tmp_path / "sweep.log").open("w+")
    parent = subprocess.Popen(command, cwd=tmp_path, env=slurm, stdout=log, stderr=log)
    killed, warned, deadline = None, None, time.monotonic() + 400
    while parent.poll() is None:
        assert time.monotonic() < deadline, Path(log.name).read_text()
        training = {
            path.parent.name: now
            for path in tmp_path.glob("multirun/*/*/*/status.json")
            if (now := status(path.parent)).get("state") == "running" and now["step"] > 40
        }
        if killed is None and len(training) == 2:
            killed, now = next(iter(training.items()))
            worker = parent_of(parent_of(now["pid"]))  # the job is a fork of the worker's child
            os.kill(worker, signal.SIGKILL)
        elif killed is not None and warned is None and training.get(killed, {}).get("attempts") == 2:
            warned = re.search(r"squeue -j (\d+)", Path(log.name).read_text())[1]
            subprocess.run(["scancel", "--signal=USR1", warned], env=slurm, check=True)
        time.sleep(0.1)
    printed = Path(log.name).read_text()
    assert parent.returncode == 0, printed
    assert warned is not None, printed
    (directory,) = tmp_path.glob("multirun/*/*")
    ends = {run.parent.name: status(run.parent) for run in directory.glob("*/status.json")}
    assert len(ends) == 4
    assert {(end["state"], end["step"]) for end in ends.values()} == {("completed", 400)}
    assert ends[killed]["attempts"] == 3  # started, gone on with by the other worker, and again after USR1
    assert "search   4 completed; " in printed
    assert "job array " in printed
    assert "2 workers" in printed


def test_what_the_lines_of_setup_print_is_told(slurm, small, tmp_path):
    fails = ["launcher=slurm", "hydra.launcher.setup=[echo no such module, exit 3]", *small]
    command = [sys.executable, SLOW_TRAIN, "-m", *fails, "seed=0,1"]
    ended = subprocess.run(command, cwd=tmp_path, env=slurm, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    assert "2 not completed: 0-seed-0 failed (Slurm reports FAILED: no such module); 1-seed-1" in ended.stderr
    pytest.importorskip("optuna", reason="pip install -r requirements-search.txt")
    command = [sys.executable, SLOW_TRAIN, "sweep=search", *fails, "hydra.sweeper.n_trials=2"]
    ended = subprocess.run(command, cwd=tmp_path, env=slurm, capture_output=True, text=True)
    (search,) = tmp_path.glob("multirun/*/*-search")
    assert ended.returncode == 1, ended.stderr
    logs = search / "workers"
    assert f"2 of 2 trials (workers: 0 FAILED, 1 FAILED; see {logs}); to go on" in ended.stderr
    assert (logs / "1.log").read_text() == "no such module\n"


def test_a_sweep_waits_for_its_jobs_again_after_it_was_stopped(slurm, small, tmp_path):
    steps = ["trainer.max_steps=300,301", "hydra.launcher.timeout_min=10"]
    command = [sys.executable, SLOW_TRAIN, "-m", "launcher=slurm", *small, *steps]
    first = subprocess.Popen(command, cwd=tmp_path, env=slurm, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("multirun/*/*/slurm_array.txt")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    first.send_signal(signal.SIGINT)
    _, complained = first.communicate()
    (directory,) = tmp_path.glob("multirun/*/*")
    array = (directory / "slurm_array.txt").read_text().strip()
    assert first.returncode == 130
    assert f"the jobs continue in Slurm, unless you cancel them: scancel {array}; to go on: " in complained
    again = subprocess.run(
        [*command, f"resume={directory}"], cwd=tmp_path, env=slurm, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert f"job array {array} of this sweep has not ended; waiting for it" in again.stdout
    assert again.stdout.count("squeue") == 0  # nothing was submitted
    assert [status(directory / name)["attempts"] for name in ("0-max_steps-300", "1-max_steps-301")] == [1, 1]


def test_one_run_on_two_tasks(slurm, small, tmp_path):
    two = [
        "trainer=ddp",
        "trainer.devices=2",
        "hydra.launcher.tasks_per_node=2",
        "hydra.launcher.gpus_per_node=0",
        "hydra.launcher.timeout_min=10",
    ]
    command = [
        sys.executable,
        SLOW_TRAIN,
        "-m",
        "launcher=slurm",
        *small,
        *two,
        "trainer.max_steps=4",
    ]
    ended = subprocess.run(command, cwd=tmp_path, env=slurm, capture_output=True, text=True)
    (run,) = (path.parent for path in tmp_path.glob("multirun/*/*/*/status.json"))
    assert ended.returncode == 0, (ended.stderr, (run / "log.txt").read_text())
    # Two processes that did not know each other would both want the run's lock.
    assert (run / "log.txt").read_text().count("step 4/4") == 1


def parent_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
