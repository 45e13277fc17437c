"""What the trainer asks of a device, seen without having it; and that compiling changes nothing but time."""

import json
import os
import shutil
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import SLURMEnvironment

from imaging.data import build_data
from imaging.errors import ImagingError
from imaging.models import build_model
from imaging.runs.run import Run
from imaging.training.blocks import in_blocks
from imaging.training.settings import TrainerSettings
from imaging.training.strategies import EveryStep
from imaging.training.trainer import (
    _set_length,
    block_note,
    build_trainer,
    choose_precision,
    prepare_network,
)


@pytest.mark.parametrize(
    ("gpu", "hardware", "chosen"), [(True, True, "bf16"), (True, False, "float32"), (False, True, "bf16"),
                                    (False, False, "float32")],
)  # fmt: skip
def test_the_precision_is_the_faster_one_on_the_device(gpu, hardware, chosen, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: hardware)
    monkeypatch.setattr("imaging.training.trainer.is_bf16_fast", lambda: hardware)
    assert choose_precision("auto", "auto") == chosen
    assert choose_precision("float32", "auto") == "float32"


@pytest.mark.parametrize(
    ("setting", "device", "mode"),
    [
        (True, "cuda", "reduce-overhead"),
        (True, "cpu", "default"),
        ("max-autotune", "cuda", "max-autotune"),
        ("default", "cuda", "default"),
        (False, "cuda", None),
    ],
)
def test_the_mode_of_compilation(setting, device, mode, monkeypatch):
    network, asked = build_model({"name": "dncnn", "hidden_channels": 4}), []
    monkeypatch.setattr(network, "compile", lambda mode: asked.append(mode))
    prepare_network(network, True, setting, device)
    assert asked == ([] if mode is None else [mode])
    assert network.net[2].weight.is_contiguous(memory_format=torch.channels_last)


def test_batches_are_pinned_for_the_gpu_of_a_trainer_alone(composed, monkeypatch):
    """Without one, as in the check of sizes, it would make a CUDA context, for each rank on the first GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    data = build_data(composed("data.patches_per_image=4", "data.validation_images=1")["data"])
    data.setup("fit")
    for device, pinned in ((None, False), ("cpu", False), ("cuda:1", True)):
        if device is not None:
            strategy = SimpleNamespace(root_device=torch.device(device))
            data.trainer = SimpleNamespace(strategy=strategy, global_rank=0, world_size=1, current_epoch=0)
            monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 0))
        train = data.train_dataloader()
        assert train.pin_memory == in_blocks(train, 0, None, ()).pin_memory == pinned
        assert data.val_dataloader().pin_memory == pinned


def test_a_deterministic_training_is_one_without_a_search_for_the_fastest_convolutions(composed, tmp_path):
    config = composed("trainer.deterministic=true")
    build_trainer(config["trainer"], Run(tmp_path / "a", config))
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.backends.cudnn.benchmark
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    config = composed("trainer.benchmark=false")
    build_trainer(config["trainer"], Run(tmp_path / "b", config))
    assert not torch.are_deterministic_algorithms_enabled()


def test_apples_gpus_are_refused(composed, tmp_path):
    config = composed("trainer.accelerator=mps")
    with pytest.raises(ImagingError, match="accelerator=mps cannot train or test: metrics are float64"):
        build_trainer(config["trainer"], Run(tmp_path, config))


def test_cudnn_may_look_for_its_fastest_convolutions(composed, tmp_path):
    config = composed()
    build_trainer(config["trainer"], Run(tmp_path, config))
    try:
        assert torch.backends.cudnn.benchmark
    finally:
        torch.backends.cudnn.benchmark = False


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (
            "trainer.compile=fast",
            "trainer.compile is 'fast'; expected true or false, default",
        ),
        ("+trainer.accumulate_grad_batches=2", "trainer.accumulate_grad_batches is not supported"),
        ("+trainer.limit_train_batches=3", "trainer.limit_train_batches is not supported"),
        ("trainer.strategy=fsdp", "trainer.strategy is 'fsdp'; expected auto or ddp"),
    ],
)
def test_settings_that_cannot_be_are_told(setting, words, composed, tmp_path):
    config = composed(setting)
    with pytest.raises(ImagingError, match=words):
        build_trainer(config["trainer"], Run(tmp_path, config))


def test_under_slurm_lightning_does_not_requeue_by_itself(composed, tmp_path, monkeypatch):
    for name, value in {"NTASKS": "1", "JOB_NAME": "train", "PROCID": "0", "LOCALID": "0"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    monkeypatch.setenv("SLURM_NODEID", "0")
    config = composed()
    trainer, _ = build_trainer(config["trainer"], Run(tmp_path, config))
    environment = trainer._accelerator_connector.cluster_environment
    assert isinstance(environment, SLURMEnvironment)
    assert not environment.auto_requeue


@pytest.mark.parametrize(
    ("limits", "steps", "told"),
    [
        ({"max_steps": 100, "max_epochs": 3}, 15, True),
        ({"max_steps": 15, "max_epochs": 3}, 15, False),
        ({"max_steps": 7, "max_epochs": 3}, 7, False),
        ({"max_steps": -1, "max_epochs": 3}, 15, False),
        ({"max_steps": 100, "max_epochs": -1}, 100, False),
    ],
)
def test_the_smaller_limit_ends_the_training_and_is_told(limits, steps, told, composed, tmp_path, capsys):
    words = [f"trainer.{name}={value}" for name, value in limits.items()]
    config = composed("data.patches_per_image=4", "data.validation_images=1", "data.batch_size=4", *words)
    data, run = build_data(config["data"]), Run(tmp_path, config)
    trainer, _ = build_trainer(config["trainer"], run)
    _set_length(trainer, TrainerSettings.of(config["trainer"])[0], data, writes=True)
    assert data.steps_per_epoch() == 5
    assert trainer.max_steps == steps
    printed = capsys.readouterr().out
    words = "trainer.max_epochs=3 ends the training after 15 steps, before trainer.max_steps=100"
    assert (words in printed, printed.count("\n")) == (told, told)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on a processor")
def test_a_compiled_network_trains_to_the_same_psnr(command, tiny, tmp_path):
    steps = [*tiny, "trainer.max_steps=60", "trainer.precision=float32", "model.hidden_channels=8"]
    for compiled in (False, True):
        assert command("train.py", *steps, f"trainer.compile={compiled}", f"name={compiled}")[0] == 0
    plain, fast = (next(tmp_path.glob(f"outputs/*/*-{compiled}")) for compiled in (False, True))
    numbers = [json.loads((run / "metrics.json").read_text()) for run in (plain, fast)]
    for name, value in numbers[0].items():
        assert numbers[1][name] == pytest.approx(value, abs=0.05), name
    keys = [
        torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"].keys()
        for run in (plain, fast)
    ]
    assert list(keys[0]) == list(keys[1])
    assert command("evaluate.py", f"run={fast}")[0] == 0


def test_a_callback_that_would_miss_steps_is_named():
    class Counting(pl.Callback):
        def on_train_batch_end(self, *arguments):
            pass

    class Careful(EveryStep):
        def after_step(self, trainer, task, outputs):
            pass

    assert block_note(Counting()).startswith("Counting.on_train_batch_end runs once for a block of steps; ")
    assert block_note(Careful()) == block_note(pl.callbacks.EarlyStopping("val/psnr")) == ""
