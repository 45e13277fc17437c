"""Demosaicing by linear interpolation with gradients of the measured colour."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.physics.by_size import BySize
from imaging.physics.operators.mosaic import Mosaic, Pattern
from imaging.shapes import Images, Measurements

# Figure 2 of the paper, times 8: green at red or blue; red (blue) at green in a row, and in a column, of red
# (blue); red (blue) at blue (red).
GREEN = ((0, 0, -1, 0, 0), (0, 0, 2, 0, 0), (-1, 2, 4, 2, -1), (0, 0, 2, 0, 0), (0, 0, -1, 0, 0))
ROW = ((0, 0, 0.5, 0, 0), (0, -1, 0, -1, 0), (-1, 4, 5, 4, -1), (0, -1, 0, -1, 0), (0, 0, 0.5, 0, 0))
OPPOSITE = ((0, 0, -1.5, 0, 0), (0, 2, 0, 2, 0), (-1.5, 0, 6, 0, -1.5), (0, 2, 0, 2, 0), (0, 0, -1.5, 0, 0))


@MODELS.register("malvar")
class Malvar(nn.Module):
    """Bilinear interpolation, corrected by the Laplacian of the colour that is measured in the pixel.

    Malvar, He and Cutler, "High-quality linear interpolation for demosaicing of Bayer-patterned color
    images", ICASSP 2004. Beyond the borders, y is mirrored about its border pixels, which keeps the pattern.

    Args:
        pattern: of the mosaic; see `imaging.physics.operators.mosaic.Mosaic`.
    """

    reach = 2
    multiple = 2
    kernels: Tensor

    def __init__(self, pattern: Pattern = "rggb"):
        super().__init__()
        row = torch.tensor(ROW)
        kernels = torch.stack([torch.tensor(GREEN), row, row.T, torch.tensor(OPPOSITE)])
        self.register_buffer("kernels", kernels[:, None] / 8, persistent=False)
        self._mask = BySize(Mosaic(pattern).mask)

    def forward(self, y: Measurements) -> Images:
        """Estimate x (N, 3, H, W) from the samples (N, 1, H, W)."""
        mirrored = F.pad(y, (2, 2, 2, 2), mode="reflect")
        green, row, column, opposite = F.conv2d(mirrored, self.kernels.to(y.dtype)).split(1, dim=1)
        is_red, is_green, is_blue = self._mask(y.shape[-2:], y.device, torch.bool)

        def interpolated(here: Tensor, there: Tensor) -> Tensor:
            """Red, with `there` the pixels of blue; or blue, with those of red."""
            at_green = torch.where(here.any(dim=-1, keepdim=True), row, column)
            return torch.where(here, y, torch.where(there, opposite, at_green))

        channels = (
            interpolated(is_red, is_blue),
            torch.where(is_green, y, green),
            interpolated(is_blue, is_red),
        )
        return torch.cat(channels, dim=1)
