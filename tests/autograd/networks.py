"""Random tensors and small networks for the tests of imaging/autograd.py."""

import torch
from torch import nn

from imaging.autograd import Linear, LinearFunction, ReLU, ReLUFunction
from imaging.randomness import generator

linear, relu = LinearFunction.apply, ReLUFunction.apply


def draw(*shape, key="", dtype=torch.float64, grad=True):
    return torch.randn(shape, generator=generator(0, key, str(shape)), dtype=dtype).requires_grad_(grad)


def net(linear_class, relu_class, dtype=torch.float64):
    layers = linear_class(6, 5), relu_class(), linear_class(5, 4), relu_class(), linear_class(4, 6)
    network = nn.Sequential(*layers).to(dtype)
    with torch.no_grad():
        for name, p in network.named_parameters():
            p.copy_(draw(*p.shape, key=name))
    return network


def twins(dtype=torch.float64):
    """The same network on this project's layers and on PyTorch's."""
    return net(Linear, ReLU, dtype), net(nn.Linear, nn.ReLU, dtype)
