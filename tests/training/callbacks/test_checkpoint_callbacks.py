"""Checkpoints of a training: what they hold, the last but one, the best."""

import os

import pytest
import pytorch_lightning as pl
import torch

from imaging.runs.checkpoints import AtomicCheckpointIO, read_checkpoint
from imaging.training.callbacks.checkpoints import Checkpoints, PlainCheckpoints


class Line(pl.LightningModule):
    """y = w x; the validation PSNR is told by the test."""

    def __init__(self, values=()):
        super().__init__()
        self.w, self.values = torch.nn.Parameter(torch.zeros(1)), list(values)

    def training_step(self, batch, batch_idx):
        return ((self.w - 1) ** 2).sum()

    def validation_step(self, batch, batch_idx):
        self.log("val/psnr", self.values.pop(0))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fit(directory, steps=6, values=(), every=2):
    trainer = pl.Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        callbacks=[PlainCheckpoints({"seed": 5}), Checkpoints(directory, every)],
        plugins=[AtomicCheckpointIO()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        check_val_every_n_epoch=None,
        val_check_interval=1 if values else 100,
    )
    loader = torch.utils.data.DataLoader(torch.zeros(8, 1), batch_size=1)
    trainer.fit(
        Line(values), loader, loader if not values else torch.utils.data.DataLoader(torch.zeros(1, 1))
    )


def test_a_checkpoint_is_plain_data_with_the_runs_config(tmp_path):
    fit(tmp_path)
    checkpoint = read_checkpoint(tmp_path / "last.ckpt")
    assert checkpoint["config"] == {"seed": 5}
    assert checkpoint["global_step"] == 6
    # The closed form of gradient descent on (w - 1)².
    assert checkpoint["state_dict"]["w"].item() == pytest.approx(1 - 0.8**6, abs=1e-6)


def test_the_last_but_one_is_kept(tmp_path):
    fit(tmp_path, steps=5, every=2)
    steps = {p.name: read_checkpoint(p)["global_step"] for p in tmp_path.glob("*.ckpt")}
    assert {k: steps[k] for k in ("last.ckpt", "previous.ckpt")} == {"last.ckpt": 5, "previous.ckpt": 4}


def test_the_last_but_one_is_kept_where_there_are_no_hard_links(tmp_path, monkeypatch):
    def refuse(*names):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    fit(tmp_path, steps=5, every=2)
    assert read_checkpoint(tmp_path / "previous.ckpt")["global_step"] == 4
    assert read_checkpoint(tmp_path / "last.ckpt")["global_step"] == 5


def test_the_best_is_that_of_the_highest_validation_psnr(tmp_path):
    fit(tmp_path, steps=4, values=[20.0, 30.0, 25.0, 29.0])
    assert read_checkpoint(tmp_path / "best.ckpt")["global_step"] == 2
