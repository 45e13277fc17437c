"""Mistakes in `linear_backward`; each docstring is what the check must say of it."""

import torch


def weight_by_x_times_grad(x, weight, grad_y):
    """transposed (grad_weight)"""
    grad_x = grad_y @ weight
    grad_weight = x.T @ grad_y
    grad_bias = grad_y.sum(dim=0)
    return grad_x, grad_weight, grad_bias


def bias_summed_over_the_features(x, weight, grad_y):
    """summed over the wrong dimension (grad_bias)"""
    return grad_y @ weight, grad_y.T @ x, grad_y.sum(dim=1)


def bias_averaged(x, weight, grad_y):
    """mean where the sum belongs (grad_bias)"""
    return grad_y @ weight, grad_y.T @ x, grad_y.mean(0)


def weight_without_upstream(x, weight, grad_y):
    """upstream gradient forgotten (grad_weight)"""
    local = torch.ones_like(grad_y)
    return grad_y.mm(weight), local.T.mm(x), grad_y.sum(0)


def product_with_the_transposed_weight(x, weight, grad_y):
    """weight transposed (grad_x)"""
    grad_x = grad_y @ weight.T
    return grad_x, grad_y.T @ x, grad_y.sum(0)


def transposed_in_place(x, weight, grad_y):
    """in place on a saved tensor"""
    grad_x = grad_y @ weight
    grad_bias = grad_y.sum(0)
    grad_weight = grad_y.t_() @ x
    return grad_x, grad_weight, grad_bias


def all_divided_by_the_rows(x, weight, grad_y):
    """mean where the sum belongs (grad_weight, grad_bias)"""
    n = x.shape[0]
    return grad_y @ weight, grad_y.T @ x / n, grad_y.sum(0) / n


def parameters_first(x, weight, grad_y):
    """returned in another order"""
    return grad_y.T @ x, grad_y.sum(0), grad_y @ weight


def bias_as_a_row(x, weight, grad_y):
    """an additional dimension (grad_bias)"""
    return grad_y @ weight, grad_y.T @ x, grad_y.sum(0, keepdim=True)


def bias_counts_the_rows(x, weight, grad_y):
    """upstream gradient forgotten (grad_bias)"""
    n = grad_y.shape[0]
    return grad_y @ weight, grad_y.T @ x, n * torch.ones(weight.shape[0])


def loop_that_overwrites(x, weight, grad_y):
    """only the last row (grad_weight)"""
    for row, g in zip(x, grad_y, strict=True):
        grad_weight = torch.outer(g, row)
    return grad_y @ weight, grad_weight, grad_y.sum(0)


def bias_per_row(x, weight, grad_y):
    """not summed over the rows (grad_bias)"""
    return torch.mm(grad_y, weight), torch.mm(grad_y.T, x), grad_y


def two_mistakes(x, weight, grad_y):
    """transposed (grad_weight); summed over the wrong dimension (grad_bias)"""
    return grad_y @ weight, x.T @ grad_y, grad_y.sum(-1)


def without_bias(x, weight, grad_y):
    """returns 2 values; expected 3"""
    return grad_y @ weight, grad_y.T @ x


def input_gradient_transposed(x, weight, grad_y):
    """transposed (grad_x)"""
    return weight.T @ grad_y.T, grad_y.T @ x, grad_y.sum(0)


def bias_as_one_number(x, weight, grad_y):
    """summed over everything (grad_bias)"""
    return grad_y @ weight, grad_y.T @ x, grad_y.sum()


def squeezed(x, weight, grad_y):
    """a batch of one"""
    return grad_y @ weight, grad_y.T @ x, grad_y.squeeze(0).sum(0)


def subtracted(x, weight, grad_y):
    """wrong sign (grad_weight, grad_bias)"""
    return grad_y @ weight, -grad_y.T @ x, -grad_y.sum(0)


def elementwise(x, weight, grad_y):
    """RuntimeError"""
    return grad_y * weight, grad_y.T @ x, grad_y.sum(0)


def input_gradient_averaged(x, weight, grad_y):
    """divided by d_out (grad_x)"""
    return grad_y @ weight / weight.shape[0], grad_y.T @ x, grad_y.sum(0)


def ones_for_the_upstream(x, weight, grad_y):
    """upstream gradient forgotten (grad_x, grad_weight, grad_bias)"""
    n = x.shape[0]
    grad_x = weight.sum(0).repeat(n, 1)
    grad_weight = x.sum(0).repeat(weight.shape[0], 1)
    return grad_x, grad_weight, torch.full((weight.shape[0],), float(n))
