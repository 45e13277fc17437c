"""A network: the soft threshold of 3×3 features, with learned filters and thresholds."""

import torch
from torch import Tensor, nn

from imaging.models import MODELS
from imaging.models.initialisation import initialise_
from imaging.settings import Count


@MODELS.register("threshold")
class Threshold(nn.Module):
    """x_hat = W soft(V y), with 3×3 filters V and W and a threshold for each feature.

    Args:
        channels: of an image.
        features: number of filters.
        seed: of the initial filters.

    Examples:
        >>> network = Threshold(channels=1, features=8)
        >>> network(torch.zeros(2, 1, 16, 16)).shape
        torch.Size([2, 1, 16, 16])
    """

    def __init__(self, channels: Count = 3, features: Count = 64, seed: int = 0):
        super().__init__()
        self.analyse = nn.Conv2d(channels, features, 3, padding=1, bias=False)
        self.threshold = nn.Parameter(torch.full((features, 1, 1), 0.01))
        self.combine = nn.Conv2d(features, channels, 3, padding=1, bias=False)
        initialise_(self, seed)  # not from the global generator, so that a run can be repeated

    def forward(self, y: Tensor) -> Tensor:
        features = self.analyse(y)
        return self.combine(features.sign() * (features.abs() - self.threshold).clamp_min(0))
