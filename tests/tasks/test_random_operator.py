"""A task whose operator is another one for each batch, and a network that is told it."""

import pytest
import torch
from test_reconstruction import CONFIG, trainer

from imaging.data import ImageData
from imaging.data.sources.bundled import Bundled
from imaging.errors import ImagingError
from imaging.evaluation.sizes import check_sizes
from imaging.physics import Blur
from imaging.randomness import generator
from imaging.tasks import build_task

DIGIT = {"name": "digit"}
MODEL = {"name": "wiener_pair", "psf": DIGIT, "channels": 1, "hidden_channels": 4, "levels": 2, "stages": 1}


def task(model=MODEL, seed=0, **operator):
    blur = {"name": "random_blur", "psf": DIGIT, "side": 9} | operator
    physics = {"operator": blur, "noise": {"sigma": [0.002, 0.06], "draw": "log_uniform"}}
    changes = {"task": {"name": "deconvolver"}, "model": model, "physics": physics, "seed": seed}
    return build_task(CONFIG | {"loss": {"name": "log_mse"}} | changes)


def steps(one, n=6, shard=(0, 1), images=4):
    """What the training steps of the first batches give."""
    one.shard = shard
    x = torch.rand(images, 1, 32, 32, generator=generator("images"))[shard[0] :: shard[1]]
    return [one.training_step({"image": x}, step) for step in range(n)]


def test_every_batch_is_measured_by_its_own_operator_which_the_network_is_told():
    one = task(circular=0.5)
    told = []
    one.network.register_forward_pre_hook(
        lambda module, arguments, keywords: told.append(keywords["operator"]), with_kwargs=True
    )
    outputs = steps(one)
    assert [output["operator"] for output in outputs] == told
    assert {operator.boundary for operator in told} == {"circular", "valid"}
    for output in outputs:
        operator = output["operator"]
        noise = output["y"] - operator(output["x"])
        assert 0.002 / 2 < noise.std() < 2 * 0.06
        assert output["x_hat"].shape == output["x"].shape
        assert operator.psf.shape[0] == 4


def test_the_loss_is_of_what_y_shows():
    for output in steps(task(circular=0), 2):
        seen = output["operator"].visible
        error = (seen(output["x_hat"]) - seen(output["x"])).square().flatten(1).mean(1)
        assert seen(output["x"]).shape[-2:] == output["y"].shape[-2:]
        assert output["loss"].item() == pytest.approx(torch.log10(error + 1e-8).mean().item(), abs=1e-5)


def test_operators_are_a_function_of_seed_and_step_alone():
    def psfs(one, **others):
        return [output["operator"].psf for output in steps(one, **others)]

    first, again, other = psfs(task()), psfs(task()), psfs(task(seed=1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not any(a.shape == b.shape and torch.equal(a, b) for a, b in zip(first, other, strict=True))
    halves = [psfs(task(), shard=(rank, 2)) for rank in range(2)]
    for whole, *parts in zip(first, *halves, strict=True):
        assert torch.equal(torch.stack(parts, 1).flatten(0, 1), whole)


def test_validation_has_the_stated_operator():
    one, x = task(), torch.rand(1, 1, 32, 32)
    y = one.validation_measurement(x, ["a"])
    level = one.physics.noise.typical_level
    noise = level * torch.randn(y.shape, generator=generator("validation", "a"))
    assert torch.allclose(y, Blur(DIGIT)(x) + noise, atol=1e-5)


def test_a_training_learns_to_deblur():
    one, fit = task(MODEL | {"channels": 3}), trainer(max_steps=30, val_check_interval=15)
    crops = {"patch_size": 48, "crop": [96, 96], "random_crop": True}
    fit.fit(one, datamodule=ImageData(Bundled(), batch_size=4, validation_images=1, **crops))
    assert fit.callback_metrics["val/psnr"] > fit.callback_metrics["val/psnr_input"] + 2


def test_patches_that_are_too_small_are_refused_before_the_training():
    batch = {"image": torch.rand(2, 1, 30, 30)}
    check_sizes(task(side=29), [batch])
    with pytest.raises(ImagingError, match="the images are 30 x 30, smaller than the 31 x 31 psf"):
        check_sizes(task(side=31), [batch])
    check_sizes(task(side=31), [("a test image", batch["image"][0])])  # which the test's psf measures


def test_a_network_that_is_not_told_the_operator_cannot_follow_its_sizes():
    unet = {"name": "unet", "channels": 1, "hidden_channels": 4, "levels": 2}
    with pytest.raises(ImagingError, match=r"choose a network that is told the operator.*circular=1"):
        task(unet)
    for output in steps(task(unet, circular=1), 2):
        assert output["x_hat"].shape == output["y"].shape
