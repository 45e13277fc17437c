"""A task trains, validates and tests whatever the shape of y and the kind of the noise."""

import pytest
import torch
from test_reconstruction import CONFIG, Discs, trainer
from torch import nn

from imaging.data import ImageData
from imaging.errors import ImagingError
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.testing import run_protocol
from imaging.metrics import psnr
from imaging.models import MODELS
from imaging.randomness import generator
from imaging.tasks import build_task

SIDE = Discs().read("test", 0).shape[-1]
OPERATORS = {
    "downsampling": {"name": "downsampling", "factor": 2, "kernel": "box"},
    "single_pixel": {"name": "single_pixel", "measurements": 100, "size": [SIDE, SIDE]},
    "valid": {"name": "blur", "psf": {"name": "box", "size": 3}, "boundary": "valid"},
}
NOISES = {
    "gaussian": {"sigma": 0.02},
    "poisson": {"name": "poisson", "peak": [100, 400]},
    "poisson_gaussian": {"name": "poisson_gaussian", "peak": 200, "read": 0.02},
}


def config(operator, noise):
    network = {"name": "dncnn", "channels": 1, "hidden_channels": 8, "depth": 4}
    model = {"name": "preview_front_end", "operator": operator, "network": network}
    physics = {"operator": operator, "noise": noise}
    return CONFIG | {"task": {"name": "reconstruction"}, "model": model, "physics": physics}


def test_discs_have_one_channel():
    assert Discs().read("test", 0).shape == (1, SIDE, SIDE)


@pytest.mark.parametrize("operator", OPERATORS.values(), ids=OPERATORS)
def test_training_gains_on_the_preview(operator):
    task = build_task(config(operator, NOISES["gaussian"]))
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=2, seed=3)
    trainer(max_steps=120, val_check_interval=60).fit(task, datamodule=data)
    visible = task.physics.operator.visible
    assert task.strip.shape == (3, *visible(torch.empty(1, 1, SIDE, SIDE)).shape[1:])
    images = [(str(i), Discs().read("test", i).to(torch.uint8)) for i in range(2)]
    records = list(run_protocol(task, images, Protocol("discs", (0.02,)), "a", "m"))
    for record in records:
        assert record.psnr > record.psnr_input + 0.3
    x = images[0][1][None] / 255
    y = task.measure(x, generator(0, "test", "discs", "0", 0.02), 0.02)
    assert records[0].psnr_input == pytest.approx(psnr(visible(task.preview(y)), visible(x)).item(), abs=1e-3)


def test_an_inpainter_does_not_take_a_solver_which_works_with_intensities():
    mask = {"name": "mask", "rows": [2, 4]}
    solver = {"name": "admm", "operator": mask, "prior": {"name": "total_variation"}}
    with pytest.raises(ImagingError, match=r"has its own units.*choose task=reconstruction"):
        build_task(config(mask, NOISES["gaussian"]) | {"task": {"name": "inpainter"}, "model": solver})


def test_an_inpainter_needs_an_operator_that_loses_pixels():
    inpainter = config(OPERATORS["downsampling"], NOISES["gaussian"]) | {"task": {"name": "inpainter"}}
    with pytest.raises(ImagingError, match=r"expects an operator that loses pixels.*task=reconstruction"):
        build_task(inpainter)


@pytest.mark.parametrize(
    ("peaks", "words"),
    [
        ([0], r"^test\.peaks is 0; expected a positive number or \[low, high\]"),
        ([10, -1], r"^peaks is \[10, -1\]; expected numbers >= 0, e\.g\. peaks=\[10,100\]"),
        ([], r"^peaks is \[\]; expected numbers >= 0"),
    ],
)
def test_a_test_at_no_photons_is_refused(peaks, words):
    test = {"peaks": peaks, "noise_seeds": 1, "examples": 1, "examples_sigma": 0.1}
    settings = {"data": {"source": {"name": "discs"}}, "test": test, "physics": {"noise": NOISES["poisson"]}}
    with pytest.raises(ImagingError, match=words):
        Protocol.of(settings)


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
def test_a_network_that_takes_sigma_gets_that_of_the_level(noise):
    seen = []

    class Watching(nn.Module):
        takes_sigma = True

        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, y, sigma):
            seen.append(sigma)
            return self.scale * y

    MODELS.names()
    MODELS._table["watching"] = Watching
    try:
        task = build_task(config({"name": "identity"}, noise) | {"model": {"name": "watching"}})
    finally:
        del MODELS._table["watching"]
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=1, seed=3)
    trainer(max_steps=1).fit(task, datamodule=data)
    sigmas = [sigma for sigma in seen if len(sigma) == 4]
    assert sigmas
    low, high = sorted(task.sigma_of(level) for level in (task.physics.noise.low, task.physics.noise.high))
    for sigma in sigmas:
        assert ((sigma >= low - 1e-6) & (sigma <= high + 1e-6)).all()


def test_the_levels_of_a_poisson_test_are_its_peaks():
    task = build_task(config({"name": "identity"}, {"name": "poisson", "peak": 100}))
    images = [("disc", Discs().read("test", 0).to(torch.uint8))]
    test = {"sigmas": [0.1], "peaks": [10, 1000], "noise_seeds": 1, "examples": 1, "examples_sigma": 0.1}
    settings = {
        "data": {"source": {"name": "discs"}},
        "test": test,
        "physics": {"operator": {"name": "identity"}, "noise": {"name": "poisson", "peak": 100}},
    }
    protocol = Protocol.of(settings)
    assert (protocol.level, protocol.levels) == ("peak", (10, 1000))
    few, many = run_protocol(task, images, protocol, "a", "m")
    assert (few.level, few.sigma, many.sigma) == ("peak", 10.0, 1000.0)
    # MSE = mean(x) / peak.
    brightness = (images[0][1] / 255).mean()
    for record in (few, many):
        expected = -10 * torch.log10(brightness / record.sigma)
        assert record.psnr_input == pytest.approx(expected.item(), abs=0.5)
