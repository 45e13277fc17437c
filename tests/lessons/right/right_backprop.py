"""Right solutions of the lesson `backprop`; the name of a function begins with that of its exercise."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import einsum


def linear_backward_by_einsum(x, weight, grad_y):
    """Index notation."""
    return einsum("no,oi->ni", grad_y, weight), einsum("no,ni->oi", grad_y, x), einsum("no->o", grad_y)


def linear_backward_by_loops(x, weight, grad_y):
    """One number at a time."""
    grad_x, grad_weight = torch.zeros_like(x), torch.zeros_like(weight)
    grad_bias = torch.zeros(weight.shape[0])
    for n in range(x.shape[0]):
        for o in range(weight.shape[0]):
            grad_bias[o] += grad_y[n, o]
            for i in range(x.shape[1]):
                grad_x[n, i] += grad_y[n, o] * weight[o, i]
                grad_weight[o, i] += grad_y[n, o] * x[n, i]
    return grad_x, grad_weight, grad_bias


def linear_backward_in_numpy(x, weight, grad_y):
    """NumPy arrays, a list."""
    x, weight, g = x.numpy(), weight.numpy(), grad_y.numpy()
    return [np.dot(g, weight), np.dot(x.T, g).T, g.sum(axis=0, keepdims=True)[0]]


def linear_backward_in_float32(x, weight, grad_y):
    """Half of the digits."""
    x, weight, grad_y = x.float(), weight.float(), grad_y.float()
    return grad_y @ weight, sum(torch.outer(g, row) for g, row in zip(grad_y, x, strict=True)), grad_y.sum(0)


def linear_backward_with_ones(x, weight, grad_y):
    """Sums as products with ones, gradients of copies."""
    x, weight, grad_y = x.clone(), weight.clone(), grad_y.clone()
    grad_bias = (torch.ones(1, len(x), dtype=x.dtype) @ grad_y).squeeze(0)
    grad_weight = (grad_y[:, :, None] * x[:, None, :]).mean(0) * len(x)
    return F.linear(grad_y, weight.t()), grad_weight, grad_bias


def relu_backward_by_where(x, grad_y):
    """torch.where"""
    return torch.where(x > 0, grad_y, 0.0)


def relu_backward_by_a_copy(x, grad_y):
    """Overwrites its own copy only."""
    grad_x = grad_y.clone()
    grad_x[x <= 0] = 0
    return grad_x


def relu_backward_by_the_output(x, grad_y):
    """The sign of the output."""
    return torch.relu(x).sign() * grad_y


def relu_backward_in_numpy(x, grad_y):
    """NumPy arrays."""
    return np.where(np.asarray(x) > 0, np.asarray(grad_y), 0)


def relu_backward_by_heaviside(x, grad_y):
    """A step function."""
    return grad_y * torch.heaviside(x, torch.tensor(0.0, dtype=x.dtype))


def mse_gradients_by_the_other_functions(x, target, w1, b1, w2, b2):
    """Calls the other two."""
    a = F.linear(x, w1, b1)
    h = F.relu(a)
    y = F.linear(h, w2, b2)
    grad_h, grad_w2, grad_b2 = linear_backward_by_einsum(h, w2, 2 * (y - target) / target.numel())
    _, grad_w1, grad_b1 = linear_backward_by_einsum(x, w1, relu_backward_by_where(a, grad_h))
    return grad_w1, grad_b1, grad_w2, grad_b2


def mse_gradients_row_by_row(x, target, w1, b1, w2, b2):
    """A sum over rows, the factor at the end."""
    total = [torch.zeros_like(p) for p in (w1, b1, w2, b2)]
    for row, wanted in zip(x, target, strict=True):
        a = w1 @ row + b1
        h = a.clamp(min=0)
        error = w2 @ h + b2 - wanted
        back = (w2.T @ error) * (a > 0)
        for gradient, part in zip(
            total, (torch.outer(back, row), back, torch.outer(error, h), error), strict=True
        ):
            gradient += part
    return tuple(gradient * 2 / (target.shape[0] * target.shape[1]) for gradient in total)


def mse_gradients_in_float32(x, target, w1, b1, w2, b2):
    """Less precise numbers, an error of the other sign twice."""
    x, target, w1, b1, w2, b2 = (t.to(torch.float32) for t in (x, target, w1, b1, w2, b2))
    a = x @ w1.T + b1
    minus = (target - torch.relu(a) @ w2.T - b2).div(target.numel()).mul(-2)
    back = minus @ w2
    back[a <= 0] = 0
    return back.T @ x, back.sum(0), minus.T @ torch.relu(a), minus.sum(0)
