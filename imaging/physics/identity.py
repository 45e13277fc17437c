"""The identity operator, for denoising."""

from torch import Tensor

from imaging.physics.operator import OPERATORS, LinearOperator


@OPERATORS.register("identity")
class Identity(LinearOperator):
    """y = x. The operator is self-adjoint.

    Example:
        >>> import torch
        >>> Identity()(torch.ones(1, 3, 8, 8)).shape
        torch.Size([1, 3, 8, 8])
    """

    def forward(self, x: Tensor) -> Tensor:
        return x

    def adjoint(self, y: Tensor) -> Tensor:
        return y
