"""What a network may offer beside `forward`, and what it is taken for if it does not."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn


class Network(Protocol):
    """f of x_hat = f(y): an `nn.Module` from (N, C, H, W) to the same shape.

    A network may have any of the attributes below. `complete` gives it the values here for the others.

    Attributes:
        takes_sigma: whether `forward` takes the noise's standard deviation, (N, 1, 1, 1), after y.
        homogeneous: whether f(α y) = α f(y) for α >= 0, in evaluation.
        reach: pixels from where on nothing of y enters a restored one; None: any may.
        multiple: y may be cut into pieces only at multiples of so many pixels.
        candidates: values that the buffer `strength` may have; one is chosen on validation images.
        noise_level: estimates sigma, (N, 1, 1, 1), from y by what the network knows of A; None: it cannot.
    """

    takes_sigma: bool = False
    homogeneous: bool = False
    reach: int | None = None
    multiple: int = 1
    candidates: tuple[float, ...] = ()
    noise_level: Callable[..., Tensor] | None = None

    def __call__(self, y: Tensor, *sigma: Tensor) -> Tensor:
        """The estimate x_hat."""


OFFERS = ("takes_sigma", "homogeneous", "reach", "multiple", "candidates", "noise_level")


def complete(network: nn.Module) -> nn.Module:
    """Give a network the defaults of `Network` for what it does not say of itself; returns it."""
    for name in OFFERS:
        if not hasattr(network, name):
            setattr(network, name, getattr(Network, name))
    return network
