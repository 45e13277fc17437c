"""Backpropagation by hand: fill in the three functions. README.md has the formulas and the shapes."""

import torch


def linear_backward(x, weight, grad_y):
    """The gradients of a linear layer, y = x Wᵀ + b.

    Args:
        x: the layer's input, (N, d_in).
        weight: W, (d_out, d_in).
        grad_y: the upstream gradient dL/dy, (N, d_out).

    Returns:
        grad_x (N, d_in), grad_weight (d_out, d_in), grad_bias (d_out,).
    """
    raise NotImplementedError


def relu_backward(x, grad_y):
    """The gradient of a ReLU, y = max(x, 0); its derivative at 0 is taken as 0.

    Args:
        x: the input of the ReLU, any shape.
        grad_y: the upstream gradient dL/dy, the same shape.

    Returns:
        grad_x, the same shape.
    """
    raise NotImplementedError


def mse_gradients(x, target, w1, b1, w2, b2):
    """The gradients of the mean squared error of a perceptron with one hidden layer.

    Args:
        x: (N, d_in).
        target: (N, d_out).
        w1, b1: the first layer, (d_hidden, d_in) and (d_hidden,).
        w2, b2: the second layer, (d_out, d_hidden) and (d_out,).

    Returns:
        grad_w1, grad_b1, grad_w2, grad_b2, each of the shape of its parameter.
    """
    raise NotImplementedError
