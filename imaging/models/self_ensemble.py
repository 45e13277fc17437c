"""Self-ensemble: the mean of a network's results over flips and quarter turns."""

import torch
from torch import nn

from imaging.errors import ImagingError
from imaging.models.network import complete
from imaging.shapes import Images, Sigmas


class SelfEnsemble(nn.Module):
    """x_hat = mean of T⁻¹ f(T y) over the eight symmetries T of the square: flips and quarter turns.

    Timofte, Rothe and Van Gool 2016, "Seven ways to improve example-based single image super resolution",
    section 3.6. It takes eight times as long. It is valid only for an operator that commutes with all T, such
    as the identity.

    Args:
        network: f.
    """

    @classmethod
    def of(cls, network: nn.Module, operator: str) -> "SelfEnsemble":
        """Wrap a network that inverts the operator of this name.

        Raises:
            ImagingError: the operator is not the identity, so it need not commute with flips and turns.
        """
        if operator != "identity":
            raise ImagingError(
                f"self_ensemble is for denoisers; this network inverts a {operator}, which flips and turns "
                "would change"
            )
        return cls(network)

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = complete(network)
        self.takes_sigma = network.takes_sigma
        # The coarse grid of a network with several levels shifts when a tile of an image is turned.
        self.reach = network.reach if network.multiple == 1 else None
        self.homogeneous = network.homogeneous
        complete(self)

    def forward(self, y: Images, *sigma: Sigmas) -> Images:
        """Restore (N, C, H, W), with one symmetry at a time, so that it takes no more memory than f."""
        total = torch.zeros((), device=y.device)
        for flip in (False, True):
            for turns in range(4):
                view = (y.flip(-1) if flip else y).rot90(turns, (-2, -1)).contiguous()
                restored = self.network(view, *sigma).rot90(-turns, (-2, -1))
                total = total + (restored.flip(-1) if flip else restored)
        return total / 8
