"""A network asked eight times."""

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.models.network import complete


class SelfEnsemble(nn.Module):
    """x_hat = mean of T⁻¹ f(T y) over the eight symmetries T of the square: flips and quarter turns.

    Timofte, Rothe and Van Gool 2016, "Seven ways to improve example-based single image super resolution",
    section 3.6. It takes eight times as long; it makes sense where A is the identity, which all T leave as
    it is.

    Args:
        network: f.
    """

    @classmethod
    def of(cls, network: nn.Module, operator: str) -> "SelfEnsemble":
        """Wrap a network that undoes the operator with this name.

        Raises:
            ImagingError: the operator is not the identity; a turned image would meet a psf that is not.
        """
        if operator != "identity":
            raise ImagingError(
                f"self_ensemble is for denoisers; this network undoes a {operator}, which has a direction"
            )
        return cls(network)

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = complete(network)
        self.takes_sigma = network.takes_sigma
        # Coarser pixels lie elsewhere in a turned piece of an image than in the turned image.
        self.reach = network.reach if network.multiple == 1 else None
        self.homogeneous = network.homogeneous
        complete(self)

    def forward(self, y: Tensor, *sigma: Tensor) -> Tensor:
        """As f's, one after the other, so that no more memory is taken."""
        total = torch.zeros((), device=y.device)
        for flip in (False, True):
            for turns in range(4):
                seen = (y.flip(-1) if flip else y).rot90(turns, (-2, -1)).contiguous()
                restored = self.network(seen, *sigma).rot90(-turns, (-2, -1))
                total = total + (restored.flip(-1) if flip else restored)
        return total / 8
