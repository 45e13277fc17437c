"""Loggers and callbacks that a config names, and networks of one's own."""

import csv
import json
import shutil
import sys
import threading
import time

import pytest

from imaging.errors import ImagingError
from imaging.models import MODELS
from imaging.reporting.curves import read_curves
from imaging.runs.checkpoints import read_checkpoint
from imaging.tasks import LOSSES
from imaging.training.loggers import LOGGERS, Board

STEPS = [
    "trainer.max_steps=9",
    "trainer.log_every_n_steps=3",
    "trainer.val_check_interval=3",
    "trainer.max_epochs=-1",
]


def only(tmp_path):
    (run,) = tmp_path.glob("outputs/*/*")
    return run


def test_a_csv_file_beside_tensorboard_has_the_same_curves(command, tiny, tmp_path):
    assert command("train.py", *tiny, *STEPS, "logger=csv")[0] == 0
    with open(only(tmp_path) / "csv" / "from-step-0" / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    for tag in ("train/loss", "train/psnr", "train/lr", "val/psnr"):
        steps, values = read_curves(only(tmp_path), [tag])[tag]
        written = {int(float(row["step"])): float(row[tag]) for row in rows if row[tag]}
        assert list(written) == steps == [3, 6, 9]
        assert list(written.values()) == pytest.approx(values, rel=1e-6)


def test_a_training_that_gains_no_more_stops(command, tiny, tmp_path):
    early = ["callbacks=early_stopping", "callbacks.early_stopping.patience=1", "optimizer.lr=1e-9"]
    assert command("train.py", *tiny, *STEPS, *early, "callbacks.early_stopping.min_delta=5")[0] == 0
    status = json.loads((only(tmp_path) / "status.json").read_text())
    assert status["state"] == "completed"
    assert status["step"] == read_checkpoint(only(tmp_path) / "checkpoints" / "last.ckpt")["global_step"] == 6


def test_weights_and_biases_that_are_not_installed_are_asked_for(tmp_path, monkeypatch):
    import pytorch_lightning.loggers.wandb as module

    monkeypatch.setattr(module, "_WANDB_AVAILABLE", False)
    with pytest.raises(ImagingError, match="pip install wandb"):
        LOGGERS.build({"name": "wandb"}, directory=tmp_path, step=None)


NETWORK = """
from torch import nn
from imaging.models import MODELS
from imaging.settings import Count
from imaging.tasks import LOSSES
from imaging.tasks.losses import Loss

@MODELS.register("two_layers")
class TwoLayers(nn.Module):
    def __init__(self, hidden: Count = 4):
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, hidden, 3, padding=1), nn.Conv2d(hidden, 3, 3, padding=1))

    def forward(self, y):
        return y - self.net(y)

@LOSSES.register("absolute")
class AbsoluteError(Loss):
    def __call__(self, x_hat, x, sigma):
        return (x_hat - x).abs().mean()
"""


CONFIGS = {"model/two_layers": "name: two_layers\nhidden: 4\n", "loss/absolute": "name: absolute\n"}


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module with a network and a loss in the working directory, and configs for them."""
    (tmp_path / "my_own_lab.py").write_text(NETWORK)
    for name, text in CONFIGS.items():
        path = tmp_path / "my_conf" / f"{name}.yaml"
        path.parent.mkdir(parents=True)
        path.write_text(text)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for registry in (MODELS, LOSSES):
        registry.names()  # fills the table
        monkeypatch.setattr(registry, "_table", dict(registry._table))
    yield ["--config-dir", str(tmp_path / "my_conf"), "imports=[my_own_lab]", *CHOICES]
    sys.modules.pop("my_own_lab", None)


CHOICES = ["model=two_layers", "loss=absolute"]


def test_a_network_and_a_loss_of_ones_own(command, tiny, own, tmp_path):
    assert command("train.py", *own, *tiny, *STEPS)[0] == 0
    run = only(tmp_path)
    assert read_checkpoint(run / "checkpoints" / "last.ckpt")["config"]["loss"] == {"name": "absolute"}
    assert command("evaluate.py", f"run={run}", "imports=[my_own_lab]")[0] == 0
    status, _, complained = command("train.py", f"resume={run}")
    assert status == 2
    assert "was started with imports=[my_own_lab]: give it again" in complained


def test_a_file_does_not_decide_what_is_imported(command, tiny, own, tmp_path):
    assert command("train.py", *own, *tiny, *STEPS)[0] == 0
    del MODELS._table["two_layers"]  # as in another process
    status, _, complained = command("evaluate.py", f"run={only(tmp_path)}")
    assert status == 2
    assert "trained with modules that a file may not import: give imports=[my_own_lab]" in complained


@pytest.mark.parametrize(
    ("imports", "words"),
    [
        ("imports=[no_such_lab]", "imports: no_such_lab cannot be imported"),
        ("imports=lab", "expected a list of modules"),
    ],
)
def test_modules_that_are_none(imports, words, command, tiny):
    status, _, complained = command("train.py", *tiny, imports)
    assert status == 2
    assert words in complained


def saved_until_it_fails(board: Board) -> None:
    for _ in range(200):  # the thread may take a while to find its file gone
        board.save()
        time.sleep(0.02)


@pytest.mark.parametrize("ours", [True, False])
def test_the_thread_that_writes_curves_prints_no_traceback_of_its_own(ours, tmp_path, capfd):
    board = Board(tmp_path / "run", None)
    board.experiment.add_scalar("a", 1.0, 1)
    board.save()
    if ours:
        shutil.rmtree(tmp_path / "run")
        board.experiment.add_scalar("a", 1.0, 2)
        with pytest.raises(FileNotFoundError):
            saved_until_it_fails(board)
    else:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
    assert ("Traceback" in capfd.readouterr().err) != ours
