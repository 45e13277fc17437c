"""The identity operator, for denoising."""

from torch import Tensor

from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.shapes import Images


@OPERATORS.register("identity")
class Identity(LinearOperator):
    """y = x. The operator is self-adjoint, and `solve` is a weighted mean: (y + weight · z) / (1 + weight).

    Examples:
        >>> import torch
        >>> Identity()(torch.ones(1, 3, 8, 8)).shape
        torch.Size([1, 3, 8, 8])
    """

    is_local = True

    def forward(self, x: Images) -> Images:
        return x

    def adjoint(self, y: Images) -> Images:
        return y

    def _invert(self, r: Tensor, weight: Tensor, tolerance: float, iterations: int) -> Tensor:
        return r / (1 + weight)
