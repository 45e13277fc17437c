"""An operator: a lens that is darker towards the corners of the image."""

from typing import Annotated

import torch
from torch import Tensor

from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.settings import within


@OPERATORS.register("vignette")
class Vignette(LinearOperator):
    """y = v x, elementwise: v is 1 in the centre and falls with the squared distance; self-adjoint.

    Args:
        corner: v in the corners, from 0.01 to 1.

    Examples:
        >>> lens = Vignette(corner=0.5)
        >>> lens(torch.ones(1, 1, 5, 5))[0, 0, 2]
        tensor([0.7500, 0.9375, 1.0000, 0.9375, 0.7500])
        >>> x, y = torch.rand(2, 1, 3, 8, 9)
        >>> torch.allclose((lens(x) * y).sum(), (x * lens.adjoint(y)).sum())
        True
    """

    def __init__(self, corner: Annotated[float, within(0.01, 1)] = 0.3):
        super().__init__()
        self.corner = corner

    def gain(self, x: Tensor) -> Tensor:
        """v, (H, W)."""
        rows, columns = (torch.linspace(-1, 1, side, dtype=x.dtype, device=x.device) for side in x.shape[-2:])
        return 1 - (1 - self.corner) * (rows[:, None] ** 2 + columns**2) / 2

    def forward(self, x: Tensor) -> Tensor:
        return self.gain(x) * x

    def adjoint(self, y: Tensor) -> Tensor:
        return self(y)

    def _invert(self, r: Tensor, weight: Tensor, tolerance: float, iterations: int) -> Tensor:
        return r / (self.gain(r) ** 2 + weight)  # without it, `solve` would use conjugate gradients
