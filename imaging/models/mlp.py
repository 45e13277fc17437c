"""Fully connected network with the autograd functions of `imaging.autograd`."""

import itertools
import math
from typing import Annotated

import torch
from torch import Tensor, nn

from imaging.autograd import Linear, ReLU
from imaging.errors import ImagingError
from imaging.models import MODELS
from imaging.randomness import generator
from imaging.settings import Count, Positive, list_of


@MODELS.register("mlp")
class MLP(nn.Module):
    """x_hat = W₃ relu(W₂ relu(W₁ y + b₁) + b₂) + b₃ on flattened images, for any number of hidden layers.

    The defaults are the 784-32-32-784 network of the inpainting protocol.

    Args:
        image_shape: (C, H, W) of the images, in and out.
        hidden: widths of the hidden layers, first to last.
        init_range: all weights and biases are drawn from U(-init_range, init_range); None: each layer from
            U(-1/sqrt(d_in), 1/sqrt(d_in)).
        seed: of the initial weights.

    Raises:
        ImagingError: a setting out of range; in `forward`, images that are not of `image_shape`.

    Examples:
        >>> MLP(image_shape=[1, 28, 28], hidden=[32, 32])(torch.rand(4, 1, 28, 28)).shape
        torch.Size([4, 1, 28, 28])
    """

    def __init__(
        self,
        image_shape: Annotated[list | tuple, list_of("positive [C, H, W]", Count, length=3)] = (1, 28, 28),
        hidden: Annotated[list | tuple, list_of("a list of positive widths", Count)] = (32, 32),
        init_range: Positive | None = 0.1,
        seed: int = 0,
    ):
        super().__init__()
        self.image_shape = tuple(image_shape)
        n = math.prod(image_shape)
        widths = [n, *hidden, n]
        layers = []
        for k, (d_in, d_out) in enumerate(itertools.pairwise(widths)):
            random = generator(seed, "init", "mlp", k)
            layers += [Linear(d_in, d_out, init_range=init_range, generator=random), ReLU()]
        self.layers = nn.Sequential(*layers[:-1])

    def forward(self, y: Tensor) -> Tensor:
        """Restore (N, C, H, W), with (C, H, W) = image_shape."""
        if y.dim() != 4 or y.shape[1:] != torch.Size(self.image_shape):
            expected = ", ".join(map(str, self.image_shape))
            raise ImagingError(f"this mlp takes images of shape (N, {expected}); got {tuple(y.shape)}")
        return self.layers(y.flatten(1)).reshape(y.shape)
