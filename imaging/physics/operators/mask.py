"""Masks of lost pixels, for inpainting."""

from typing import Annotated

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.images.reading import read_gray
from imaging.physics.by_size import BySize
from imaging.physics.operator import OPERATORS, LinearOperator, Shape
from imaging.randomness import generator
from imaging.settings import Limit, within
from imaging.shapes import Images, Plane

ROWS = Limit(
    "[first, last] with 0 <= first <= last",
    lambda rows: len(rows) == 2 and all(type(row) is int for row in rows) and 0 <= rows[0] <= rows[1],
)


@OPERATORS.register("mask")
class Mask(LinearOperator):
    """y = M x, elementwise, with M = 1 where a pixel is kept and 0 where it is lost; self-adjoint.

    M is equal for all images of one size and for all channels. Exactly one of `rows`, `image` and `lost`
    defines it. `solve` is (M y + weight · z) / (M + weight), elementwise.

    Args:
        rows: [first, last], inclusive, of the lost rows.
        image: path of a mask image of the images' size, or a tensor (H, W), non-zero where a pixel is kept.
        lost: fraction of the pixels, in [0, 1], that are lost at random; the number is rounded.
        seed: of the random pixels.

    Raises:
        ImagingError: a wrong value; in `forward`, a mask that does not fit the images.

    Examples:
        >>> Mask(rows=[1, 2])(torch.ones(1, 1, 4, 2))[0, 0, :, 0]
        tensor([1., 0., 0., 1.])
    """

    photograph = "image and mask"

    def __init__(
        self,
        rows: Annotated[list, ROWS] | None = None,
        image: str | Tensor | None = None,
        lost: Annotated[float, within(0, 1)] | None = None,
        seed: int = 0,
    ):
        super().__init__()
        settings = {"rows": rows, "image": image, "lost": lost}
        names = [name for name, value in settings.items() if value is not None]
        if len(names) != 1:
            has = " and ".join(names) or "none of them"
            raise ImagingError(f"physics.operator 'mask' needs one of rows, image and lost; it has {has}")
        self.rows, self.lost, self.seed = None if rows is None else list(rows), lost, seed
        self.image = read_gray(image, "physics.operator.image") if isinstance(image, str) else image
        self._mask = BySize(self.mask)

    def mask(self, size: tuple[int, ...]) -> Plane:
        """M for images of `size` = (H, W): float32 (H, W) of ones and zeros.

        Raises:
            ImagingError: the mask does not fit this size.
        """
        h, w = size
        if self.image is not None:
            if self.image.shape != (h, w):
                shape = " x ".join(map(str, self.image.shape))
                raise ImagingError(f"physics.operator.image is {shape}, but the images are {h} x {w}")
            return (self.image != 0).float().cpu()
        mask = torch.ones(h, w)
        if self.rows is not None:
            first, last = self.rows
            if last >= h:
                raise ImagingError(f"physics.operator.rows is {self.rows}, but the images have {h} rows")
            mask[first : last + 1] = 0
        else:
            order = torch.randperm(h * w, generator=generator(self.seed, "mask", h, w))
            mask.view(-1)[order[: round(self.lost * h * w)]] = 0
        return mask

    def forward(self, x: Images) -> Images:
        return x * self._mask(x.shape[-2:], x.device, x.dtype)

    def adjoint(self, y: Images) -> Images:
        return self(y)

    def output_shape(self, shape: Shape) -> Shape:
        if self.lost is None:
            self.mask(shape[1:])  # raises for a size that it does not fit
        return shape

    def input_shape(self, shape: Shape) -> Shape:
        return self.output_shape(shape)

    def _invert(self, r: Tensor, weight: Tensor, tolerance: float, iterations: int) -> Tensor:
        return r / (self._mask(r.shape[-2:], r.device, r.dtype) + weight)  # M Mᵀ = M
