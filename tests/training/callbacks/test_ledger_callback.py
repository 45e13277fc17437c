"""The ledger of a training: its lines, its resuming, and the checkpoints that it keeps."""

import json

import pytest
import torch

from imaging.data import build_data
from imaging.runs.checkpoints import kept_checkpoints, read_checkpoint
from imaging.runs.ledger import LEDGER, has_line, is_kept, read_ledger, spacing
from imaging.runs.run import Run
from imaging.tasks import build_task
from imaging.training.fingerprints import describe, states_of
from imaging.training.strategies import EveryStep
from imaging.training.trainer import build_trainer, fit

STEPS = 11
SETTINGS = [
    "data.patch_size=16", "data.patches_per_image=5", "data.validation_images=1", "data.batch_size=4",
    "model.hidden_channels=4", "model.depth=3", "schedule=cosine", f"trainer.max_steps={STEPS}",
    "trainer.val_check_interval=4", "trainer.checkpoint_every_n_steps=3", "callbacks=ledger",
    "callbacks.ledger.every_n_steps=2", "callbacks.ledger.keep=3",
]  # fmt: skip


class Cut(BaseException):
    """Stands for a kill."""


class CutAt(EveryStep):
    """Cut after a step, before or behind the project's callbacks."""

    def __init__(self, step: int):
        self.step = step

    def after_step(self, trainer, task, outputs) -> None:
        if trainer.global_step == self.step:
            raise Cut


@pytest.fixture
def settings(composed_on_photographs):
    return lambda *overrides: composed_on_photographs(*SETTINGS, *overrides)


def train(directory, config, cut: int | None = None, first: bool = False) -> None:
    run = Run(directory, config)
    with run.watched():
        trainer, start = build_trainer(config["trainer"], run)
        if cut is not None:
            trainer.callbacks.insert(0 if first else len(trainer.callbacks), CutAt(cut))
        fit(trainer, build_task(config), build_data(config["data"]), run, start)


@pytest.mark.parametrize("averaging", ["null", "0.9"])
def test_the_lines_are_those_of_the_checkpoints(averaging, settings, tmp_path):
    train(tmp_path, settings(f"trainer.weight_averaging={averaging}"))
    ledger = read_ledger(tmp_path / LEDGER)
    assert list(ledger.steps) == [0, 2, 4, 6, 8, 10, 11]
    assert list(kept_checkpoints(tmp_path / "checkpoints")) == [4, 8]
    for path in (tmp_path / "checkpoints").glob("*.ckpt"):
        checkpoint = read_checkpoint(path)
        if line := ledger.steps.get(checkpoint["global_step"]):
            here = describe(line.step, *states_of(checkpoint))
            assert (here.weights, here.average, here.optimizer) == (
                line.weights,
                line.average,
                line.optimizer,
            )
            assert here.sketch == line.sketch
            assert bool(line.average) == (averaging != "null")


@pytest.mark.parametrize(("step", "first"), [(1, True), (4, True), (7, False), (11, False)])
def test_a_run_that_is_cut_ends_with_the_ledger_of_one_that_is_not(step, first, settings, tmp_path):
    config = settings("trainer.weight_averaging=0.9")
    train(tmp_path / "whole", config)
    with pytest.raises(Cut):
        train(tmp_path / "cut", config, step, first)
    with open(tmp_path / "cut" / LEDGER, "ab") as file:
        file.write(b"step,12,00")  # an append that was interrupted
    train(tmp_path / "cut", config)
    assert (tmp_path / "cut" / LEDGER).read_bytes() == (tmp_path / "whole" / LEDGER).read_bytes()
    kept = [list(kept_checkpoints(tmp_path / name / "checkpoints")) for name in ("whole", "cut")]
    assert kept[0] == kept[1]


def test_another_machine_has_a_line(settings, tmp_path, monkeypatch):
    with pytest.raises(Cut):
        train(tmp_path, settings(), 7)
    monkeypatch.setattr("imaging.training.callbacks.ledger.processor", lambda: "another one")
    train(tmp_path, settings())
    ledger = read_ledger(tmp_path / LEDGER)
    assert [line.step for line in ledger.lines if line.event == "machine"] == [6]
    assert ledger.facts_at(7)["processor"].startswith("another one")
    assert not ledger.facts_at(6)["processor"].startswith("another one")


def test_lines_that_are_lost_are_told_and_the_run_goes_on(settings, tmp_path, capfd):
    with pytest.raises(Cut):
        train(tmp_path, settings(), 7)
    rows = (tmp_path / LEDGER).read_text().splitlines(keepends=True)
    (tmp_path / LEDGER).write_text("".join([*rows[:2], "rubbish\n", *rows[3:]]))
    train(tmp_path, settings())
    assert (
        "ledger.csv has no lines after step 0 (line 3 is damaged): imaging verify" in capfd.readouterr().err
    )
    assert list(read_ledger(tmp_path / LEDGER).steps) == [0, 8, 10, 11]


def test_a_ledger_that_is_lost_begins_again(settings, tmp_path, capfd):
    with pytest.raises(Cut):
        train(tmp_path, settings(), 7)
    (tmp_path / LEDGER).unlink()
    train(tmp_path, settings())
    assert "ledger.csv has no lines of its beginning" in capfd.readouterr().err
    assert list(read_ledger(tmp_path / LEDGER).steps) == [6, 8, 10, 11]


def test_the_last_step_of_a_training_that_stops_early_has_a_line(settings, tmp_path):
    early = ["callbacks=[early_stopping,ledger]", "callbacks.early_stopping.patience=1", "optimizer.lr=1e-9"]
    config = settings(*early, "trainer.val_check_interval=1", "callbacks.early_stopping.min_delta=5")
    train(tmp_path, config)
    (step,) = json.loads((tmp_path / "status.json").read_text())["validation"].keys() - {"1"}
    assert list(read_ledger(tmp_path / LEDGER).steps) == [0, int(step)]


def test_the_bits_of_a_run_do_not_depend_on_its_ledger(settings, tmp_path):
    config = settings()
    train(tmp_path / "with", config)
    train(tmp_path / "without", config | {"callbacks": {}})
    ends = [read_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt") for name in ("with", "without")]
    for name, weight in ends[0]["state_dict"].items():
        assert torch.equal(weight, ends[1]["state_dict"][name])


def test_the_number_of_kept_checkpoints_is_limited():
    for keep in (1, 3, 8):
        for step in range(10, 5000, 10):
            steps = range(spacing(step, 10, keep), step + 1, spacing(step, 10, keep))
            assert keep / 2 <= len(steps) <= keep or len(steps) == step // 10


def test_the_tenth_step_after_a_kept_checkpoint_has_a_line():
    assert [step for step in range(60) if has_line(step, 20, 8)] == [0, 10, 20, 30, 40, 50]
    assert [step for step in range(12) if has_line(step, 4, 8)] == [0, 4, 8]
    assert [step for step in range(101) if has_line(step, 20, 2)] == [0, 10, 20, 30, 40, 50, 60, 80, 90, 100]
    assert [step for step in range(401) if is_kept(step, 20, 2)] == [20, 40, 80, 160, 320]
    assert not any(is_kept(step, 20, 0) for step in range(100))
