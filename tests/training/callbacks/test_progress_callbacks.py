"""The bar of a training in a terminal, and its lines elsewhere."""

import re
from contextlib import redirect_stderr
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from imaging.training.callbacks import progress
from imaging.training.callbacks.progress import Bar, Lines, Periodic, describe, progress_callback

pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


class Model(pl.LightningModule):
    """One weight; validates 28.9 dB, and fails after `fails` steps."""

    def __init__(self, fails: int = -1):
        super().__init__()
        self.weight, self.fails = torch.nn.Parameter(torch.ones(1)), fails

    def training_step(self, batch, index):
        if index == self.fails:
            raise ValueError("a bug")
        return (self.weight * batch).sum()

    def validation_step(self, batch, index):
        self.log("val/psnr", 28.9)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


CURVES = SimpleNamespace(latest={"train/loss": 0.00123, "train/psnr": 29.123})


def train(callback: pl.Callback, fails: int = -1) -> None:
    names = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    quiet = dict.fromkeys(names, False)
    limits = {"max_steps": 6, "max_epochs": -1, "val_check_interval": 3, "num_sanity_val_steps": 0}
    trainer = pl.Trainer(accelerator="cpu", callbacks=[callback], **quiet, **limits)
    trainer.fit(Model(fails), DataLoader(torch.ones(6)), DataLoader(torch.ones(1)))


def test_a_terminal_has_a_bar_that_stays_with_the_last_numbers(terminal):
    with redirect_stderr(terminal):
        callback = progress_callback(CURVES)
        train(callback)
    assert isinstance(callback, Bar)
    *_, last = filter(None, re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue()).splitlines())
    for words in ("training", "6/6", "loss 1.2e-03  PSNR 29.12  val PSNR 28.90"):
        assert words in last
    assert "\x1b[2K" not in terminal.getvalue().rpartition(last[:8])[2]  # nothing is erased
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1


def test_a_bar_ends_with_an_error(terminal):
    with redirect_stderr(terminal), pytest.raises(ValueError, match="a bug"):
        train(progress_callback(CURVES), fails=4)
    assert terminal.getvalue().count("\x1b[?25l") == terminal.getvalue().count("\x1b[?25h") == 1
    assert "training" in terminal.getvalue()


def test_elsewhere_there_is_a_line_at_the_end(capsys):
    callback = progress_callback(CURVES)
    train(callback)
    assert isinstance(callback, Lines)
    printed, complained = capsys.readouterr()
    (line,) = [line for line in printed.splitlines() if line.startswith("step ")]
    assert line.startswith("step 6/6  loss 1.2e-03  PSNR 29.12  val PSNR 28.90  ")
    assert "training" not in complained


def test_a_report_comes_at_most_once_in_its_interval(monkeypatch):
    now, reported = [100.0], []
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    callback = Periodic(2.0)
    callback.report = lambda trainer, task: reported.append(now[0])
    callback.on_train_start(None, None)
    for _ in range(12):
        now[0] += 0.5
        callback.after_step(None, None, None)
    callback.on_train_end(None, None)
    assert reported == [102.0, 104.0, 106.0, 106.0]


def test_what_is_not_known_yet_is_left_out():
    assert describe({}, {}) == ""
    assert describe({}, {"val/psnr": torch.tensor(28.9)}) == "val PSNR 28.90"
