"""Optional attributes of a network, and their defaults."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from torch import Tensor, nn


class Network(Protocol):
    """f of x_hat = f(y): an `nn.Module` that maps (N, C, H, W) to the same shape.

    All attributes are optional; `complete` sets the missing ones to the defaults here.

    Attributes:
        takes_sigma: whether `forward` takes the noise's standard deviation, (N, 1, 1, 1), after y.
        takes_operator: whether `forward` takes the operator A that measured y, as the keyword `operator`;
            without it, A is that of the network's settings.
        homogeneous: whether f(α y) = α f(y) for α >= 0, in evaluation.
        reach: radius in pixels of the neighbourhood of y that affects a pixel of x_hat; None: unlimited.
        multiple: y may be cut into tiles only at multiples of this number of pixels.
        candidates: values for the buffer `strength`; the best one on validation images is chosen.
        noise_level: estimates sigma, (N, 1, 1, 1), from y and A, or None for that of its settings; None: it
            cannot.
        trace: of a solver's last call, a dict for each iteration with tensors (N,), such as residuals.
    """

    takes_sigma: bool = False
    takes_operator: bool = False
    homogeneous: bool = False
    reach: int | None = None
    multiple: int = 1
    candidates: tuple[float, ...] = ()
    noise_level: Callable[..., Tensor] | None = None
    trace: Sequence[dict[str, Tensor]] = ()

    def __call__(self, y: Tensor, *sigma: Tensor) -> Tensor:
        """The estimate x_hat."""


class Behind(nn.Module):
    """The base class of networks that are another network behind a first step, and have its attributes.

    Args:
        network: complete; see `complete`.
    """

    network: Any

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.takes_sigma, self.candidates = network.takes_sigma, network.candidates

    @property
    def strength(self) -> Tensor:
        return self.network.strength

    @property
    def trace(self) -> Sequence[dict[str, Tensor]]:
        return self.network.trace


ATTRIBUTES = tuple(Network.__annotations__)


def complete(network: nn.Module) -> nn.Module:
    """Set the missing attributes of a network to the defaults of `Network`, in place; returns the network."""
    for name in ATTRIBUTES:
        if not hasattr(network, name):
            setattr(network, name, getattr(Network, name))
    return network
