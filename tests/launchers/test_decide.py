"""decide=…: a sweep that adds seeds until every comparison is decided. What is undecided is made up here."""

import json
import sys
from pathlib import Path

import pytest

from imaging.runs.config import read_config
from imaging.runs.record import decision
from imaging.runs.resume import open_config
from imaging.runs.run import Run
from imaging.runs.status import is_over
from imaging.training.hparams import varied_settings

LINES = ["bias: open", "depth: open"]
CELLS = ["model.hidden_channels=4", "model.depth=2,3"]


@pytest.fixture
def decide(command, tiny, monkeypatch, tmp_path):
    """Run a sweep of two configurations, of which `answers` are told after one round each, the last for good.

    Returns a function of the answers and further arguments that gives (exit status, what was printed, what
    was complained, how many runs there were at each question).
    """

    def run(answers: list[list[str] | None], *arguments: str) -> tuple[int, str, str, list[int]]:
        runs = []

        def undecided(directory: Path) -> list[str] | None:
            runs.append(len(list(directory.glob("*/metrics.json"))))
            return answers[min(len(runs), len(answers)) - 1]

        monkeypatch.setattr("imaging.commands.sweep.undecided", undecided)
        ended = command("train.py", "-m", *tiny, *CELLS, "decide=0.1", *arguments)
        return *ended, runs

    return run


@pytest.fixture
def untrained(monkeypatch):
    """Jobs that are completed when they begin, but those whose names are in the list that this returns."""
    failing = []

    def train(config) -> None:
        settings, directory = open_config(config)
        if is_over(directory):
            return
        run = Run(directory, settings)
        with run.watched():
            if run.name in failing:
                raise RuntimeError("no training today")
            (directory / "metrics.json").write_text("{}")

    monkeypatch.setattr("imaging.commands.train.train", train)
    return failing


def sweep_of(tmp_path: Path) -> Path:
    (sweep,) = tmp_path.glob("multirun/*/*")
    return sweep


def jobs(sweep: Path) -> list[str]:
    return sorted(path.parent.name for path in sweep.glob("*/status.json"))


def names(seeds: int, first: int = 0) -> list[str]:
    """Of two configurations, seed by seed."""
    pairs = [(first + index // 2, 2 + index % 2) for index in range(2 * seeds)]
    return sorted(f"{number}-depth-{depth}-seed-{seed}" for number, (seed, depth) in enumerate(pairs))


def rounds(printed: str) -> list[str]:
    return [line for line in printed.splitlines() if line.startswith("seeds ")]


def attempts(sweep: Path) -> list[int]:
    return [json.loads(path.read_text())["attempts"] for path in sweep.glob("*/status.json")]


def test_a_seed_is_added_until_every_comparison_is_decided(decide, untrained, tmp_path):
    status, printed, complained, runs = decide([LINES, LINES[:1], []])
    assert (status, complained) == (0, "")
    assert runs == [4, 6, 8]
    assert jobs(sweep_of(tmp_path)) == names(4)
    assert rounds(printed) == [
        "seeds 2: 2 comparisons are not decided; adding seed 2",
        "seeds 3: 1 comparison is not decided; adding seed 3",
        "seeds 4: every comparison is decided",
    ]


def test_a_run_knows_its_seed_but_nothing_of_the_decision(decide, untrained, tmp_path):
    assert decide([LINES, []])[0] == 0
    for run in sweep_of(tmp_path).glob("*-seed-*"):
        config = read_config(run)
        assert config["seed"] == int(run.name.split("-")[-1])
        assert not {"decide", "decide_max_seeds", "resume"} & set(config)
        assert "decide" not in json.loads((run / "status.json").read_text())["command"]
        # TensorBoard leaves columns out if these are not the same for all runs.
        assert list(varied_settings(run, config)) == ["model", "seed", "depth"]


def test_two_seeds_are_enough_if_all_is_decided_with_them(decide, untrained, tmp_path):
    assert decide([[]], "seed=5")[0] == 0
    assert jobs(sweep_of(tmp_path)) == names(2, first=5)


def test_no_more_seeds_than_asked_for_also_when_resumed(decide, untrained, tmp_path):
    status, printed, _, runs = decide([LINES], "decide_max_seeds=3")
    assert (status, runs) == (0, [4, 6])
    assert rounds(printed)[-1] == "seeds 3: 2 comparisons are not decided; decide_max_seeds is reached"
    sweep = sweep_of(tmp_path)
    assert decision(sweep) == (0.1, 3)

    assert decide([LINES], "decide_max_seeds=3", f"resume={sweep}")[3] == [6]
    assert jobs(sweep) == names(3)
    # The looks so far were at the level for three seeds: with more looks it would not be kept.
    status, _, complained, runs = decide([LINES], "decide_max_seeds=5", f"resume={sweep}")
    assert (status, complained.count("\n"), runs) == (2, 1, [])
    assert "has decide_max_seeds=3, which sets the level of its intervals" in complained
    assert decision(sweep) == (0.1, 3)


def test_a_sweep_of_which_nothing_can_be_compared_is_not_called_decided(decide, untrained, tmp_path):
    status, printed, _, runs = decide([None])
    assert (status, runs) == (0, [4])
    assert rounds(printed) == ["seeds 2: nothing can be compared; no seed is added"]
    assert jobs(sweep_of(tmp_path)) == names(2)


def test_a_failed_job_ends_the_adding_and_its_round_is_completed_by_resume(decide, untrained, tmp_path):
    untrained.append("4-depth-2-seed-2")
    status, _, complained, runs = decide([LINES])
    assert (status, runs) == (1, [4])
    assert "1 not completed: 4-depth-2-seed-2 failed (RuntimeError: no training today)" in complained
    sweep = sweep_of(tmp_path)
    assert jobs(sweep) == names(3)  # that of the other configuration is not lost

    untrained.clear()
    status, _, _, runs = decide([[]], f"resume={sweep}")
    assert (status, runs) == (0, [6])
    assert sorted(attempts(sweep)) == [1] * 5 + [2]


def test_a_sweep_is_resumed_with_decide_and_the_same_first_seed(decide, untrained, command, tiny, tmp_path):
    assert decide([[]])[0] == 0
    sweep = sweep_of(tmp_path)
    status, _, complained = command("train.py", "-m", *tiny, *CELLS, f"resume={sweep}")
    assert (status, complained.count("\n")) == (2, 1)
    assert "varies model.depth=2,3 seed by decide, this command varies model.depth=2,3" in complained
    status, _, complained, _ = decide([[]], "seed=1", f"resume={sweep}")
    assert (status, complained.count("\n")) == (2, 1)
    assert "seed: 0 -> 1" in complained
    assert decide([[]], "decide=0.5", f"resume={sweep}")[0] == 0
    assert decision(sweep) == (0.5, 10)


def test_a_sweeps_file_may_have_decide_and_its_jobs_may_be_run_alone(
    command, untrained, tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr("imaging.commands.sweep.undecided", lambda directory: [])
    (tmp_path / "sweep").mkdir()
    (tmp_path / "sweep" / "depths.yaml").write_text(
        "# @package _global_\ndecide: 0.1\n"
        "hydra: {mode: MULTIRUN, sweeper: {params: {model.depth: '2,3', seed: 5}}}\n"
    )
    arguments = [*tiny, f"hydra.searchpath=[file://{tmp_path}]", "sweep=depths"]
    assert command("train.py", *arguments)[0] == 0
    assert jobs(sweep_of(tmp_path)) == names(2, first=5)
    status, _, complained = command("train.py", *arguments, "model.depth=2", "seed=5", "hydra.mode=RUN")
    assert (status, complained) == (0, "")
    (run,) = tmp_path.glob("outputs/*/*")
    assert read_config(run) == read_config(sweep_of(tmp_path) / "0-depth-2-seed-5")


def test_batches_are_no_larger_than_asked_for(decide, untrained, tmp_path):
    assert decide([LINES, []], "hydra.sweeper.max_batch_size=1")[3] == [4, 6]
    assert jobs(sweep_of(tmp_path)) == names(3)


@pytest.mark.slow
def test_over_slots_of_a_queue(decide, tmp_path, monkeypatch):
    """Trained and tested; the jobs are those of the real train.py."""
    train = Path(__file__).parents[2] / "train.py"
    monkeypatch.setattr("imaging.sweeps.jobs._script", lambda: (sys.executable, str(train)))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    status, _, complained, runs = decide([LINES, []], "launcher=gpus", "hydra.launcher.devices=cpu:2")
    assert status == 0, complained
    assert runs == [4, 6]
    sweep = sweep_of(tmp_path)
    assert jobs(sweep) == names(3)
    assert not any("decide" in read_config(sweep / job) for job in jobs(sweep))
    assert len((sweep / "summary.csv").read_text().splitlines()) == 1 + 6 * 4  # sigmas

    status, _, complained, runs = decide([[]], "launcher=basic", f"resume={sweep}")
    assert (status, runs) == (0, [6]), complained
    assert attempts(sweep) == [1] * 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["decide=0"], "decide is 0; expected a positive number, in dB"),
        (["decide=-0.1"], "decide is -0.1; expected"),
        (["decide=much"], "decide is 'much'; expected"),
        (["decide=true"], "decide is True; expected"),
        (["decide=inf"], "decide is inf; expected"),
        (["decide=[0.1]"], "decide is [0.1]; expected"),
        (["decide=0.1,0.2"], "decide is for the whole sweep: give one value"),
        (["decide_max_seeds=1"], "decide_max_seeds is 1; expected a whole number, from 2 to 100"),
        (["decide_max_seeds=101"], "decide_max_seeds is 101; expected a whole number, from 2 to 100"),
        (["decide_max_seeds=2.5"], "decide_max_seeds is 2.5; expected"),
        (["decide_max_seeds=null"], "decide_max_seeds is None; expected"),
        (["decide_max_seeds=3,4"], "decide_max_seeds is for the whole sweep"),
        (["sweep=bias_ablation", "+hydra.sweeper.params.decide=0.2"], "decide is for the whole sweep"),
        (["seed=0,1"], "seed=0,1, but decide chooses the seeds: give the first one"),
        (["seed=range(3)"], "seed=range(3), but decide chooses the seeds"),
        (["seed=[0,1]"], "seed=[0,1], but decide chooses the seeds"),
        (["seed=one"], "seed=one, but decide chooses the seeds"),
        (["model.depth=2"], "decide=0.1 adds seeds to a sweep, but nothing is swept: add sweep=…, or -m"),
        (["launcher=slurm_script"], "launcher=slurm_script only writes a script: use launcher=slurm, gpus"),
        (["sweep=search"], "a search draws its own: leave decide out"),
    ],
)
def test_a_mistake_is_told_in_one_line_before_any_job(arguments, words, decide, tmp_path):
    status, _, complained, runs = decide([[]], *arguments)
    assert (status, complained.count("\n"), runs) == (2, 1, [])
    assert complained.startswith("train.py: ")
    assert words in complained
    assert not list(tmp_path.glob("multirun/*/*"))


def test_one_run_alone_has_nothing_to_decide(command, tiny, tmp_path):
    status, _, complained = command("train.py", *tiny, "decide=0.1")
    assert (status, complained.count("\n")) == (2, 1)
    assert "decide=0.1 adds seeds to a sweep, but nothing is swept: add sweep=…" in complained
    assert not list(tmp_path.glob("outputs/*/*/*"))


def test_without_decide_a_sweep_is_hydras_own(command, untrained, tiny, tmp_path):
    assert command("train.py", "-m", *tiny, *CELLS, "seed=3,4")[0] == 0
    sweep = sweep_of(tmp_path)
    assert jobs(sweep) == [
        "0-depth-2-seed-3",
        "1-depth-2-seed-4",
        "2-depth-3-seed-3",
        "3-depth-3-seed-4",
    ]
    assert decision(sweep) is None


@pytest.mark.parametrize("line", ["decide: -1", "decide: [", "decide: 0.1\ndecide_max_seeds: many", "a: 1"])
def test_a_damaged_record_holds_no_decision(line, tmp_path):
    (tmp_path / "multirun.yaml").write_text(f"{line}\nhydra: {{overrides: {{task: []}}, sweeper: {{}}}}\n")
    assert decision(tmp_path) is None
    assert decision(tmp_path / "nowhere") is None
