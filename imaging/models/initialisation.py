"""Initial weights of convolutional networks, as a function of the seed."""

import math

import torch
from torch import nn

from imaging.randomness import generator


@torch.no_grad()
def initialise_(module: nn.Module, seed: int) -> None:
    """Redraw the weights and biases of all convolutions in `module`, in place.

    Both are U(-b, b) with b = 1/sqrt(fan_in), PyTorch's default (kaiming_uniform_ with a = sqrt(5); He et
    al. 2015). A parameter's values depend only on `seed`, its name and its shape, so that a seed gives the
    same network in every process.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            # PyTorch's definition, also for a transposed convolution.
            fan_in = layer.weight.shape[1] * layer.weight[0, 0].numel()
            for kind, parameter in layer.named_parameters(recurse=False):
                random = generator(seed, "init", f"{name}.{kind}")
                bound = 1 / math.sqrt(fan_in)
                parameter.copy_(torch.empty(parameter.shape).uniform_(-bound, bound, generator=random))
