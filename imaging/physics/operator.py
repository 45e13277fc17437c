"""What every forward operator is, and the table of them."""

from torch import Tensor, nn

from imaging.registry import Registry

OPERATORS = Registry("physics.operator", "imaging.physics")


class LinearOperator(nn.Module):
    """A in y = A x + n: a linear map between images, and its adjoint.

    An operator subclasses this, defines `forward` and `adjoint`, and registers itself in `OPERATORS`;
    its constructor takes plain data, which is what a config can hold. Both methods take and return
    (N, C, H, W) of a floating dtype, keep dtype and device, and are differentiable.

    Attributes:
        psf: the point spread function of an operator that has one, else None.
    """

    psf: Tensor | None = None

    def __init__(self):  # nn.Module's own takes any arguments, which a config could not be checked against
        super().__init__()

    def forward(self, x: Tensor) -> Tensor:
        """A x."""
        raise NotImplementedError

    def adjoint(self, y: Tensor) -> Tensor:
        """Aᵀ y, the map for which ⟨A x, y⟩ = ⟨x, Aᵀ y⟩."""
        raise NotImplementedError
