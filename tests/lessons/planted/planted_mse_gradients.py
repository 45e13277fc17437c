"""Mistakes in `mse_gradients`; each docstring is what the check must say of it."""

import torch


def forward(x, w1, b1, w2, b2):
    a = x @ w1.T + b1
    h = torch.relu(a)
    return a, h, h @ w2.T + b2


def backward(x, w2, a, h, g):
    g_h = (g @ w2) * (a > 0)
    return g_h.T @ x, g_h.sum(0), g.T @ h, g.sum(0)


def without_the_two(x, target, w1, b1, w2, b2):
    """factor 2 forgotten"""
    a, h, y = forward(x, w1, b1, w2, b2)
    return backward(x, w2, a, h, (y - target) / y.numel())


def of_the_sum(x, target, w1, b1, w2, b2):
    """sum where the mean belongs"""
    a, h, y = forward(x, w1, b1, w2, b2)
    return backward(x, w2, a, h, 2 * (y - target))


def mean_over_the_rows_only(x, target, w1, b1, w2, b2):
    """mean over the rows only"""
    a, h, y = forward(x, w1, b1, w2, b2)
    return backward(x, w2, a, h, 2 * (y - target) / len(x))


def target_minus_estimate(x, target, w1, b1, w2, b2):
    """wrong sign"""
    a, h, y = forward(x, w1, b1, w2, b2)
    return backward(x, w2, a, h, 2 * (target - y) / y.numel())


def without_the_mask(x, target, w1, b1, w2, b2):
    """mask of the ReLU forgotten (grad_w1, grad_b1)"""
    _, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = g @ w2
    return g_h.T @ x, g_h.sum(0), g.T @ h, g.sum(0)


def first_bias_averaged(x, target, w1, b1, w2, b2):
    """mean where the sum belongs (grad_b1)"""
    a, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = (g @ w2) * (a > 0)
    return g_h.T @ x, g_h.mean(0), g.T @ h, g.sum(0)


def hidden_before_the_relu(x, target, w1, b1, w2, b2):
    """values before the ReLU where those after it belong (grad_w2)"""
    a, _, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = (g @ w2) * (a > 0)
    return g_h.T @ x, g_h.sum(0), g.T @ a, g.sum(0)


def weights_the_other_way(x, target, w1, b1, w2, b2):
    """transposed (grad_w1, grad_w2)"""
    a, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = (g @ w2) * (a > 0)
    return x.T @ g_h, g_h.sum(0), h.T @ g, g.sum(0)


def chain_with_w2_transposed(x, target, w1, b1, w2, b2):
    """w2 transposed (grad_w1, grad_b1)"""
    a, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = (g @ w2.T) * (a > 0)
    return g_h.T @ x, g_h.sum(0), g.T @ h, g.sum(0)


def forward_without_b2(x, target, w1, b1, w2, b2):
    """b2 forgotten"""
    a = x @ w1.T + b1
    h = torch.relu(a)
    y = h @ w2.T
    return backward(x, w2, a, h, 2 * (y - target) / y.numel())


def masked_by_the_gradient(x, target, w1, b1, w2, b2):
    """mask of the upstream gradient's sign (grad_w1, grad_b1)"""
    _, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = torch.relu(g @ w2)
    return g_h.T @ x, g_h.sum(0), g.T @ h, g.sum(0)


def per_sample_and_mean(x, target, w1, b1, w2, b2):
    """divided by the number of rows once more"""
    a, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = (g @ w2) * (a > 0)
    n = len(x)
    return g_h.T @ x / n, g_h.mean(0), g.T @ h / n, g.mean(0)


def root_of_the_loss(x, target, w1, b1, w2, b2):
    """root of the mean squared error"""
    a, h, y = forward(x, w1, b1, w2, b2)
    loss = ((y - target) ** 2).mean().sqrt()
    return backward(x, w2, a, h, (y - target) / y.numel() / loss)


def sum_and_no_two(x, target, w1, b1, w2, b2):
    """factor 2 forgotten and sum where the mean belongs"""
    a, h, y = forward(x, w1, b1, w2, b2)
    return backward(x, w2, a, h, y - target)


def last_layer_first(x, target, w1, b1, w2, b2):
    """returned in another order: grad_w2, grad_b2, grad_w1, grad_b1"""
    a, h, y = forward(x, w1, b1, w2, b2)
    grad_w1, grad_b1, grad_w2, grad_b2 = backward(x, w2, a, h, 2 * (y - target) / y.numel())
    return grad_w2, grad_b2, grad_w1, grad_b1


def target_overwritten(x, target, w1, b1, w2, b2):
    """in place on a saved tensor (target)"""
    a, h, y = forward(x, w1, b1, w2, b2)
    target -= y
    return backward(x, w2, a, h, -2 * target / y.numel())


def last_bias_averaged(x, target, w1, b1, w2, b2):
    """mean where the sum belongs (grad_b2)"""
    a, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    grad_w1, grad_b1, grad_w2, _ = backward(x, w2, a, h, g)
    return grad_w1, grad_b1, grad_w2, g.mean(0)


def inplace_relu_before_the_mask(x, target, w1, b1, w2, b2):
    """mask of the ReLU forgotten"""
    a = x @ w1.T + b1
    h = torch.relu_(a)
    g = 2 * (h @ w2.T + b2 - target) / target.numel()
    return backward(x, w2, h + 1, h, g)


def forward_without_b1(x, target, w1, b1, w2, b2):
    """b1 forgotten"""
    a, h, y = forward(x, w1, torch.zeros_like(b1), w2, b2)
    return backward(x, w2, a, h, 2 * (y - target) / y.numel())


def mask_of_the_inputs_sign(x, target, w1, b1, w2, b2):
    """mask of the wrong sign (grad_w1, grad_b1)"""
    a, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = (g @ w2).masked_fill(a > 0, 0)
    return g_h.T @ x, g_h.sum(0), g.T @ h, g.sum(0)


def biases_over_the_columns(x, target, w1, b1, w2, b2):
    """summed over the wrong dimension (grad_b1, grad_b2)"""
    a, h, y = forward(x, w1, b1, w2, b2)
    g = 2 * (y - target) / y.numel()
    g_h = (g @ w2) * (a > 0)
    return g_h.T @ x, g_h.sum(1), g.T @ h, g.sum(1)


def half_of_the_square(x, target, w1, b1, w2, b2):
    """factor 2 forgotten and mean over the rows only"""
    a, h, y = forward(x, w1, b1, w2, b2)
    return backward(x, w2, a, h, (y - target) / x.shape[0])
