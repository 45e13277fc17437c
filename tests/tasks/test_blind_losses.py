"""Losses without clean images against the error with clean images, in expectation over the noise."""

from dataclasses import replace

import pytest
import torch
from expectations import GAUSSIAN, SIGMA, X, agrees, many, smooth
from test_reconstruction import CONFIG, Discs, trainer
from torch import nn

from imaging.data import ImageData
from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.physics.measurement import build_physics
from imaging.physics.operators.identity import Identity
from imaging.randomness import generator
from imaging.tasks import LOSSES, build_task
from imaging.tasks.losses import Step

BLIND = ["noise2noise", "sure", "recorrupted", "neighbor2neighbor", "noise2self"]
OPERATORS = [
    {"name": "identity"},
    {"name": "mask", "rows": [3, 7]},
    {"name": "blur", "psf": {"name": "gaussian", "size": 5, "sigma": 0.8}},
]


@pytest.mark.parametrize("operator", OPERATORS, ids=lambda operator: operator["name"])
@pytest.mark.parametrize("name", ["sure", "noise2noise", "recorrupted"])
def test_the_expectation_is_the_error_of_what_the_operator_sees(name, operator):
    physics, loss = build_physics({"operator": operator, "noise": GAUSSIAN}), LOSSES.build({"name": name})
    noise = {"sure": 0.0, "noise2noise": SIGMA**2, "recorrupted": SIGMA**2 * (1 + 1 / loss_alpha(loss) ** 2)}[
        name
    ]
    basis = torch.eye(X.numel()).reshape(-1, *X.shape[1:])
    constant = noise * loss.weigh(physics.operator, basis).square().sum() / X.numel()

    def expected(step, x_hat):
        error = physics.operator(x_hat) - physics.operator(step.x)
        return loss.weigh(physics.operator, error).square().mean() + constant

    agrees(loss, lambda seed: many(physics, smooth, seed=seed), expected, rel=0.02)


def loss_alpha(loss) -> float:
    return getattr(loss, "alpha", 1.0)


def test_neighbor2neighbor_expects_the_error_where_neighbours_are_equal():
    physics = build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN})
    flat = torch.full((1, 1, 12, 12), 0.5)
    inner = []

    def remembered(y):
        inner.append(smooth(y))
        return inner[-1]

    agrees(
        LOSSES.build({"name": "neighbor2neighbor", "gamma": 0.0}),
        lambda seed: many(physics, remembered, flat, seed),
        lambda step, x_hat: (torch.stack(inner[-4:]) - 0.5).square().mean() + SIGMA**2,
        rel=0.02,
    )


def test_neighbor2neighbors_second_term_is_zero_for_an_estimate_that_explains_the_difference():
    """f(g1 y) - g2 y = g1 f(y) - g2 f(y) for f that returns its input: only the first term is left."""
    physics = build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN})
    step = many(physics, lambda y: y)
    one, other = (
        LOSSES.build({"name": "neighbor2neighbor", "gamma": g}).compute(step)[0] for g in (0.0, 5.0)
    )
    assert one == other


def test_the_pixels_of_a_cell_are_paired_with_neighbours_of_every_kind_equally_often():
    """y is the place of the pixel in its cell of 2 x 2."""
    y = torch.tensor([[0.0, 1], [2, 3]]).repeat(20, 20).expand(64, 1, 40, 40)
    seen = []
    step = many(build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN}), smooth)
    step = replace(step, y=y, estimate=lambda *ys: seen.append(ys) or ys)
    loss = LOSSES.build({"name": "neighbor2neighbor", "gamma": 0.0})
    squares, _ = loss.compute(step)
    pixels = torch.stack(seen[-1])
    assert pixels.shape == (4, 64, 1, 20, 20)
    assert torch.equal(pixels.sort(0).values, torch.arange(4.0)[:, None, None, None, None].expand_as(pixels))
    for image in pixels:
        shares = torch.bincount(image.flatten().long()).div(image.numel())
        assert shares.tolist() == pytest.approx([0.25] * 4, abs=0.02)
    # Neighbours differ by 1 in a row and by 2 in a column, and never by 3, on a diagonal.
    assert squares.item() == pytest.approx((1 + 4) / 2, abs=0.05)


def test_noise2self_expects_the_error_of_the_hidden_pixels():
    physics = build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN})
    masks = []

    def watched(y):
        masks.append(y != step.y)
        return smooth(y)

    def step_of(seed):
        nonlocal step
        step = many(physics, watched, seed=seed)
        return step

    step = None
    agrees(
        LOSSES.build({"name": "noise2self"}),
        step_of,
        lambda step, x_hat: (x_hat - step.x)[masks[-1]].square().mean() + SIGMA**2,
        rel=0.02,
    )
    assert masks[-1].float().mean().item() == pytest.approx(1 / 16, abs=1e-3)


@pytest.mark.parametrize("name", BLIND)
def test_the_gradient_is_that_of_finite_differences(name):
    physics, loss = (
        build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN}),
        LOSSES.build({"name": name}),
    )

    def value(theta):
        return loss.compute(many(physics, lambda y: smooth(y, theta)))[0]

    theta = torch.tensor(0.4, requires_grad=True)
    value(theta).backward()
    expected = (value(torch.tensor(0.45)) - value(torch.tensor(0.35))).item() / 0.1
    if name == "neighbor2neighbor":  # whose second term holds f(y) fixed
        loss.gamma = 0.0
        theta.grad = None
        value(theta).backward()
        expected = (value(torch.tensor(0.45)) - value(torch.tensor(0.35))).item() / 0.1
    assert theta.grad.item() == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize("name", BLIND)
def test_training_without_clean_images_removes_noise(name):
    task = build_task(CONFIG | {"loss": {"name": name}})
    data = ImageData(Discs(), patch_size=None, batch_size=4, validation_images=2, seed=3)
    trainer(max_steps=250, val_check_interval=1000).fit(task, datamodule=data)
    x = Discs().read("test", 0)[None] / 255
    y = task.measure(x, generator("test"), 0.1)
    assert psnr(task.restore(y), x).item() > psnr(y, x).item() + 1.5


@pytest.mark.parametrize("name", BLIND)
def test_a_loss_does_not_look_at_the_clean_images(name):
    """The clean images are all nan where the loss could see them."""
    physics = build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN})
    step = many(physics, smooth)
    blind = Step(**{**vars(step), "x": torch.full_like(step.x, float("nan"))})
    loss = LOSSES.build({"name": name})
    assert not loss.needs_clean
    assert torch.equal(loss.compute(blind)[0], loss.compute(step)[0])


@pytest.mark.parametrize("name", BLIND)
def test_two_ranks_draw_what_one_draws(name):
    task, x = build_task(CONFIG | {"loss": {"name": name}}), torch.rand(4, 1, 16, 16)
    task.network = Shift()
    draws = []
    for shard, images in (((0, 1), x), ((0, 2), x[::2]), ((1, 2), x[1::2])):
        task.shard, task.network.met = shard, []
        task.training_step({"image": images}, 7)
        ys = [torch.cat(list(y.chunk(len(y) // len(images)))) for y in task.network.met]
        draws.append([y.reshape(-1, len(images), *y.shape[1:]) for y in ys])
    whole, first, second = draws
    for all_images, even, odd in zip(whole, first, second, strict=True):
        assert torch.equal(all_images[:, ::2], even)
        assert torch.equal(all_images[:, 1::2], odd)


class Shift(nn.Module):
    """Remembers what it gets."""

    takes_sigma = takes_operator = False

    def __init__(self):
        super().__init__()
        self.shift, self.met = nn.Parameter(torch.zeros(())), []

    def forward(self, y):
        self.met.append(y.detach())
        return y + self.shift


@pytest.mark.parametrize("name", ["neighbor2neighbor", "noise2self"])
def test_losses_for_denoising_refuse_another_operator(name):
    other = CONFIG | {
        "task": {"name": "reconstruction"},
        "physics": {"operator": OPERATORS[1], "noise": GAUSSIAN},
        "loss": {"name": name},
    }
    with pytest.raises(
        ImagingError, match=f"loss={name} is for denoising, .*: with this physics.operator choose"
    ):
        build_task(other)


@pytest.mark.parametrize("name", ["sure", "noise2noise", "recorrupted"])
def test_losses_that_need_noise_refuse_none(name):
    silent = {"operator": {"name": "identity"}, "noise": {"name": "gaussian", "sigma": [0.0, 0.1]}}
    with pytest.raises(ImagingError, match="this loss needs noise"):
        build_task(CONFIG | {"physics": silent, "loss": {"name": name}})


@pytest.mark.parametrize(
    "settings", [{"name": "sure", "difference": 1e200}, {"name": "recorrupted", "alpha": 1e200}]
)
def test_noise_beyond_all_bounds_is_a_loss_that_is_not_finite(settings):
    """The training tells it; the square of the number is no float."""
    physics = build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN})
    assert not torch.isfinite(LOSSES.build(settings).compute(many(physics, smooth))[0])


def test_a_step_draws_other_numbers_each_time_and_the_same_when_it_is_repeated(monkeypatch):
    task, drawn = build_task(CONFIG | {"loss": {"name": "sure"}}), []
    compute = task.loss.compute

    def watched(step):
        drawn.append((step.normal(), step.normal()))
        return compute(step)

    monkeypatch.setattr(task.loss, "compute", watched)
    for _ in range(2):
        task.training_step({"image": torch.stack([Discs().read("train", 0)])}, 0)
    (first, second), again = drawn
    assert not torch.equal(first, second)
    assert torch.equal(again[0], first)
    assert torch.equal(again[1], second)


def test_a_network_that_takes_sigma_gets_that_of_the_noise_it_sees(monkeypatch):
    """Of y + alpha z, whose noise is stronger than that of y."""
    model = {
        "name": "wiener_pair",
        "psf": {"name": "digit"},
        "channels": 1,
        "hidden_channels": 4,
        "levels": 1,
    }
    config = CONFIG | {"model": model, "task": {"name": "reconstruction"}, "loss": {"name": "recorrupted"}}
    operator = {"name": "blur", "psf": {"name": "digit"}}
    task = build_task(config | {"physics": {"operator": operator, "noise": GAUSSIAN}})
    told, forward = [], task.network.forward
    monkeypatch.setattr(task.network, "forward", lambda y, sigma: told.append(sigma) or forward(y, sigma))
    images = torch.stack([Discs().read("train", i) for i in range(2)])
    task.training_step({"image": images}, 0)
    assert told[0].flatten().tolist() == pytest.approx([SIGMA * 1.25**0.5] * 2)


def test_noise2self_hides_a_pixel_of_images_smaller_than_its_grid():
    loss = LOSSES.build({"name": "noise2self", "every": 9})
    y = torch.rand(1, 1, 4, 5)
    for seed in range(20):
        step = Step(
            lambda *ys: ys, y, None, None, Identity(), lambda y: y, lambda: y, lambda s=seed: generator(s)
        )
        assert torch.isfinite(loss.compute(step)[0])
