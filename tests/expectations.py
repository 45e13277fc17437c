"""What losses without clean images should come to, over many draws of the noise."""

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.randomness import generator
from imaging.tasks.losses import Step

SIGMA, DRAWS = 0.1, 4000
GAUSSIAN = {"name": "gaussian", "sigma": SIGMA}
# Smooth, in [0.2, 0.8]; one image, of which every draw has its own noise.
X = (0.5 + 0.3 * torch.sin(torch.arange(12.0))[:, None] * torch.cos(torch.arange(12.0) / 2))[None, None]


def smooth(y: Tensor, theta: float | Tensor = 0.4) -> Tensor:
    """A filter that is not linear in y."""
    kernel = torch.tensor([[1.0, 2, 1], [2, 3, 2], [2, 2, 1]])[None, None] / 16
    return y - theta * torch.tanh(2 * (y - F.conv2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), kernel)))


def linear(y: Tensor) -> Tensor:
    kernel = torch.tensor([[0.0, 0.1, 0], [0.1, 0.6, 0.1], [0, 0.1, 0]])[None, None]
    return F.conv2d(F.pad(y, (1, 1, 1, 1), mode="reflect"), kernel)


def many(physics, f, x: Tensor = X, seed: int = 0) -> Step:
    """A step with many measurements of one scene."""
    x = x.expand(DRAWS, -1, -1, -1)
    level = torch.full((DRAWS, 1, 1, 1), physics.noise.typical_level)
    y = physics(x, generator(seed, "noise"))
    return Step(
        estimate=lambda *ys, stronger=1.0: tuple(map(f, ys)),
        y=y,
        x=x,
        sigma=None,
        operator=physics.operator,
        variance=lambda y: physics.noise.variance_of(y, level),
        again=lambda: physics(x, generator(seed, "again")),
        random=lambda: generator(seed, "loss"),
    )


def agrees(loss, step_of, expected_of, rel: float) -> None:
    """The means over ten times 4000 draws agree within four standard errors, which are small."""
    differences, values = [], []
    for seed in range(10):
        step = step_of(seed)
        value, x_hat = loss.compute(step)
        expected = expected_of(step, x_hat)
        differences.append((value - expected).item())
        values.append(expected.item())
    differences = torch.tensor(differences)
    error = (differences.std() / len(differences) ** 0.5).item()
    assert error < rel * sum(values) / len(values)
    assert abs(differences.mean().item()) < 4 * error + 1e-7
