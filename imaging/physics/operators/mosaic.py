"""The colour filter array of a sensor, for demosaicing."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.errors import ImagingError
from imaging.physics.by_size import BySize
from imaging.physics.operator import OPERATORS, LinearOperator, Shape
from imaging.shapes import Images, Measurements

COLOURS = "rgb"
Pattern = Literal["rggb", "bggr", "grbg", "gbrg"]
# Bilinear interpolation on the samples of red or blue, and on those of green, which are twice as many.
BILINEAR = ((1, 2, 1), (2, 4, 2), (1, 2, 1)), ((0, 1, 0), (1, 4, 1), (0, 1, 0))


@OPERATORS.register("mosaic")
class Mosaic(LinearOperator):
    """y[i, j] = x[c(i, j), i, j]: a sensor with colour filters measures one colour c in each pixel.

    Bayer, US patent 3,971,065, 1976. The image x is RGB, (N, 3, H, W), and y is (N, 1, H, W). The adjoint
    puts each sample into its channel, and 0 into the others. A Aᵀ = 1, so `solve` is elementwise: a mean of
    sample and z, (y + weight · z) / (1 + weight), where a colour was measured, and z elsewhere.

    Args:
        pattern: rggb, bggr, grbg or gbrg: the colours of the pixels (0, 0), (0, 1), (1, 0) and (1, 1), which
            repeat.

    Raises:
        ImagingError: another pattern; in `forward`, images that are not RGB.

    Examples:
        >>> Mosaic()(torch.tensor([0.1, 0.2, 0.3])[None, :, None, None].expand(1, 3, 2, 2))
        tensor([[[[0.1000, 0.2000],
                  [0.2000, 0.3000]]]])
    """

    keeps_shape = False
    photograph = "mosaic"

    def __init__(self, pattern: Pattern = "rggb"):
        super().__init__()
        self.pattern = pattern
        self._mask = BySize(self.mask)

    def mask(self, size: tuple[int, int]) -> Tensor:
        """1 where a colour is measured, else 0: float32 (3, H, W) for images of `size` = (H, W)."""
        mask = torch.zeros(3, *size)
        for position, colour in enumerate(self.pattern):
            row, column = divmod(position, 2)
            mask[COLOURS.index(colour), row::2, column::2] = 1
        return mask

    def forward(self, x: Images) -> Measurements:
        self.output_shape(x.shape[1:])
        red, green, blue = (x * self._mask(x.shape[-2:], x.device, x.dtype)).split(1, dim=1)
        return red + green + blue

    def adjoint(self, y: Measurements) -> Images:
        self.input_shape(y.shape[1:])
        return y * self._mask(y.shape[-2:], y.device, y.dtype)

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] != 3:
            raise ImagingError(
                f"a mosaic is measured of RGB images, and these have channels={shape[0]}: set "
                "data.source.channels=3"
            )
        return 1, *shape[1:]

    def input_shape(self, shape: Shape) -> Shape:
        if shape[0] != 1:
            raise ImagingError(f"a mosaic has one channel, and this measurement has {shape[0]}")
        return 3, *shape[1:]

    def preview(self, y: Measurements) -> Images:
        """y as an RGB image, (N, 3, H, W): the bilinear interpolation of the samples of each colour.

        The samples alone, with 0 elsewhere, would look dark and green: interpolated, they have the colours
        and the brightness of x, and show the artefacts that a better method removes. Near the borders it is
        the weighted mean of the samples that there are.
        """
        mask = self._mask(y.shape[-2:], y.device, y.dtype)[None]
        red, green = torch.tensor(BILINEAR, dtype=y.dtype, device=y.device)
        kernels = torch.stack([red, green, red])[:, None]
        total = F.conv2d(y * mask, kernels, padding=1, groups=3)
        return total / F.conv2d(mask, kernels, padding=1, groups=3).clamp_min(1)

    def _invert(self, r: Tensor, weight: Tensor, tolerance: float, iterations: int) -> Tensor:
        return r / (1 + weight)
