"""DnCNN at its published depth, with batch normalisation or the bias-free form of it."""

from typing import Annotated

import torch
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.models.initialisation import initialise_
from imaging.settings import Count, within
from imaging.shapes import Images


class BiasFreeBatchNorm2d(nn.Module):
    """y = weight · x / (std + eps) for each channel, without a mean and without a bias.

    The standard deviation is the batch's in training and the running one in evaluation, in which the module
    is therefore linear. Mohan et al. 2020, "Robust and interpretable blind image denoising via bias-free
    CNNs", section 4, with eps outside the root as in the authors' code.

    Args:
        channels: of x.
        eps, momentum: as in `torch.nn.BatchNorm2d`.
    """

    running_var: Tensor

    def __init__(self, channels: int, eps: float = 1e-5, momentum: float = 0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, eps={self.eps}, momentum={self.momentum}"

    def forward(self, x: Images) -> Images:
        """Normalise (N, channels, H, W)."""
        variance = self.running_var
        if self.training:
            variance = (x if x.dtype == torch.float64 else x.float()).var(dim=(0, 2, 3))
            with torch.no_grad():
                self.running_var.lerp_(variance.to(self.running_var.dtype), self.momentum)
        # A channel may be constant, and the root has no derivative at 0.
        scale = self.weight / ((variance + self.eps**2).sqrt() + self.eps)
        return x * scale.to(x.dtype)[:, None, None]


@MODELS.register("dncnn_deep")
class DeepDnCNN(nn.Module):
    """x_hat = y - net(y), net = conv-ReLU, (depth - 2) times conv-norm-ReLU, conv; all 3×3, zero padding.

    Zhang et al. 2017, "Beyond a Gaussian denoiser": 17 layers for one noise level, 20 for a range. Without
    biases the normalisation is `BiasFreeBatchNorm2d`, and the network is homogeneous in evaluation (Mohan et
    al. 2020, "Robust and interpretable blind image denoising via bias-free CNNs").

    Args:
        channels: of the images.
        depth: number of convolutions.
        hidden_channels: channels between the convolutions.
        bias: whether the convolutions have a bias, and the normalisation a mean and a bias.
        seed: of the initial weights.

    Raises:
        ImagingError: a depth that is not from 3 to 1000, or a number of channels below 1.
    """

    def __init__(
        self,
        channels: Count = 3,
        depth: Annotated[int, within(3, 1000)] = 17,
        hidden_channels: Count = 64,
        bias: bool = True,
        seed: int = 0,
    ):
        super().__init__()
        norm = nn.BatchNorm2d if bias else BiasFreeBatchNorm2d
        self.first = nn.Conv2d(channels, hidden_channels, 3, padding=1, bias=bias)
        self.hidden = nn.ModuleList(
            nn.Conv2d(hidden_channels, hidden_channels, 3, padding=1, bias=bias) for _ in range(depth - 2)
        )
        self.norms = nn.ModuleList(norm(hidden_channels) for _ in range(depth - 2))
        self.last = nn.Conv2d(hidden_channels, channels, 3, padding=1, bias=bias)
        self.reach, self.homogeneous = depth, not bias
        initialise_(self, seed)

    def forward(self, y: Images) -> Images:
        """Restore (N, channels, H, W) of any H and W."""
        features = self.first(y).relu_()
        for convolution, norm in zip(self.hidden, self.norms, strict=True):
            features = norm(convolution(features)).relu_()
        return y - self.last(features)
