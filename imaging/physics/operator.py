"""The base class and the registry of forward operators."""

from torch import Tensor, nn

from imaging.registry import Registry
from imaging.shapes import Images

OPERATORS = Registry("physics.operator", "imaging.physics")


class LinearOperator(nn.Module):
    """A in y = A x + n: a linear map between images, and its adjoint.

    A subclass defines `forward` and `adjoint` and registers itself in `OPERATORS`. Its constructor takes
    plain data, as in a config. Both methods take and return (N, C, H, W) of a floating dtype, preserve dtype
    and device, and are differentiable.

    Attributes:
        psf: the point spread function, (kh, kw), or None if the operator has none.
    """

    psf: Tensor | None = None

    def __init__(self):  # nn.Module's takes any arguments, so that a config could not be checked against it
        super().__init__()

    def forward(self, x: Images) -> Tensor:
        """Compute A x."""
        raise NotImplementedError

    def adjoint(self, y: Tensor) -> Tensor:
        """Compute Aᵀ y, with ⟨A x, y⟩ = ⟨x, Aᵀ y⟩."""
        raise NotImplementedError
