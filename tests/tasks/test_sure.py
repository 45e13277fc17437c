"""SURE for counted photons, ReLUs and clipped images; its expectation is in test_blind_losses.py."""

from dataclasses import replace

import pytest
import torch
from expectations import GAUSSIAN, SIGMA, X, agrees, linear, many
from torch import Tensor

from imaging.models.dncnn import DnCNN
from imaging.physics.measurement import build_physics
from imaging.physics.operators.identity import Identity
from imaging.randomness import generator
from imaging.tasks import LOSSES
from imaging.tasks.losses import Step


@pytest.mark.parametrize(
    "noise", [{"name": "poisson", "peak": 30}, {"name": "poisson_gaussian", "peak": 30, "read": 0.1}]
)
def test_sure_for_counted_photons_is_exact_for_a_linear_filter(noise):
    """With `read` = 0.1, the estimate of the variance is negative in some elements."""
    physics = build_physics({"operator": {"name": "identity"}, "noise": noise})
    dark = X - 0.15
    agrees(
        LOSSES.build({"name": "sure"}),
        lambda seed: many(physics, linear, dark, seed),
        lambda step, x_hat: (x_hat - step.x).square().mean(),
        rel=0.02,
    )


def test_sures_gradient_hardly_varies_with_the_relus_that_switch():
    """With `difference` -> 0 the variance of the first layer's gradient grows without bound."""
    physics = build_physics({"operator": {"name": "identity"}, "noise": GAUSSIAN})
    network = DnCNN(channels=1, depth=4, hidden_channels=16, bias=False)

    def variance(**settings) -> float:
        loss = LOSSES.build({"name": "sure", **settings})
        gradients = []
        for seed in range(30):
            step = many(physics, network)
            step = replace(
                step, y=step.y[:20], x=step.x[:20], variance=lambda y: torch.full_like(y, SIGMA**2)
            )
            step = replace(step, random=lambda seed=seed: generator(seed, "loss"))
            gradients += torch.autograd.grad(loss.compute(step)[0], next(network.parameters()))
        return torch.stack(gradients).var(0).sum().item()

    assert variance() < variance(difference=0.01) / 3


def test_sure_has_a_lower_bound_on_clipped_images():
    """A network that answers the probe alone would have an error far below 0 where y is black."""
    noise = build_physics({"operator": {"name": "identity"}, "noise": {"sigma": SIGMA}}).noise
    x = torch.cat([torch.zeros(4, 1, 32, 32), torch.full((4, 1, 32, 32), 0.5)], dim=3)
    y = noise(x, generator("noise")).clamp(0, 1)
    level, loss = torch.full((4, 1, 1, 1), SIGMA), LOSSES.build({"name": "sure"})

    def exploit(z: Tensor) -> Tensor:
        return y - (z - y) / loss.difference**2  # x_hat = y, with a divergence far below 0

    def loss_of(clean: Tensor | None) -> float:
        step = Step(
            estimate=lambda *zs, stronger: tuple(torch.where(x == 0, exploit(z), z) for z in zs),
            y=y,
            x=clean,
            sigma=None,
            operator=Identity(),
            variance=lambda y: noise.variance_of(y, level),
            again=lambda: y,
            random=lambda: generator("loss"),
        )
        return loss.compute(step)[0].item()

    assert loss_of(x) < -5 * SIGMA**2  # simulated images are not clipped, and nobody looks
    assert loss_of(None) == pytest.approx(SIGMA**2, rel=0.1)  # that of x_hat = y, in the bright half
