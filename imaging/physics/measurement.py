"""y = A x + n."""

from collections.abc import Mapping

from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.physics.noise import NOISES, GaussianNoise, Level, Random, Shard
from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.settings import closest

PARTS = ("operator", "noise")


class Physics(nn.Module):
    """The measurement y = A x + n.

    Args:
        operator: A.
        noise: adds n; called with (A x, random, sigma, shard).

    Example:
        >>> import torch
        >>> from imaging.physics import Identity
        >>> from imaging.randomness import generator
        >>> physics = Physics(Identity(), GaussianNoise(0.1))
        >>> physics(torch.rand(2, 3, 8, 8), generator(0, "noise", 0)).shape
        torch.Size([2, 3, 8, 8])
    """

    def __init__(self, operator: LinearOperator, noise: GaussianNoise):
        super().__init__()
        self.operator = operator
        self.noise = noise

    def forward(self, x: Tensor, random: Random, sigma: Level = None, shard: Shard = (0, 1)) -> Tensor:
        """Measurements y of clean images x, both (N, C, H, W).

        Args:
            x: clean images.
            random: a generator, or the numbers of the noise, on x's device or the CPU. y depends only on it,
                x and sigma.
            sigma: replaces the noise's own standard deviation, for all images or for each.
            shard: (rank, world size), if x is a part of a batch; see `GaussianNoise.forward`.
        """
        return self.noise(self.operator(x), random, sigma, shard)


def build_physics(config: Mapping) -> Physics:
    """Build the physics of a config.

    Args:
        config: `{operator: {name: …, its settings}, noise: {name: …, its settings}}`; noise without a `name`
            is Gaussian.

    Raises:
        ImagingError: a part that is missing or unknown, or has a wrong value.

    Example:
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
    operator, noise = config["operator"], config["noise"]
    if isinstance(noise, Mapping):
        noise = {"name": "gaussian", **noise}
    return Physics(OPERATORS.build(operator), NOISES.build(noise))
