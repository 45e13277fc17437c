"""launcher=gpus as a person uses it: sweeps over slots of CPU cores."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imaging.reporting.curves import read_curves

TRAIN, FAULTY = Path(__file__).parents[2] / "train.py", Path(__file__).with_name("faulty.py")
QUEUE = ["launcher=gpus", "hydra.launcher.devices=cpu:2"]


def command(script: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(script), "-m", *QUEUE, *arguments]


def sweep_of(tmp_path: Path) -> Path:
    (sweep,) = tmp_path.glob("multirun/*/*")
    return sweep


def states(sweep: Path) -> dict[str, str]:
    return {p.parent.name: json.loads(p.read_text())["state"] for p in sweep.glob("*/status.json")}


def wait_until(condition, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """One thread a job, and an empty directory to be in."""
    monkeypatch.chdir(tmp_path)
    return os.environ | {"OMP_NUM_THREADS": "1", "FAULTS": "{}"}


@pytest.mark.slow
def test_eight_jobs_of_which_one_raises_one_exits_and_one_is_killed(tiny, tmp_path, environment):
    faults = {"FAULTS": json.dumps({"1": "raise", "4": "exit", "6": "kill"})}
    arguments = [*tiny, "seed=0,1,2,3,4,5,6,7"]
    first = subprocess.run(
        command(FAULTY, *arguments), env=environment | faults, capture_output=True, text=True
    )
    assert first.returncode == 1, first.stderr
    assert "3 not completed" in first.stderr
    assert "1-seed-1 failed (RuntimeError: a fault of the network)" in first.stderr
    assert "4-seed-4 failed (exit status 3" in first.stderr
    assert "6-seed-6 failed (killed by SIGKILL)" in first.stderr
    sweep = sweep_of(tmp_path)
    assert "Traceback" in (sweep / "1-seed-1" / "log.txt").read_text()
    rows = list(csv.DictReader((sweep / "summary.csv").open()))
    told = {row["run"]: row["state"] for row in rows}
    assert sorted(told.values()) == ["completed"] * 5 + ["failed"] * 3
    assert sum(row["state"] == "completed" for row in rows) == 5 * 4  # sigmas

    before = {
        run: (sweep / run / "metrics.json").stat().st_mtime for run, s in told.items() if s == "completed"
    }
    again = subprocess.run(
        command(FAULTY, *arguments, f"resume={sweep}"), env=environment, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert set(states(sweep).values()) == {"completed"}
    assert len(states(sweep)) == 8
    for run, time_written in before.items():
        assert (sweep / run / "metrics.json").stat().st_mtime == time_written, f"{run} was run again"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_end_of_the_queue_ends_its_jobs_saved_and_the_sweep_goes_on(number, tiny, tmp_path, environment):
    steps = [*tiny, "trainer.max_steps=6000", "trainer.max_epochs=-1", "trainer.log_every_n_steps=500"]
    arguments = [*steps, "seed=0,1,2", "model.hidden_channels=8"]
    queue = subprocess.Popen(command(TRAIN, *arguments), env=environment, stderr=subprocess.PIPE, text=True)

    def running() -> list[dict]:
        found = [json.loads(p.read_text()) for p in tmp_path.glob("multirun/*/*/*/status.json")]
        return [s for s in found if s.get("step")]  # told with the first validation

    wait_until(lambda: len(running()) == 2)
    pids = [status["pid"] for status in running()]
    queue.send_signal(number)
    _, complained = queue.communicate(timeout=90)
    wait_until(lambda: not any(map(alive, pids)), seconds=60)
    sweep = sweep_of(tmp_path)
    if number == signal.SIGKILL:
        assert queue.returncode == -signal.SIGKILL
    else:
        assert queue.returncode == 130
        assert f"the same command with resume={sweep.relative_to(tmp_path)}" in complained
        assert "Traceback" not in complained
    assert sorted(states(sweep).values()) == ["interrupted", "interrupted", "queued"]
    assert len(list(sweep.glob("*/checkpoints/last.ckpt"))) == 2

    again = subprocess.run(
        command(TRAIN, *arguments, f"resume={sweep}"), env=environment, capture_output=True, text=True
    )
    assert again.returncode == 0, again.stderr
    assert set(states(sweep).values()) == {"completed"}
    alone = subprocess.run(
        [sys.executable, TRAIN, *steps, "seed=1", "model.hidden_channels=8"], env=environment, check=False
    )
    assert alone.returncode == 0
    (run,) = tmp_path.glob("outputs/*/*")
    for tag in ("train/loss", "val/psnr"):
        assert read_curves(run, [tag])[tag] == read_curves(sweep / "1-seed-1", [tag])[tag]


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_to_as_many_trials_as_were_asked_for(tiny, tmp_path, environment):
    optuna = pytest.importorskip("optuna", reason="pip install -r requirements-search.txt")
    arguments = [
        "sweep=search",
        *QUEUE,
        *tiny,
        "trainer.max_steps=6",
        "trainer.val_check_interval=2",
        "trainer.prune_after=2",
        "trainer.prune_others=2",
        "hydra.sweeper.n_trials=6",
        "hydra.sweeper.startup=3",
        "model.hidden_channels=choice(4,8)",
        "model.depth=range(2,5)",
    ]
    queue = subprocess.Popen([sys.executable, TRAIN, *arguments], env=environment)
    wait_until(lambda: any(s in ("completed", "pruned") for s in _states(tmp_path)))
    queue.kill()
    queue.wait()
    sweep = sweep_of(tmp_path)
    wait_until(lambda: not any(map(alive, _pids(sweep))), seconds=60)

    def trials() -> list:
        journal = optuna.storages.journal.JournalFileBackend(str(sweep / "search.log"))
        return optuna.load_study(study_name=None, storage=optuna.storages.JournalStorage(journal)).trials

    assert len(trials()) < 6
    again = subprocess.run(
        [sys.executable, TRAIN, *arguments, f"resume={sweep}"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    assert len(trials()) == 6
    told = {"COMPLETE": "completed", "PRUNED": "pruned"}
    for trial in trials():
        (run,) = sweep.glob(f"{trial.number}-*")
        assert told[trial.state.name] == states(sweep)[run.name]
        if trial.state.name == "COMPLETE":
            assert trial.value == json.loads((run / "metrics.json").read_text())["val/psnr"]
        assert f"depth-{trial.params['model.depth']}" in run.name
    assert "best     " in again.stdout


def _states(tmp_path: Path) -> list[str]:
    return [json.loads(p.read_text())["state"] for p in tmp_path.glob("multirun/*/*/*/status.json")]


def _pids(sweep: Path) -> list[int]:
    return [json.loads(p.read_text()).get("pid", 0) for p in sweep.glob("*/status.json")]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hydra.launcher.devices=gpus"], "no GPU is visible here: for slots of CPU cores set"),
        (["hydra.launcher.devices=[7]"], "hydra.launcher.devices is [7], but no GPU is visible here"),
        (["hydra.launcher.devices=many"], "hydra.launcher.devices is 'many'; expected auto, gpus, a number"),
        (
            ["hydra.launcher.devices=cpu:2", "trainer.devices=2"],
            "trainer.devices is 2, but a job of this sweep has 1",
        ),
        (["launcher=basic", "trainer.devices=2"], "trainer.devices is 2, but a job of this sweep has 1"),
        (["resume=nowhere"], "nowhere is not a sweep directory"),
    ],
)
def test_a_mistake_is_told_in_one_line_before_any_job(arguments, words, command_line, tiny, tmp_path):
    status, _, complained = command_line(*tiny, "launcher=gpus", "seed=0,1", *arguments)
    assert (status, complained.count("\n")) == (2, 1)
    assert complained.startswith("train.py: ")
    assert words in complained
    assert not list(tmp_path.glob("multirun/*/*/*/log.txt"))


@pytest.mark.slow
def test_a_sweep_with_other_settings_is_refused_and_a_completed_one_is_not_repeated(
    command_line, command, tiny, tmp_path
):
    arguments = [*tiny, "seed=0,1"]
    assert command_line(*arguments)[0] == 0
    sweep = sweep_of(tmp_path)
    before = {p: p.stat().st_mtime for p in sweep.glob("*/metrics.json")}
    assert len(before) == 2

    status, _, complained = command_line(*arguments, "model.depth=4", f"resume={sweep}")
    assert (status, complained.count("\n")) == (2, 1)
    assert "model.depth: 5 -> 4" in complained
    status, _, complained = command_line(*tiny, "seed=0,1,2", f"resume={sweep}")
    assert status == 2
    assert "varies seed=0,1, this command varies seed=0,1,2" in complained
    status, _, complained = command("train.py", f"resume={sweep}")
    assert (status, complained.count("\n")) == (2, 1)
    assert "is a sweep: python train.py -m " in complained
    assert "data=folder" in complained

    status, printed, _ = command_line(*arguments, f"resume={sweep}")
    assert status == 0
    assert printed.count("completed") == 2
    assert {p: p.stat().st_mtime for p in before} == before


@pytest.mark.parametrize("content", ["", "a: 1", "hydra: [", "hydra: {sweeper: {}}"])
def test_a_damaged_record_of_a_sweep_is_told_in_one_line(content, command_line, tiny, tmp_path):
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "multirun.yaml").write_text(content)
    status, _, complained = command_line(*tiny, "seed=0,1", "resume=sweep")
    assert (status, complained.count("\n")) == (2, 1)
    assert "multirun.yaml cannot be read as the config of a sweep" in complained


def test_a_sweep_that_another_process_works_on_is_refused(command_line, tiny, tmp_path, pytestconfig):
    assert command_line(*tiny, "seed=0,1")[0] == 0
    sweep = sweep_of(tmp_path)
    code = "import sys, time; from pathlib import Path; from imaging.runs.lock import lock; "
    code += "handle = lock(Path(sys.argv[1])); print('holds', flush=True); time.sleep(60)"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(sweep)], cwd=pytestconfig.rootpath, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "holds\n"
        status, _, complained = command_line(*tiny, "seed=0,1", f"resume={sweep}")
        assert (status, complained.count("\n")) == (2, 1)
        assert f"another process is working in {sweep}" in complained
    finally:
        holder.kill()
        holder.communicate()
