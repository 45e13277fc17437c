"""The fast loop against `pl.Trainer` alone: the same weights, bit for bit."""

import pytest
import pytorch_lightning as pl
import torch

from imaging.data import build_data
from imaging.errors import ImagingError
from imaging.runs.checkpoints import read_checkpoint
from imaging.runs.run import Run
from imaging.tasks import build_task
from imaging.training.callbacks.averaging import WeightAveraging
from imaging.training.callbacks.curves import Curves
from imaging.training.strategies import BlocksOnOneDevice, EveryStep
from imaging.training.trainer import build_trainer, fit, prepare_network

TINY = [
    "data.patch_size=16", "data.patches_per_image=5", "data.validation_images=1", "data.batch_size=4",
    "model.hidden_channels=4", "model.depth=3", "trainer.max_epochs=3",
    "trainer.log_every_n_steps=3", "trainer.val_check_interval=4",
]  # fmt: skip
RANGE = "physics.noise.sigma=[0.05,0.2]"


@pytest.fixture
def settings(composed_on_photographs):
    return lambda *overrides: composed_on_photographs(*TINY, *overrides)


class Losses(EveryStep):
    """Keeps the loss of every step."""

    def __init__(self):
        self.values = []

    def after_step(self, trainer, task, outputs):
        self.values.append((trainer.global_step, outputs["loss"].item()))


class Values(pl.loggers.logger.DummyLogger):
    """Keeps what is logged, by name and step."""

    def __init__(self):
        super().__init__()
        self.values = {}

    def log_metrics(self, metrics, step=None):
        self.values |= {(name, int(step)): value for name, value in metrics.items() if name != "epoch"}


def plain(config: dict, precision: str) -> tuple[dict, dict | None, list, dict]:
    """Weights, average, losses and curves after a training by Lightning's own loop."""
    given, task, data = config["trainer"], build_task(config), build_data(config["data"])
    prepare_network(task.network, given["channels_last"])
    losses, logger, averaging = Losses(), Values(), given["weight_averaging"]
    average = WeightAveraging(averaging) if averaging else None
    trainer = pl.Trainer(
        accelerator="cpu", max_epochs=given["max_epochs"], precision=precision, use_distributed_sampler=False,
        gradient_clip_val=given["gradient_clip_val"], val_check_interval=given["val_check_interval"],
        check_val_every_n_epoch=None, log_every_n_steps=given["log_every_n_steps"], logger=logger,
        callbacks=[Curves(), losses, *([average] if average else [])], num_sanity_val_steps=0,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(task, datamodule=data)
    assert trainer.global_step == 15
    averages = average.average if average else None
    return dict(task.named_parameters()), averages, losses.values, logger.values


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize(
    "overrides",
    [
        [],
        [RANGE, "trainer.gradient_clip_val=0.01", "schedule=cosine", "trainer.weight_averaging=0.9"],
        [RANGE, "loss=mse_over_variance", "optimizer=muon", "trainer.gradient_clip_val=0.01"],
        ["optimizer=muon", "schedule=cosine", "trainer.weight_averaging=0.5", "data.augment=true"],
    ],
    ids=["adam", "adam with all", "muon, clipped", "muon with a schedule"],
)
def test_lightning_alone_trains_to_the_same_weights(overrides, precision, settings, tmp_path):
    config = settings(f"trainer.precision={precision}", *overrides)
    weights, average, losses, curves = plain(config, {"float32": "32-true", "bf16": "bf16-mixed"}[precision])
    run, ours, logger = Run(tmp_path, config), Losses(), Values()
    trainer, _ = build_trainer(config["trainer"], run)
    trainer.callbacks.append(ours)
    trainer.loggers.append(logger)
    fit(trainer, build_task(config), build_data(config["data"]), run, None)
    assert isinstance(trainer.strategy, BlocksOnOneDevice)
    assert ours.values == losses
    end = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    trained = end["training_weights"] if average else end["state_dict"]
    for name, weight in weights.items():
        assert torch.equal(trained[name], weight), name
        assert average is None or torch.equal(end["state_dict"][name], average[name]), name
    assert len({step for name, step in curves if name == "train/loss"}) == 5
    for place, value in curves.items():
        assert logger.values[place] == value, place


@pytest.mark.parametrize(
    ("seconds", "steps"), [("null", [4, 8, 12, 15]), ("1e-9", [4, 8, 12, 15]), ("1e9", [15])]
)
def test_validations_that_come_too_soon_are_left_out(seconds, steps, settings, tmp_path):
    config = settings(f"trainer.val_every_seconds={seconds}", "trainer.checkpoint_every_n_steps=4")
    run = Run(tmp_path, config)
    trainer, _ = build_trainer(config["trainer"], run)
    fit(trainer, build_task(config), build_data(config["data"]), run, None)
    assert [int(step) for step in run.validation] == steps
    assert read_checkpoint(tmp_path / "checkpoints" / "previous.ckpt")["global_step"] == 12


def test_pruning_needs_every_validation(settings, tmp_path):
    config = settings("trainer.val_every_seconds=1", "trainer.prune_after=4")
    with pytest.raises(ImagingError, match=r"trainer.prune_after compares .* set only one of them"):
        build_trainer(config["trainer"], Run(tmp_path, config))


@pytest.mark.usefixtures("shapes_unchecked")
def test_the_short_last_batch_of_an_epoch_is_not_compiled(settings, tmp_path, monkeypatch):
    compiled, with_mode = [], torch.nn.Module.compile

    def backend(graph, inputs):
        compiled.append([tuple(value.shape) for value in inputs if value.ndim == 4 and value.shape[1] == 3])
        return graph.forward

    monkeypatch.setattr(torch.nn.Module, "compile", lambda self, mode: with_mode(self, backend=backend))
    config = settings("trainer.compile=true", "data.batch_size=3")  # of 20 patches
    run = Run(tmp_path, config)
    trainer, _ = build_trainer(config["trainer"], run)
    fit(trainer, build_task(config), build_data(config["data"]), run, None)
    assert trainer.global_step == 3 * 7
    assert len(compiled) == 1
    assert (3, 3, 16, 16) in compiled[0]


def test_a_plain_lightning_module_needs_no_datamodule_of_ours(settings):
    """A `DataLoader` over any images, and `pl.Trainer` with its defaults."""
    task = build_task(settings())
    images = [{"image": torch.rand(3, 16, 16), "index": i} for i in range(8)]
    loader = torch.utils.data.DataLoader(images, batch_size=4)
    before = [p.clone() for p in task.parameters()]
    pl.Trainer(
        accelerator="cpu", max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False
    ).fit(task, loader)
    assert all(not torch.equal(a, b) for a, b in zip(before, task.parameters(), strict=True))
