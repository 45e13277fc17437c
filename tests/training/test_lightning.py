"""What this project relies on in Lightning beyond its documentation: a test for each private name.

Where one of these fails with a new version of Lightning, `imaging/training/lightning.py` is the file to mend.
"""

import pytest
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from imaging.training import lightning


class Line(pl.LightningModule):
    """Learns nothing, and counts what Lightning calls."""

    def __init__(self, manual: bool = True):
        super().__init__()
        self.weight, self.steps, self.validations = torch.nn.Parameter(torch.zeros(1)), [], []
        self.automatic_optimization = not manual

    def training_step(self, batch, batch_idx):
        self.steps.append((self.current_epoch, batch_idx, self.global_step))
        return self.weight.sum()

    def validation_step(self, batch, batch_idx):
        self.validations.append(self.global_step)

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def fitted(module: pl.LightningModule, *callbacks: pl.Callback, **settings) -> pl.Trainer:
    trainer = pl.Trainer(
        accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, num_sanity_val_steps=0, callbacks=list(callbacks),
        **{"max_epochs": 2, "check_val_every_n_epoch": None} | settings,
    )  # fmt: skip
    loader = DataLoader(torch.zeros(6, 1), batch_size=2)
    trainer.fit(module, loader, loader)
    return trainer


class Count(pl.Callback):
    """Counts two steps for each batch."""

    def on_train_batch_end(self, trainer, *arguments):
        for _ in range(2):
            lightning.count_step(lightning.step_counter(trainer))


def test_steps_that_are_counted_are_the_trainers_global_step():
    module = Line()
    assert fitted(module, Count()).global_step == 12
    assert [step for _, _, step in module.steps] == [0, 2, 4, 6, 8, 10]


def test_a_training_stops_after_as_many_steps():
    class Stop(Count):
        def setup(self, trainer, module, stage):
            lightning.stop_after(trainer, 6)

    trainer = fitted(Line(), Stop())
    assert trainer.max_steps == trainer.global_step == 6


def test_it_goes_on_at_a_step_and_an_epoch():
    class Begin(Count):
        def setup(self, trainer, module, stage):
            lightning.go_to(trainer, 6, 1)

    module = Line()
    assert fitted(module, Begin()).global_step == 12
    assert module.steps == [(1, 0, 6), (1, 1, 8), (1, 2, 10)]


@pytest.mark.parametrize("now", [True, False])
def test_it_validates_after_the_batch_that_is_named(now):
    class Second(Count):
        def on_train_batch_start(self, trainer, module, batch, batch_idx):
            lightning.validate_next(trainer, now and trainer.global_step == 2)

    module = Line()
    fitted(module, Second(), max_epochs=1)
    assert module.validations == ([4] * 3 if now else [])


def test_a_checkpoint_has_loops_which_can_be_dropped(tmp_path):
    trainer = fitted(Line(), Count())
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    checkpoint = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert "fit_loop" in checkpoint["loops"]
    lightning.drop_loops(checkpoint)
    lightning.drop_loops(checkpoint)
    torch.save(checkpoint, tmp_path / "b.ckpt")
    module = Line(manual=False)
    again = pl.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False)
    again.fit(module, DataLoader(torch.zeros(6, 1), batch_size=2), ckpt_path=tmp_path / "b.ckpt")
    assert module.steps[0] == (0, 0, 0)  # it knows nothing of the steps


def test_the_documented_place_where_a_block_takes_its_steps():
    """With manual optimisation the strategy's `training_step` is all that Lightning calls for a batch."""
    from pytorch_lightning.strategies import SingleDeviceStrategy

    class Twice(SingleDeviceStrategy):
        def training_step(self, *arguments):
            for _ in range(2):
                outputs = super().training_step(*arguments)
                lightning.count_step(lightning.step_counter(self.lightning_module.trainer))
            return outputs

    module = Line()
    assert fitted(module, strategy=Twice("cpu")).global_step == 12
    assert [batch for _, batch, _ in module.steps] == [0, 0, 1, 1, 2, 2] * 2
