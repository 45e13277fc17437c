"""The shared training body, on small synthetic images."""

import copy
import math

import pytest
import pytorch_lightning as pl
import torch

from imaging.data import ImageData
from imaging.data.source import Source
from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.randomness import generator
from imaging.tasks import build_task
from imaging.tasks import reconstruction as module

CONFIG = {
    "task": {"name": "denoiser"},
    "loss": {"name": "mse"},
    "model": {"name": "dncnn", "channels": 1, "depth": 3, "hidden_channels": 8},
    "physics": {"operator": {"name": "identity"}, "noise": {"sigma": 0.1}},
    "optimizer": {"name": "adam", "lr": 3e-3},
    "schedule": {"name": "constant"},
    "seed": 3,
}


class Discs(Source):
    """Twelve 24×24 images of a bright disc."""

    name = "discs"

    def prepare(self):
        pass

    def ids(self, split):
        return [f"disc-{i}" for i in range(12)]

    def read(self, split, index):
        row, column = torch.meshgrid(torch.arange(24), torch.arange(24), indexing="ij")
        inside = (row - 8 - index % 4) ** 2 + (column - 8 - index // 4) ** 2 < 36
        return (40 + 180 * inside[None]).to(torch.uint8)


def trainer(**settings) -> pl.Trainer:
    return pl.Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        check_val_every_n_epoch=None,
        **settings,
    )


def trained(config=CONFIG, **settings):
    task = build_task(config)
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=2, seed=config["seed"])
    trainer(**({"max_steps": 6, "val_check_interval": 100} | settings)).fit(task, datamodule=data)
    return task


def same_weights(a, b) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_training_removes_noise():
    task = trained(max_steps=150)
    x = Discs().read("test", 0)[None] / 255
    y = task.measure(x, generator("test"))
    assert psnr(task.restore(y), x).item() > psnr(y, x).item() + 5


def test_training_depends_on_the_seed_alone():
    torch.manual_seed(1)
    first = trained()
    torch.manual_seed(2)
    assert same_weights(first, trained())
    assert not same_weights(first, trained(CONFIG | {"seed": 4}))


def test_validation_does_not_disturb_training():
    assert same_weights(trained(), trained(val_check_interval=1))


def test_every_step_and_every_image_meets_another_noise():
    task, seen = build_task(CONFIG), []
    task.physics.register_forward_hook(lambda module, arguments, y: seen.append(y - arguments[0]))
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=2)
    trainer(max_steps=3, val_check_interval=100).fit(task, datamodule=data)
    draws = torch.cat(seen).flatten(1)
    assert len(torch.unique(draws, dim=0)) == len(draws) == 3 * 4 - 2  # ten images: the third batch has two


def test_two_ranks_meet_the_noise_of_one_process():
    task, x = build_task(CONFIG), torch.rand(4, 1, 8, 8)
    whole = task.measure(x, generator("noise"))
    parts = [task.measure(x[rank::2], generator("noise"), shard=(rank, 2)) for rank in range(2)]
    assert torch.equal(torch.stack(parts, dim=1).flatten(0, 1), whole)


def test_validation_noise_depends_on_the_image_alone():
    task, x = build_task(CONFIG), torch.rand(3, 1, 8, 8)
    together = task.validation_measurement(x, ["a", "b", "c"])
    alone = task.validation_measurement(x[1:2], ["b"])
    assert torch.equal(together[1:2], alone)


@pytest.mark.parametrize("kept", [module.KEPT, 0])
def test_validation_noise_is_drawn_once_in_a_training(kept, monkeypatch):
    """With and without room for it the curve is the same."""
    monkeypatch.setattr(module, "KEPT", kept)
    task, drawn, curve = build_task(CONFIG), [], []
    draw, measured = task.validation_measurement, task.val_psnr.update
    monkeypatch.setattr(task, "validation_measurement", lambda x, ids: drawn.append(ids) or draw(x, ids))
    monkeypatch.setattr(
        task.val_psnr, "update", lambda *images: curve.append(psnr(*images)) or measured(*images)
    )
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=2, seed=3)
    trainer(max_steps=3, val_check_interval=1).fit(task, datamodule=data)
    assert len(drawn) == (1 if kept else 3)
    assert not task._kept
    again = build_task(CONFIG)
    again.load_state_dict(task.state_dict())
    trainer().validate(again, datamodule=data, verbose=False)
    assert again.trainer.callback_metrics["val/psnr"] == curve[-1].mean()


def test_evaluation_is_in_float32_even_under_autocast():
    task, y = build_task(CONFIG), torch.rand(1, 1, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        x_hat = task.restore(y)
    assert x_hat.dtype == torch.float32
    assert torch.equal(x_hat, task.restore(y))


INPAINTING = copy.deepcopy(CONFIG) | {
    "task": {"name": "inpainter", "mean": 0.25, "std": 0.5},
    "physics": {"operator": {"name": "mask", "rows": [2, 3]}, "noise": {"sigma": 0.0}},
}


def test_the_inpainter_loses_pixels_to_the_mean_gray():
    task, x = build_task(INPAINTING), torch.rand(1, 1, 4, 4)
    y = task.measure(x, generator("test"))
    assert torch.equal(y[..., 2:, :], torch.zeros(1, 1, 2, 4))
    assert torch.allclose(task.denormalise(y)[..., 2:, :], torch.tensor(0.25))
    assert torch.allclose(task.denormalise(y)[..., :2, :], x[..., :2, :], atol=1e-6)


def test_the_inpainters_noise_is_of_intensities():
    task = build_task(INPAINTING | {"physics": INPAINTING["physics"] | {"noise": {"sigma": 0.1}}})
    x = torch.full((1, 1, 200, 200), 0.5)
    difference = task.denormalise(task.measure(x, generator("test")))[..., 4:, :] - x[..., 4:, :]
    assert difference.std().item() == pytest.approx(0.1, rel=0.03)


def test_the_inpainter_tells_its_loss_and_the_psnr_of_the_lost_pixels():
    task, x = build_task(INPAINTING), torch.rand(2, 1, 4, 4)
    x_hat = x.clone()
    x_hat[:, :, :2] += 0.3  # kept rows
    x_hat[:, :, 2:] += 0.1
    numbers = task.numbers(x_hat, x)
    assert numbers["psnr_lost"].tolist() == pytest.approx([20, 20], abs=1e-3)
    assert numbers["loss"].tolist() == pytest.approx([(0.09 + 0.01) / 2 / 0.5**2] * 2, abs=1e-5)


def test_a_denoiser_refuses_a_mask():
    with pytest.raises(ImagingError, match=r"expects physics\.operator\.name=identity"):
        build_task(CONFIG | {"physics": INPAINTING["physics"]})


@pytest.mark.parametrize("std", [0.0, -1.0, float("nan")])
def test_a_standard_deviation_that_cannot_be_divided_by_is_refused(std):
    with pytest.raises(ImagingError, match=r"task\.std is"):
        build_task(INPAINTING | {"task": {"name": "inpainter", "std": std}})


def test_a_strength_is_the_candidate_that_is_best_on_the_batches():
    """Against a plain loop over the candidates, with the validation's own noise."""
    task = build_task(CONFIG | {"model": {"name": "total_variation"}})
    images = torch.stack([Discs().read("train", i) for i in range(3)])
    batches = [{"image": images, "id": ["a", "b", "c"]}]
    task.choose_strength(batches)
    x = images.float() / 255
    y = task.validation_measurement(x, ["a", "b", "c"])
    values = {}
    for candidate in task.network.candidates:
        other = build_task(CONFIG | {"model": {"name": "total_variation"}})
        other.network.strength.fill_(candidate)
        values[candidate] = psnr(other.restore(y), x).mean().item()
    assert task.network.strength.item() == max(values, key=values.get)
    assert len(set(values.values())) > 1


def test_a_strength_that_diverges_is_not_chosen(monkeypatch):
    task = build_task(CONFIG | {"model": {"name": "total_variation"}})
    quality = dict(zip(task.network.candidates, [math.nan, 30.0, 31.0] + [29.0] * 99, strict=False))
    monkeypatch.setattr(task, "_quality", lambda _: torch.tensor([quality[task.network.strength.item()]]))
    task.choose_strength([{}])
    assert task.network.strength.item() == task.network.candidates[2]


def test_a_network_has_no_strength_to_choose():
    task = build_task(CONFIG)
    before = copy.deepcopy(task.state_dict())
    task.choose_strength([{"image": torch.zeros(1, 1, 8, 8), "id": ["a"]}])
    assert all(torch.equal(value, before[key]) for key, value in task.state_dict().items())
