"""What only a GPU can show; skipped without one."""

import pytest
import torch

from imaging.data import build_data
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.testing import run_protocol
from imaging.physics.noises.poisson import PoissonNoise
from imaging.randomness import generator
from imaging.runs.run import Run
from imaging.tasks import build_task
from imaging.training.trainer import build_trainer, fit

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA GPU here")

SMALL = ["data.patches_per_image=16", "data.validation_images=1", "model.hidden_channels=8"]


def trained(config: dict, directory, steps: int):
    """Train to `steps`, or go on from the directory's checkpoint; the task."""
    config = config | {"trainer": config["trainer"] | {"max_steps": steps, "max_epochs": -1}}
    run, task, data = Run(directory, config), build_task(config), build_data(config["data"])
    data.prepare_data()
    data.setup("fit")
    trainer, start = build_trainer(config["trainer"], run)
    with run.watched():
        fit(trainer, task, data, run, start)
    return task


def same(first, second) -> bool:
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("words", [[], ["model=unet"], ["optimizer=muon"]], ids=str)
def test_a_deterministic_run_that_is_resumed_ends_bit_for_bit_the_same(words, composed, tmp_path):
    config = composed("trainer.deterministic=true", "trainer.accelerator=gpu", *SMALL, *words)
    whole = trained(config, tmp_path / "whole", 40)
    trained(config, tmp_path / "parts", 17)
    assert same(whole, trained(config, tmp_path / "parts", 40))


def test_the_test_on_a_gpu_is_that_on_the_cpu(composed, tmp_path):
    task = trained(composed("trainer.accelerator=gpu", *SMALL), tmp_path, 20)
    images = [("a", torch.rand(3, 65, 50, generator=generator("image")))]

    def values(device):
        return [r.psnr for r in run_protocol(task.to(device), images, Protocol("set", (0.05, 0.1)), "a", "m")]

    assert values("cuda") == pytest.approx(values("cpu"), abs=1e-3)


def test_poisson_noise_of_a_gpu_has_its_moments_and_is_new_each_time():
    noise, clean = PoissonNoise(peak=50.0), torch.full((4, 1, 128, 128), 0.4, device="cuda")
    random = generator(0, "noise", device="cuda")
    first, second = noise(clean, random) - clean, noise(clean, random) - clean
    assert first.var().item() == pytest.approx(0.4 / 50, rel=0.03)
    assert abs((first * second).mean().item()) < 1e-4
    assert torch.equal(first, noise(clean, generator(0, "noise", device="cuda")) - clean)
