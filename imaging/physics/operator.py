"""The base class and the registry of forward operators."""

from typing import Literal

import torch
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.physics.conjugate_gradients import RegularisedInverse
from imaging.registry import Registry
from imaging.shapes import Images, Measurements, Sigmas, Weight

OPERATORS = Registry("physics.operator", "imaging.physics.operators")
Shape = tuple[int, ...]  # (C, H, W)
Photograph = Literal["image", "mosaic", "image and mask", "none"]


class LinearOperator(nn.Module):
    """A in y = A x + n: a linear map from images x to measurements y, and what is needed to invert it.

    x is (N, C, H, W). y has four dimensions too, the first of which is N; it may have other channels and
    another size. A subclass defines `forward` and `adjoint` and registers itself in `OPERATORS`. If y has
    another shape than x it also defines `output_shape`, `input_shape` and `preview`.
    Its constructor takes plain data, as in a config. All methods that take tensors preserve dtype and device,
    treat each image of a batch alone, and are differentiable.

    Attributes:
        psf: the point spread function, (kh, kw), or None if the operator has none.
        keeps_shape: whether y has the shape of x, for any x.
        is_random: whether `draw` draws another operator for each training batch.
        draws_keep_shape: whether `keeps_shape` holds for all of them.
        is_local: whether a part of y is the measurement of a part of x, so that y can be cut into patches.
        photograph: what a photograph must be to be a y of this operator: "image", an ordinary gray or RGB
            image; "mosaic", the raw samples of a sensor with colour filters, one channel; "image and mask",
            an image and the mask of its pixels; "none": y is not a photograph.
    """

    psf: Tensor | None = None
    keeps_shape: bool = True
    is_random: bool = False
    draws_keep_shape: bool = True
    is_local: bool = False
    photograph: Photograph = "image"

    def __init__(self):  # nn.Module's takes any arguments, so that a config could not be checked against it
        super().__init__()

    def draw(self, n: int, generator: torch.Generator, shard: tuple[int, int] = (0, 1)) -> "LinearOperator":
        """The operator of a training batch.

        Args:
            n: number of images.
            generator: the only source of randomness, on the CPU.
            shard: (rank, world size): the operator of every world-size-th image of n · world size, from image
                `rank` on.
        """
        return self

    def forward(self, x: Images) -> Measurements:
        """Compute A x."""
        raise NotImplementedError

    def adjoint(self, y: Measurements) -> Images:
        """Compute Aᵀ y, with ⟨A x, y⟩ = ⟨x, Aᵀ y⟩.

        Raises:
            ImagingError: the operator does not define it.
        """
        raise ImagingError(f"the operator {type(self).__name__} has no adjoint, which is needed: define it")

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one measurement y.

        Args:
            shape: (C, H, W) of one image x.

        Raises:
            ImagingError: the operator does not take images of this shape.
        """
        return shape

    def input_shape(self, shape: Shape) -> Shape:
        """The shape (C, H, W) of one image x.

        Args:
            shape: of one measurement y, without the dimension of the batch.

        Raises:
            ImagingError: the operator has no measurements of this shape.
        """
        return shape

    def preview(self, y: Measurements) -> Images:
        """y as an image of x's shape, (N, C, H, W), in the units of x, not clipped.

        It shows y to a person, and it is the simplest estimate of x: the baseline of tables and curves, and
        what a network gets that expects images.
        """
        return y

    def visible(self, x: Images) -> Tensor:
        """The part of x that y shows, for a y that is a photograph: all of it, unless y is smaller than x."""
        return x

    def solve(
        self,
        y: Measurements,
        z: Images,
        weight: Weight,
        tolerance: float = 1e-6,
        iterations: int = 1000,
    ) -> Images:
        """The minimiser over x of |A x - y|² + weight · |x - z|², the proximal map of the data term.

        x = z + Aᵀ (A Aᵀ + weight)⁻¹ (y - A z). Operators for which A Aᵀ can be inverted in closed form do so
        and ignore `tolerance` and `iterations`; others use conjugate gradients. Computed in float64 for
        float64, else in float32, without autocast. Differentiable once with respect to y, z and weight, by
        implicit differentiation where there is no closed form; a second derivative raises an error there.

        Args:
            y: measurements.
            z: (N, C, H, W), the images near which x lies.
            weight: positive: a number, a scalar tensor, or a tensor (N, 1, 1, 1) with one for each image.
            tolerance: the iterations of an image end when the residual of (A Aᵀ + weight) u = y - A z is at
                most this fraction of |y - A z|. x is then within tolerance · |y - A z| / (2 √weight) of the
                minimiser, rounding aside.
            iterations: at most this number of iterations. If it is reached, the result is the last iterate.

        Returns:
            x, (N, C, H, W), in z's dtype.

        Raises:
            ImagingError: the weight is a number that is not positive.
        """
        if not isinstance(weight, Tensor) and not weight > 0:
            raise ImagingError(f"the weight of a solve is {weight}; expected a positive number")
        precision = torch.float64 if z.dtype == torch.float64 else torch.float32
        with torch.autocast(z.device.type, enabled=False):
            weights = torch.as_tensor(weight, dtype=precision, device=z.device).reshape(-1, 1, 1, 1)
            weights = weights.expand(len(z), 1, 1, 1)
            return self._solve(y.to(precision), z.to(precision), weights, tolerance, iterations).to(z.dtype)

    def _solve(self, y: Tensor, z: Tensor, weight: Sigmas, tolerance: float, iterations: int) -> Tensor:
        """`solve` for tensors of one dtype, float32 or float64, and weights (N, 1, 1, 1)."""
        return z + self.adjoint(self._invert(y - self(z), weight, tolerance, iterations))

    def _invert(self, r: Tensor, weight: Sigmas, tolerance: float, iterations: int) -> Tensor:
        """(A Aᵀ + weight)⁻¹ r for r of y's shape; a subclass that has a closed form overrides it."""
        return RegularisedInverse.apply(self._gram, self._precondition, r, weight, tolerance, iterations)

    def _precondition(self, r: Tensor, weight: Sigmas) -> Tensor:
        """An approximation of `_invert`, symmetric and positive definite, for fewer iterations."""
        return r

    def _gram(self, r: Tensor) -> Tensor:
        return self(self.adjoint(r))
