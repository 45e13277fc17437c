"""The single-pixel camera: inner products of an image with random patterns."""

from functools import cached_property
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.by_size import BySize
from imaging.physics.fourier import at_least_single
from imaging.physics.operator import OPERATORS, LinearOperator, Shape
from imaging.randomness import generator
from imaging.settings import Count, list_of
from imaging.shapes import Images, Measurements


@OPERATORS.register("single_pixel")
class SinglePixel(LinearOperator):
    """y_m = ⟨p_m, x⟩ for M random patterns p_m of ±1 / √(H·W), equal for all images and channels.

    Duarte et al. 2008, "Single-pixel imaging via compressive sampling". y is (N, C, 1, M): the list of the M
    numbers that the camera measures in each channel, as an image of one row. Each pattern has norm 1, so that
    y has on average the root mean square of x, and a sigma of the noise means as much as for other operators.
    The patterns are a dense matrix of M · H · W numbers: for small images.

    `solve` has a closed form, with the eigenvectors of A Aᵀ, (M, M), which are computed once.

    Args:
        measurements: M.
        size: [H, W] of the images in pixels.
        seed: of the patterns, which depend on it, the size and M.

    Raises:
        ImagingError: a wrong value; in `forward`, images of another size.

    Examples:
        >>> SinglePixel(measurements=100)(torch.rand(2, 1, 28, 28)).shape
        torch.Size([2, 1, 1, 100])
    """

    keeps_shape = False
    photograph = "none"

    def __init__(
        self,
        measurements: Count = 196,
        size: Annotated[tuple, list_of("[height, width] in pixels", Count, length=2)] = (28, 28),
        seed: int = 0,
    ):
        super().__init__()
        self.measurements, self.size, self.seed = measurements, tuple(size), seed
        self._patterns, self._values, self._vectors = (
            BySize(compute) for compute in (self.patterns, self._eigenvalues, self._eigenvectors)
        )

    def patterns(self, size: tuple[int, int] | None = None) -> Float[Tensor, "m hw"]:
        """The patterns, float64 (M, H·W), each in the order of its rows; `size` is not used."""
        h, w = self.size
        random = generator(self.seed, "single pixel", h, w, self.measurements)
        signs = torch.randint(2, (self.measurements, h * w), generator=random)
        return (2 * signs - 1).double() / (h * w) ** 0.5

    @cached_property
    def _eigen(self) -> tuple[Tensor, Tensor]:
        """The eigenvalues (M,) and eigenvectors (M, M) of A Aᵀ, float64."""
        patterns = self.patterns()
        return tuple(torch.linalg.eigh(patterns @ patterns.T))

    def _eigenvalues(self, size: tuple[int, int]) -> Tensor:
        return self._eigen[0]

    def _eigenvectors(self, size: tuple[int, int]) -> Tensor:
        return self._eigen[1]

    def forward(self, x: Images) -> Measurements:
        self.output_shape(x.shape[1:])
        with torch.autocast(x.device.type, enabled=False):
            real = at_least_single(x)
            patterns = self._patterns(self.size, x.device, real.dtype)
            return (real.flatten(2) @ patterns.T)[:, :, None].to(x.dtype)

    def adjoint(self, y: Measurements) -> Images:
        shape = self.input_shape(y.shape[1:])
        with torch.autocast(y.device.type, enabled=False):
            real = at_least_single(y)
            patterns = self._patterns(self.size, y.device, real.dtype)
            return (real[:, :, 0] @ patterns).reshape(len(y), *shape).to(y.dtype)

    def output_shape(self, shape: Shape) -> Shape:
        c, *size = shape
        if tuple(size) != self.size:
            raise ImagingError(
                "the images are {} x {}, but physics.operator.size is [{},{}]: set it, or data.crop or the "
                "patch sizes, so that they agree".format(*size, *self.size)
            )
        return c, 1, self.measurements

    def input_shape(self, shape: Shape) -> Shape:
        c, *size = shape
        if tuple(size) != (1, self.measurements):
            raise ImagingError(
                f"physics.operator.measurements is {self.measurements}, and one measurement is (C, 1, "
                f"{self.measurements}); this one is {tuple(shape)}"
            )
        return c, *self.size

    def preview(self, y: Measurements) -> Images:
        """The image Aᵀ y · H·W / M, (N, C, H, W): x is its mean over all patterns, for y without noise."""
        h, w = self.size
        return self.adjoint(y) * (h * w / self.measurements)

    def _invert(self, r: Tensor, weight: Tensor, tolerance: float, iterations: int) -> Tensor:
        vectors = self._vectors(self.size, r.device, r.dtype)
        values = self._values(self.size, r.device, r.dtype)
        return ((r @ vectors) / (values + weight)) @ vectors.T
