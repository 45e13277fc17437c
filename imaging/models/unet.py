"""A U-Net for restoring images."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from imaging.errors import ImagingError
from imaging.models import MODELS
from imaging.models.initialisation import initialise_
from imaging.settings import Count
from imaging.shapes import Images

# Pixels of periodic padding at each border for a circular network. Padding once, at the input, adds an
# eighth to a 128×128 patch; padding_mode="circular" in every convolution takes 80 % more time. Twice the
# margin gains about 0.02 dB.
MARGIN = 4


@MODELS.register("unet")
class UNet(nn.Module):
    """x_hat = y + net(y), net an encoder and a decoder with skip connections.

    Each level has two 3×3 convolutions with ReLU. A strided 2×2 convolution halves the resolution and doubles
    the channels; a transposed one reverses it. After Ronneberger et al. 2015, "U-Net", with padded
    convolutions, a predicted residual, and strided convolutions in place of pooling.

    Args:
        channels: of the images.
        hidden_channels: channels at full resolution.
        levels: number of resolutions; 1 is a plain convolutional network.
        bias: whether the convolutions have a bias; without, f(α y) = α f(y) for α >= 0.
        padding: "zeros", or "circular" for periodic images, such as circularly blurred ones.
        residual: whether net's output is added to y, or is x_hat itself.
        inputs: channels of y; None: `channels`. Other values need residual=False.
        seed: of the initial weights.

    Raises:
        ImagingError: a number below 1, an unknown padding, or `inputs` that differ with residual=True.

    Examples:
        >>> UNet(hidden_channels=8)(torch.rand(1, 3, 21, 30)).shape
        torch.Size([1, 3, 21, 30])
    """

    def __init__(
        self,
        channels: Count = 3,
        hidden_channels: Count = 32,
        levels: Count = 3,
        bias: bool = False,
        padding: Literal["zeros", "circular"] = "circular",
        residual: bool = True,
        inputs: Count | None = None,
        seed: int = 0,
    ):
        super().__init__()
        inputs = channels if inputs is None else inputs
        if residual and inputs != channels:
            raise ImagingError(
                f"model.inputs is {inputs}; with residual=true expected {channels}, as channels"
            )
        self.multiple = 2 ** (levels - 1)
        self.circular, self.residual, self.homogeneous = padding == "circular", residual, not bias
        # Two convolutions down and two up on each level, and the 2×2 convolutions between levels. Periodic
        # padding reaches around the image.
        self.reach = None if self.circular else 6 * self.multiple + 4 * (self.multiple - 1)

        widths = [hidden_channels * 2**level for level in range(levels)]
        finer, coarser = widths[:-1], widths[1:]
        self.encoder = nn.ModuleList(
            Convolutions(before, after, bias)
            for before, after in zip([inputs, *coarser], widths, strict=True)
        )
        self.down = nn.ModuleList(
            nn.Conv2d(fine, coarse, 2, stride=2, bias=bias)
            for fine, coarse in zip(finer, coarser, strict=True)
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(coarse, fine, 2, stride=2, bias=bias)
            for fine, coarse in zip(finer, coarser, strict=True)
        )
        self.decoder = nn.ModuleList(Convolutions(2 * fine, fine, bias) for fine in finer)
        self.last = nn.Conv2d(hidden_channels, channels, 1, bias=bias)
        initialise_(self, seed)

    def forward(self, y: Float[Tensor, "n inputs h w"]) -> Images:
        """Restore (N, inputs, H, W) of any H and W: (N, channels, H, W)."""
        (h, w), margin = y.shape[-2:], MARGIN if self.circular else 0
        features = self._pad(y, margin)
        skips = []
        for encoder, down in zip(self.encoder, [*self.down, None], strict=True):
            features = encoder(features)
            if down is not None:
                skips.append(features)
                features = down(features)
        for decoder, up, skip in reversed(list(zip(self.decoder, self.up, skips, strict=True))):
            features = decoder(torch.cat([up(features), skip], dim=1))
        x_hat = self.last(features)[..., margin : margin + h, margin : margin + w]
        return y + x_hat if self.residual else x_hat

    def _pad(self, y: Tensor, margin: int) -> Tensor:
        """Pad y by `margin` on every side, and to a multiple of the coarsest pixel.

        The padding repeats the image (circular) or its border (zeros). By index, because F.pad cannot add
        more pixels than the image has.
        """
        for dim in (-2, -1):
            size = y.shape[dim]
            total = -(-(size + 2 * margin) // self.multiple) * self.multiple
            if total > size:
                index = torch.arange(-margin, total - margin, device=y.device)
                index = index % size if self.circular else index.clamp(0, size - 1)
                y = y.index_select(dim, index)
        return y


class Convolutions(nn.Sequential):
    """Two 3×3 convolutions, each with ReLU, from (N, before, H, W) to (N, after, H, W)."""

    def __init__(self, before: int, after: int, bias: bool):
        super().__init__(
            nn.Conv2d(before, after, 3, padding=1, bias=bias),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, padding=1, bias=bias),
            nn.ReLU(inplace=True),
        )
