"""Solutions of (K + weight) u = r by conjugate gradients, differentiable by the implicit function theorem."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from imaging.shapes import Measurements, Sigmas

PATIENCE = 10  # iterations on a GPU between two checks whether all images have converged


def _dot(a: Tensor, b: Tensor) -> Tensor:
    """The inner product of each image: (N, 1, 1, 1)."""
    return (a * b).sum(dim=(1, 2, 3), keepdim=True)


@torch.no_grad()
def conjugate_gradients(
    apply: Callable[[Tensor], Tensor],
    r: Measurements,
    tolerance: float,
    iterations: int,
    precondition: Callable[[Tensor], Tensor] = lambda r: r,
) -> Measurements:
    """Solve M u = r for a symmetric positive definite M that treats each image alone.

    Preconditioned conjugate gradients (Hestenes and Stiefel 1952; Golub and Van Loan, "Matrix Computations",
    2013, algorithm 11.5.1). It starts at 0. Each image has its own step lengths and ends on its own.

    Args:
        apply: computes M u.
        r: (N, …), four dimensions, float32 or float64.
        tolerance: of the norm of the residual r - M u, relative to |r|.
        iterations: the largest number of iterations.
        precondition: computes P r for a symmetric positive definite P, the better the nearer it is to M⁻¹.

    Returns:
        u, of r's shape; NaN for an image with a value in r that is not finite.

    Examples:
        >>> u = conjugate_gradients(lambda u: 2 * u, torch.ones(1, 1, 2, 2), 1e-6, 10)
        >>> u.flatten().tolist()
        [0.5, 0.5, 0.5, 0.5]
    """
    u, residual = torch.zeros_like(r), r
    direction = preconditioned = precondition(residual)
    product = _dot(residual, preconditioned)
    goal = tolerance**2 * _dot(r, r)
    for iteration in range(1, iterations + 1):
        active = _dot(residual, residual) > goal
        # An exported graph has no such branch, and the host would wait for a GPU's answer. The steps of
        # images that have ended are 0.
        asks = r.device.type == "cpu" or iteration % PATIENCE == 0
        if asks and not torch.compiler.is_compiling() and not active.any():
            break
        image = apply(direction)
        # An image that has ended keeps its u: its step is 0. `where` also removes its 0 / 0.
        step = torch.where(active, product / _dot(direction, image), 0)
        u += step * direction
        residual = residual - step * image  # not in place: it may be the direction itself, without P
        preconditioned = precondition(residual)
        before, product = product, _dot(residual, preconditioned)
        direction = preconditioned + torch.where(active, product / before, 0) * direction
    return torch.where(goal.isfinite(), u, torch.nan)  # else NaN, which is not above the goal, would vanish


class RegularisedInverse(torch.autograd.Function):
    """u = (K + weight)⁻¹ r for a symmetric positive semidefinite K, by conjugate gradients.

    With the gradient g = dL/du and q = (K + weight)⁻¹ g, from the same iterations,

        dL/dr = q        dL/dweight = -⟨q, u⟩ for each image

    It can be differentiated once. K is constant: there is no gradient with respect to parameters in it.
    Call as `RegularisedInverse.apply(gram, precondition, r, weight, tolerance, iterations)`:

    Args:
        gram: computes K u for u of r's shape.
        precondition: computes P r from (r, weight) for a P near (K + weight)⁻¹.
        r: (N, …), four dimensions, float32 or float64.
        weight: positive, (N, 1, 1, 1), of r's dtype.
        tolerance, iterations: as in `conjugate_gradients`.

    Returns:
        u, of r's shape.
    """

    @staticmethod
    def forward(ctx, gram, precondition, r: Measurements, weight: Sigmas, tolerance: float, iterations: int):
        def inverse(r: Tensor, weight: Tensor) -> Tensor:
            return conjugate_gradients(
                lambda u: gram(u) + weight * u, r, tolerance, iterations, lambda r: precondition(r, weight)
            )

        u = inverse(r, weight)
        ctx.save_for_backward(u, weight)
        ctx.inverse = inverse
        return u

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        u, weight = ctx.saved_tensors
        q = ctx.inverse(g, weight)
        return None, None, q, -_dot(q, u), None, None
