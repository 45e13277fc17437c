"""A run that is cut anywhere and goes on ends as the uninterrupted one, bit for bit."""

import json
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch

from imaging.data import build_data
from imaging.reporting.curves import read_curves
from imaging.runs.checkpoints import newest_checkpoint, read_checkpoint
from imaging.runs.interrupts import Interrupted
from imaging.runs.run import Run
from imaging.tasks import build_task
from imaging.training.strategies import EveryStep
from imaging.training.trainer import build_trainer, fit

STEPS = 12
# 20 patches in batches of 4: an epoch has 5 steps, so that it ends with and without a validation or a save.
SETTINGS = [
    "data.patch_size=16",
    "data.patches_per_image=5",
    "data.validation_images=1",
    "data.batch_size=4",
    "model.hidden_channels=4",
    "model.depth=3",
    "physics.noise.sigma=[0.05,0.2]",
    "schedule=cosine",
    "schedule.warmup_steps=1",
    f"trainer.max_steps={STEPS}",
    "trainer.log_every_n_steps=1",
    "trainer.val_check_interval=4",
    "trainer.checkpoint_every_n_steps=1",
    "trainer.weight_averaging=0.9",
]


class Cut(BaseException):
    """Stands for a kill."""


class CutAt(EveryStep):
    """Cut when `hook` is called after `step` steps, before or behind all that the project's callbacks do.

    Hooks are Lightning's, and "after_step", which comes in the middle of a block too.
    """

    def __init__(self, step: int, hook: str):
        self.step = step
        setattr(self, hook, self._cut)

    def after_step(self, trainer, task, outputs) -> None:
        pass

    def _cut(self, trainer, *arguments) -> None:
        if trainer.global_step == self.step:
            raise Cut


@pytest.fixture
def settings(composed_on_photographs):
    """Compose a config from overrides."""
    return lambda *overrides: composed_on_photographs(*SETTINGS, *overrides)


def train(directory: Path, settings: dict, cut: CutAt | None = None, first: bool = False) -> None:
    run = Run(directory, settings)
    with run.watched():
        data = build_data(settings["data"])
        trainer, start = build_trainer(settings["trainer"], run)
        if cut is not None:
            trainer.callbacks.insert(0 if first else len(trainer.callbacks), cut)
        fit(trainer, build_task(settings), data, run, start)


def cut_and_resume(directory: Path, settings: dict, cut: CutAt, first: bool = False) -> None:
    with pytest.raises(Cut):
        train(directory, settings, cut, first)
    train(directory, settings)


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (["trainer.max_epochs=3", "trainer.max_steps=-1"], 15),
        (["trainer.max_epochs=3", "trainer.max_steps=4"], 4),
        (["trainer.max_epochs=-1", "trainer.max_steps=7"], 7),
    ],
)
def test_the_length_of_a_training(length, expected, settings, tmp_path):
    config = settings(*length)
    run = Run(tmp_path, config)
    trainer, _ = build_trainer(config["trainer"], run)
    fit(trainer, build_task(config), build_data(config["data"]), run, None)
    assert trainer.max_steps == trainer.global_step == expected


def test_nothing_depends_on_where_blocks_end(settings, tmp_path):
    """Checkpoints, curves and validations after every step, and blocks of as many steps as there are."""
    often = settings("trainer.log_every_n_steps=4", "trainer.checkpoint_every_n_steps=1")
    train(tmp_path / "whole", often)
    rare = settings("trainer.log_every_n_steps=4", "trainer.checkpoint_every_n_steps=100")
    train(tmp_path / "rare", rare)
    assert_same_end(tmp_path / "whole", tmp_path / "rare")
    for step in (1, 3, 5, 10, 11):
        run = Run(tmp_path / f"asked-{step}", rare)
        trainer, start = build_trainer(rare["trainer"], run)
        trainer.callbacks.append(AskAt(step, run))  # in the middle of a block
        with pytest.raises(Interrupted), run.watched():
            fit(trainer, build_task(rare), build_data(rare["data"]), run, start)
        assert newest_checkpoint(run.checkpoints)[1]["global_step"] == step
        train(run.directory, rare)
        assert_same_end(tmp_path / "whole", run.directory)


class AskAt(EveryStep):
    """Stands for a signal in a step."""

    def __init__(self, step: int, run: Run):
        self.step, self.run = step, run

    def after_step(self, trainer, task, outputs) -> None:
        if trainer.global_step == self.step:
            self.run.interrupts.reason = "SIGTERM"


def assert_same_end(one: Path, other: Path) -> None:
    ends = [read_checkpoint(run / "checkpoints" / "last.ckpt") for run in (one, other)]
    assert ends[0]["global_step"] == ends[1]["global_step"] == STEPS
    for key in ("state_dict", "training_weights", "optimizer_states", "lr_schedulers"):
        assert_identical(ends[0].get(key), ends[1].get(key))
    for tag in ("train/loss", "train/psnr", "train/lr", "val/psnr"):
        assert read_curves(one, [tag])[tag] == read_curves(other, [tag])[tag]
        assert read_curves(one, [tag])[tag][0], f"{tag} is empty"


def assert_identical(a, b) -> None:
    if isinstance(a, torch.Tensor):
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert a.keys() == b.keys()
        for key in a:
            assert_identical(a[key], b[key])
    elif isinstance(a, list):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_identical(x, y)
    else:
        assert a == b


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("step", [3, 5])
@pytest.mark.parametrize("length", [["trainer.max_epochs=-1"], ["trainer.max_epochs=3"], []])
def test_in_the_middle_and_at_the_end_of_an_epoch(precision, workers, step, length, settings, tmp_path):
    """However the length of the training is given: by steps alone, or by epochs too."""
    config = settings(f"trainer.precision={precision}", f"data.workers={workers}", *length)
    train(tmp_path / "whole", config)
    cut_and_resume(tmp_path / "cut", config, CutAt(step, "on_train_batch_end"))
    assert_same_end(tmp_path / "whole", tmp_path / "cut")


@pytest.mark.parametrize("every", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (3, 5, 100))])
def test_at_every_step_and_hook(every, settings, tmp_path):
    """Every step, with checkpoints at each, between, at epochs' ends, and none before the last."""
    config = settings("trainer.precision=float32", f"trainer.checkpoint_every_n_steps={every}")
    train(tmp_path / "whole", config)
    for step in range(1, STEPS + 1):
        cut_and_resume(tmp_path / f"batch-{step}", config, CutAt(step, "after_step"), first=True)
        assert_same_end(tmp_path / "whole", tmp_path / f"batch-{step}")
    for step in (4, 8, 12):
        for hook in ("on_validation_start", "on_validation_end"):
            for first in (True, False):
                name = f"{hook}-{step}-{first}"
                cut_and_resume(tmp_path / name, config, CutAt(step, hook), first)
                assert_same_end(tmp_path / "whole", tmp_path / name)


def test_with_checkpoints_by_time_in_the_middle_of_a_block(settings, tmp_path):
    config = settings("trainer.checkpoint_every_n_steps=100", "trainer.checkpoint_every_seconds=1e-9")
    train(tmp_path / "whole", settings("trainer.checkpoint_every_n_steps=100"))
    for step in (2, 3, 4, 7, 10):
        with pytest.raises(Cut):
            train(tmp_path / str(step), config, CutAt(step, "after_step"))
        assert newest_checkpoint(tmp_path / str(step) / "checkpoints")[1]["global_step"] == step - (step == 4)
        train(tmp_path / str(step), config)
        assert_same_end(tmp_path / "whole", tmp_path / str(step))


def test_with_validation_at_the_end_of_the_epoch_and_crops(settings, tmp_path):
    config = settings(
        "trainer.val_check_interval=5", "data.patches_per_image=null", "data.random_crop=true",
        "data.crops_per_image=5", "data.workers=2",
    )  # fmt: skip
    train(tmp_path / "whole", config)
    for step in (4, 5, 6, 10):
        cut_and_resume(tmp_path / str(step), config, CutAt(step, "on_train_batch_end"))
        assert_same_end(tmp_path / "whole", tmp_path / str(step))


def test_cut_again_and_again(settings, tmp_path):
    config = settings()
    train(tmp_path / "whole", config)
    for step in (2, 4, 5, 5, 9):
        with pytest.raises(Cut):
            train(tmp_path / "cut", config, CutAt(step, "on_train_batch_start"))
    train(tmp_path / "cut", config)
    assert_same_end(tmp_path / "whole", tmp_path / "cut")
    assert json.loads((tmp_path / "cut" / "status.json").read_text())["attempts"] == 6


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half", {"a": 1}, [1, 2]])
def test_the_one_before_is_taken_if_the_newest_cannot_be_read(damage, settings, tmp_path, capfd):
    config = settings("trainer.checkpoint_every_n_steps=2")
    train(tmp_path / "whole", config)
    with pytest.raises(Cut):
        train(tmp_path / "cut", config, CutAt(9, "after_step"))
    if isinstance(damage, bytes):
        (tmp_path / "cut" / "checkpoints" / "last.ckpt").write_bytes(damage)
    else:
        torch.save(damage, tmp_path / "cut" / "checkpoints" / "last.ckpt")
    capfd.readouterr()
    train(tmp_path / "cut", config)
    assert "last.ckpt" in (complained := capfd.readouterr().err)
    assert "resuming from previous.ckpt, step 6" in complained
    assert_same_end(tmp_path / "whole", tmp_path / "cut")


def test_the_average_is_the_closed_form_and_is_what_is_tested(settings, tmp_path):
    """The weights of each step, from a run that saves them all, averaged here by hand."""
    config = settings("trainer.max_steps=6", "trainer.weight_averaging=0.5", "trainer.precision=float32")
    weights = []

    class Collect(EveryStep):
        def on_train_start(self, trainer, task):
            self.after_step(trainer, task, {})

        def after_step(self, trainer, task, outputs):
            weights.append({k: p.detach().double().clone() for k, p in task.named_parameters()})

    run = Run(tmp_path, config)
    trainer, _ = build_trainer(config["trainer"], run)
    trainer.callbacks.insert(0, Collect())
    task = build_task(config)
    fit(trainer, task, build_data(config["data"]), run, None)
    average = weights[0]
    for step, new in enumerate(weights[1:], start=1):
        decay = min(0.5, (1 + step) / (10 + step))
        average = {k: decay * average[k] + (1 - decay) * new[k] for k in new}
    _, saved = newest_checkpoint(tmp_path / "checkpoints")
    for name, parameter in task.named_parameters():
        torch.testing.assert_close(parameter.double(), average[name], atol=1e-6, rtol=0)
        assert torch.equal(saved["state_dict"][name], parameter)
        assert torch.equal(saved["training_weights"][name].double(), weights[-1][name])


def test_the_last_readable_checkpoint_outlives_a_kill_in_the_next_write(settings, tmp_path, monkeypatch):
    """last.ckpt is spoilt; the run goes on from previous.ckpt, and is killed while it writes a new one."""
    config = settings("trainer.checkpoint_every_n_steps=2")
    train(tmp_path / "whole", config)
    with pytest.raises(Cut):
        train(tmp_path / "cut", config, CutAt(9, "after_step"))
    (tmp_path / "cut" / "checkpoints" / "last.ckpt").write_bytes(b"")

    def killed(*arguments, **settings):
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(pl.Trainer, "save_checkpoint", killed)
        with pytest.raises(Cut):
            train(tmp_path / "cut", config)
    train(tmp_path / "cut", config)
    assert_same_end(tmp_path / "whole", tmp_path / "cut")


def test_the_status_has_every_validation_that_a_checkpoint_is_behind(settings, tmp_path):
    config = settings("trainer.checkpoint_every_n_steps=4")
    with pytest.raises(Cut):
        train(tmp_path, config, CutAt(8, "on_validation_end"))  # after all that the callbacks do
    assert newest_checkpoint(tmp_path / "checkpoints")[1]["global_step"] == 8
    train(tmp_path, config)
    assert list(json.loads((tmp_path / "status.json").read_text())["validation"]) == ["4", "8", "12"]
