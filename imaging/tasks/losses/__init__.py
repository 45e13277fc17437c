"""Training losses: with clean images (`supervised`), or from measurements alone.

A loss without clean images looks at the measurements y and what is known of their noise. Its expectation is
the supervised mean squared error, or differs from it by a number that does not depend on the network.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.measurement import Physics
from imaging.physics.operator import LinearOperator
from imaging.physics.operators.identity import Identity
from imaging.settings import Positive


@dataclass(frozen=True)
class Step:
    """What a loss may use of a training step, in the network's units but for sigma.

    Args:
        estimate: x_hat = f(y), for measurements of the batch; called with several it returns several. With
            `stronger`, the noise of these is so many times as strong as that of y, which a network that takes
            sigma has to know.
        y: measurements, (N, …).
        x: clean images, (N, C, H, W), for a loss that needs them; None if there are none.
        sigma: of each image's noise, of intensities, (N, 1, 1, 1); None for a loss that does not use it.
        operator: A, that measured y.
        variance: an unbiased estimate of the variance of the noise in each element of y, of y's shape.
        again: returns other measurements of the same scenes, with noise of their own.
        random: returns the generator of the loss's own random numbers, one for the step.
        shard: (rank, world size); y has every world-size-th image of the batch.
    """

    estimate: Callable[..., tuple[Tensor, ...]]
    y: Tensor
    x: Tensor | None
    sigma: Tensor | None
    operator: LinearOperator
    variance: Callable[[Tensor], Tensor]
    again: Callable[[], Tensor]
    random: Callable[[], torch.Generator]
    shard: tuple[int, int] = (0, 1)

    def normal(self) -> Tensor:
        """Independent numbers from N(0, 1), of y's shape."""
        return self._draw(torch.randn, self.y.shape)

    def integers(self, below: int, size: tuple[int, ...]) -> Tensor:
        """Independent int64 numbers from 0 to `below` - 1, of shape `size`, of which the first is N."""
        return self._draw(lambda *a, **k: torch.randint(below, *a, **k), size)

    def _draw(self, draw: Callable[..., Tensor], size: tuple[int, ...]) -> Tensor:
        rank, world_size = self.shard
        random = self.random()
        whole = draw((size[0] * world_size, *size[1:]), generator=random, device=random.device)
        return whole[rank::world_size]


class Loss:
    """The base class of losses; those with clean images define `__call__`, the others `compute`.

    Attributes:
        needs_clean: whether it looks at clean images.
        needs_again: whether it needs two measurements of each scene.
        uses_sigma: whether the loss needs sigma.
        divides_by_sigma: whether sigma must not be 0.
    """

    needs_clean = True
    needs_again = False
    uses_sigma = False
    divides_by_sigma = False

    def __call__(self, x_hat: Tensor, x: Tensor, sigma: Tensor | None) -> Tensor:
        """Compute the loss, a scalar.

        Args:
            x_hat, x: estimates and clean images, float32 (N, C, H, W) in the network's units.
            sigma: standard deviation of each image's noise, of intensities, (N, 1, 1, 1), or None if it is
                not used.
        """
        raise NotImplementedError

    def compute(self, step: Step) -> tuple[Tensor, Tensor]:
        """Compute the loss, a scalar, and the estimates x_hat of a training step."""
        assert step.x is not None
        (x_hat,) = step.estimate(step.y)
        visible = step.operator.visible
        return self(visible(x_hat.float()), visible(step.x), step.sigma), x_hat

    def check(self, physics: Physics) -> None:
        """Check that the loss can be used with a physics.

        Raises:
            ImagingError: it cannot.
        """
        if self.divides_by_sigma and physics.noise.is_silent(physics.noise.low):
            raise ImagingError(
                "this loss needs noise, and physics.noise.sigma reaches 0: choose another loss or range"
            )


class BlindLoss(Loss):
    """The base class of losses without clean images that compare A x_hat with measurements.

    The error is |W (A x_hat - y)|², averaged over the elements of W y. For the identity, W is one. Otherwise
    W = Aᵀ (A Aᵀ + weight)⁻¹, the regularised pseudo-inverse: with weight -> 0 it is the error of the
    projection of x_hat on what A can see (Eldar, "Generalized SURE for exponential families", IEEE TSP 2009,
    section IV). What A cannot see does not enter.

    Args:
        weight: in W; the larger, the less do the directions count in which A x is small.
    """

    needs_clean = False
    uses_sigma = divides_by_sigma = True

    def __init__(self, weight: Positive = 0.01):
        self.weight = weight

    def weigh(self, operator: LinearOperator, r: Tensor) -> Tensor:
        """W r, for r of y's shape, in float32."""
        if isinstance(operator, Identity):
            return r.float()
        zero = torch.zeros((len(r), *operator.input_shape(tuple(r.shape[1:]))), device=r.device)
        return operator.solve(r.float(), zero, self.weight)

    def error(self, step: Step, x_hat: Tensor, y: Tensor) -> Tensor:
        """The mean of |W (A x_hat - y)|², a scalar."""
        return self.weigh(step.operator, step.operator(x_hat.float()) - y).square().mean()


def refuse_operator(physics: Physics, name: str, why: str) -> None:
    """Raise an ImagingError if the operator is not the identity."""
    if not isinstance(physics.operator, Identity):
        raise ImagingError(
            f"loss={name} is for denoising, {why}: with this physics.operator choose loss=sure or "
            "loss=noise2noise"
        )
