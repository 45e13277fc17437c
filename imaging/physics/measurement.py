"""y = A x + n."""

from collections.abc import Mapping

from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.physics.noise import NOISES, Level, Noise, Random, Shard
from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.settings import closest

PARTS = ("operator", "noise")


class Physics(nn.Module):
    """The measurement y = A x + n.

    Args:
        operator: A.
        noise: adds n; called with (A x, random, level, shard).

    Examples:
        >>> import torch
        >>> from imaging.physics import GaussianNoise, Identity
        >>> from imaging.randomness import generator
        >>> physics = Physics(Identity(), GaussianNoise(0.1))
        >>> physics(torch.rand(2, 3, 8, 8), generator(0, "noise", 0)).shape
        torch.Size([2, 3, 8, 8])
    """

    def __init__(self, operator: LinearOperator, noise: Noise):
        super().__init__()
        self.operator = operator
        self.noise = noise

    def forward(self, x: Tensor, random: Random, level: Level = None, shard: Shard = (0, 1)) -> Tensor:
        """Measurements y of clean images x, both (N, C, H, W).

        Args:
            x: clean images.
            random: a generator, or the result of the noise's `draw_ahead`, on x's device or the CPU. y
                depends only on it, x and level.
            level: replaces the noise's own level, for all images or for each.
            shard: (rank, world size), if x is a part of a batch; see `imaging.physics.noise.Noise.forward`.
        """
        return self.noise(self.operator(x), random, level, shard)


def build_physics(config: Mapping) -> Physics:
    """Build the physics of a config.

    Args:
        config: `{operator: {name: …, its settings}, noise: {name: …, its settings}}`; noise without a `name`
            is Gaussian.

    Raises:
        ImagingError: a part that is missing or unknown, or has a wrong value.

    Examples:
        >>> blur = {"name": "blur", "psf": {"name": "digit"}}
        >>> physics = build_physics({"operator": blur, "noise": {"sigma": [0.005, 0.01]}})
    """
    if not isinstance(config, Mapping):
        raise ImagingError(f"physics is {config!r}; expected operator and noise")
    for key in config:
        if key not in PARTS:
            raise ImagingError(
                f"physics has no setting '{key}'{closest(key, PARTS)}; it has: operator, noise"
            )
    for key in PARTS:
        if key not in config:
            raise ImagingError(f"physics needs the setting '{key}'")
    return Physics(OPERATORS.build(config["operator"]), build_noise(config["noise"]))


def build_noise(config: Mapping) -> Noise:
    """Build a noise; without a `name` it is Gaussian, as in configs of earlier versions."""
    return NOISES.build({"name": "gaussian", **config} if isinstance(config, Mapping) else config)
