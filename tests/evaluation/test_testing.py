"""The frozen test: one noise for all models, batch sizes and processes."""

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio

from imaging.errors import ImagingError
from imaging.evaluation import testing as module
from imaging.evaluation.examples import Examples
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.testing import run_protocol
from imaging.randomness import generator
from imaging.tasks import build_task
from tests.untrained import untrained

CONFIG = untrained({"name": "dncnn", "channels": 1, "depth": 2, "hidden_channels": 4}, seed=3)


def images(count=5, size=16):
    random = generator("images")
    return [
        (f"image-{i}", (255 * torch.rand(1, size, size, generator=random)).to(torch.uint8))
        for i in range(count)
    ]


def numbers(records):
    return [(r.image, r.sigma, r.noise_seed, round(r.psnr, 3), round(r.psnr_input, 4)) for r in records]


def test_noise_depends_on_data_image_sigma_and_noise_seed_alone(monkeypatch):
    protocol = Protocol("set", (0.1, 0.2), noise_seeds=2)
    together = numbers(run_protocol(build_task(CONFIG), images(), protocol, "a", "dncnn"))
    monkeypatch.setattr(module, "PIXELS_AT_ONCE", 1)
    torch.manual_seed(7)
    alone = numbers(run_protocol(build_task(CONFIG), images()[::-1], protocol, "a", "dncnn"))
    assert sorted(together) == sorted(alone)
    assert len(together) == len({n[-1] for n in together}) == 5 * 2 * 2  # and every draw is another


def test_another_network_meets_the_same_noise():
    protocol = Protocol("set", (0.1,))
    other = CONFIG | {"model": CONFIG["model"] | {"bias": False}, "seed": 9}
    first, second = (list(run_protocol(build_task(c), images(), protocol, "a", "m")) for c in (CONFIG, other))
    assert [r.psnr_input for r in first] == [r.psnr_input for r in second]
    assert [r.psnr for r in first] != [r.psnr for r in second]


def test_what_is_measured_is_that_of_the_generator_that_test_noise_gives():
    protocol, task, met = Protocol("set", (0.1, 0.2), noise_seeds=3), build_task(CONFIG), []
    observe = [lambda names, sigma, x, y, x_hat: met.append((names, sigma, x, y))]
    list(run_protocol(task, images(), protocol, "a", "m", observe))
    seeds = [0, 1, 2] * 2
    for (names, sigma, x, y), seed in zip(met, seeds, strict=True):
        for name, clean, measured in zip(names, x, y, strict=True):
            noise = module.test_noise(protocol, name, sigma, seed)
            assert torch.equal(measured, task.measure(clean[None], noise, sigma)[0])


def test_the_noisy_image_has_the_psnr_of_its_sigma():
    protocol = Protocol("set", (0.05, 0.2))
    for record in run_protocol(build_task(CONFIG), images(2, 256), protocol, "a", "m"):
        assert record.psnr_input == pytest.approx(-20 * math.log10(record.sigma), abs=0.1)


def test_no_noise_leaves_the_measurement_alone():
    (record,) = run_protocol(build_task(CONFIG), images(1), Protocol("set", (0.0,)), "a", "m")
    assert record.psnr_input == math.inf


def test_examples_are_spread_over_the_images_at_their_sigma():
    examples = Examples(keep=2, sigma=0.2, count=5)
    protocol = Protocol("set", (0.1, 0.2), noise_seeds=2)
    list(run_protocol(build_task(CONFIG), images(), protocol, "a", "m", [examples.observe], examples.choose))
    assert examples.names == ["image-0", "image-2"]
    assert len(examples.clean) == len(examples.measured) == len(examples.restored) == 2
    assert (examples.measured[0] - examples.clean[0]).std().item() == pytest.approx(0.2, rel=0.15)


@pytest.mark.parametrize("sigmas", [(), (-0.1,), (float("nan"),), (float("inf"),), ("a",), (True,)])
def test_a_sigma_that_is_none_is_refused(sigmas):
    with pytest.raises(ImagingError, match=r"^sigmas is .*; expected numbers >= 0"):
        Protocol("set", sigmas)


def test_records_are_of_the_convention_that_they_name():
    task = build_task(CONFIG | {"model": {"name": "identity"}})
    first, second = (
        next(run_protocol(task, images(1, 64), Protocol("set", (0.3,), convention=name), "a", "m"))
        for name in ("unclipped", "clipped")
    )
    assert (first.convention, second.convention) == ("unclipped", "clipped")
    assert first.psnr == pytest.approx(first.psnr_input)
    assert second.psnr == pytest.approx(second.psnr_input)
    assert second.psnr > first.psnr + 1  # what is clipped is nearer
    with pytest.raises(
        ImagingError,
        match=r"^convention is 'cliped' \(did you mean 'clipped'\?\); expected unclipped or clipped",
    ):
        Protocol("set", (0.3,), convention="cliped")


def test_a_network_that_takes_sigma_is_told_that_of_the_test():
    blur = {
        "operator": {"name": "blur", "psf": {"name": "digit"}},
        "noise": {"sigma": 0.01},
    }
    model = {"name": "wiener_pair", "psf": {"name": "digit"}, "channels": 1, "hidden_channels": 4}
    task, told = build_task(CONFIG | {"task": {"name": "deconvolver"}, "model": model, "physics": blur}), []
    task.network.forward = lambda y, sigma: told.append(sigma.flatten().tolist()) or y
    list(run_protocol(task, images(2, 32), Protocol("set", (0.01, 0.02)), "a", "m"))
    assert told == [[pytest.approx(0.01)] * 2, [pytest.approx(0.02)] * 2]


def test_only_what_a_photograph_shows_of_the_scene_is_compared():
    """The numbers are scikit-image's of the pixels of y, and so is the validation's."""
    psf = {"name": "gaussian", "sigma": 1.0, "size": 4}
    blur = {"operator": {"name": "blur", "psf": psf, "boundary": "valid"}, "noise": {"sigma": 0.01}}
    task = build_task(untrained({"name": "preview", "operator": blur["operator"]}, blur))
    protocol, met, scenes = Protocol("set", (0.01,)), [], images(1, 24)
    observe = [lambda names, sigma, x, y, x_hat: met.append((x, y, x_hat))]
    (record,) = run_protocol(task, scenes, protocol, "a", "m", observe)
    seen = (
        scenes[0][1][:, 1:22, 1:22].double() / 255
    )  # a psf of 4 has one pixel before its centre and two after it
    y = task.measure(scenes[0][1][None] / 255, module.test_noise(protocol, "image-0", 0.01, 0), 0.01)
    expected = peak_signal_noise_ratio(seen.numpy(), y[0].double().numpy(), data_range=1)
    assert record.psnr == pytest.approx(expected, abs=2e-4)
    assert [image.shape[-2:] for image in met[0]] == [(21, 21)] * 3
    task.validation_step({"image": scenes[0][1][None], "id": ["image-0"]}, 0)
    y = task.validation_measurement(scenes[0][1][None] / 255, ["image-0"])
    expected = peak_signal_noise_ratio(seen.numpy(), y[0].double().numpy(), data_range=1)
    assert task.val_psnr.compute().item() == pytest.approx(expected, abs=2e-4)


def test_batches_that_are_not_selected_are_not_restored(monkeypatch):
    monkeypatch.setattr(module, "PIXELS_AT_ONCE", 1)  # each image is a batch
    task, asked, restored = build_task(CONFIG), [], []
    observe = [lambda names, sigma, x, y, x_hat: restored.extend(names)]

    def select(first: int, names: list[str]) -> bool:
        asked.append((first, names))
        return first != 1

    found = list(run_protocol(task, images(3), Protocol("set", (0.1,)), "a", "m", observe, select))
    assert asked == [(i, [f"image-{i}"]) for i in range(3)]
    assert [record.image for record in found] == restored == ["image-0", "image-2"]


@pytest.mark.parametrize("seeds", [0, 10_001, 10**9, 1.5, True])
def test_so_many_draws_that_they_would_fill_the_memory_are_refused(seeds):
    with pytest.raises(ImagingError, match=r"noise_seeds.*; expected a whole number, from 1 to 10000"):
        Protocol("set", (0.1,), noise_seeds=seeds)
