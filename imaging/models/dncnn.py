"""DnCNN, a denoiser that predicts the noise."""

from itertools import pairwise
from typing import Annotated

from torch import nn

from imaging.models import MODELS
from imaging.models.initialisation import initialise_
from imaging.settings import Count, within
from imaging.shapes import Images


@MODELS.register("dncnn")
class DnCNN(nn.Module):
    """x_hat = y - net(y), net = conv-ReLU, (depth - 2) times conv-ReLU, conv; all 3×3, zero padding.

    Zhang et al. 2017, "Beyond a Gaussian denoiser", without batch normalisation. Without biases it is
    homogeneous, f(α y) = α f(y) for α >= 0, and generalises to noise levels outside those of the training
    (Mohan et al. 2020, "Robust and interpretable blind image denoising via bias-free CNNs").

    Args:
        channels: of the images.
        depth: number of convolutions.
        hidden_channels: channels between the convolutions.
        bias: whether the convolutions have a bias.
        seed: of the initial weights.

    Raises:
        ImagingError: a depth that is not from 2 to 1000, or a number of channels below 1.

    Examples:
        >>> import torch
        >>> DnCNN(hidden_channels=32, bias=False)(torch.rand(1, 3, 20, 30)).shape
        torch.Size([1, 3, 20, 30])
    """

    def __init__(
        self,
        channels: Count = 3,
        depth: Annotated[int, within(2, 1000)] = 5,
        hidden_channels: Count = 64,
        bias: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        widths = [channels, *[hidden_channels] * (depth - 1), channels]
        layers = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1, bias=bias), nn.ReLU(inplace=True)]
        self.net = nn.Sequential(*layers[:-1])
        self.reach, self.homogeneous = depth, not bias
        initialise_(self, seed)

    def forward(self, y: Images) -> Images:
        """Restore (N, channels, H, W) of any H and W."""
        return y - self.net(y)
