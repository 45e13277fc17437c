"""Mistakes in `relu_backward`; each docstring is what the check must say of it."""

import torch


def passes_where_negative(x, grad_y):
    """mask of the wrong sign"""
    return grad_y * (x < 0)


def passes_at_zero(x, grad_y):
    """derivative at 0 is not 0"""
    return torch.where(x >= 0, grad_y, torch.zeros_like(grad_y))


def only_the_mask(x, grad_y):
    """upstream gradient forgotten"""
    return (x > 0).to(x.dtype)


def overwrites_upstream(x, grad_y):
    """in place on a saved tensor"""
    grad_y[x <= 0] = 0
    return grad_y


def relu_of_the_upstream(x, grad_y):
    """mask of the upstream gradient's sign"""
    return torch.relu(grad_y)


def times_the_output(x, grad_y):
    """value of the ReLU where its derivative belongs"""
    return grad_y * torch.relu(x)


def clamps_the_saved_input(x, grad_y):
    """in place on a saved tensor"""
    y = x.clamp_(min=0)
    return grad_y * (y > 0)


def sign_for_the_step(x, grad_y):
    """sign of x"""
    return grad_y * torch.sign(x)


def leaky(x, grad_y):
    """slope 0.01 where 0 belongs"""
    return torch.where(x > 0, grad_y, 0.01 * grad_y)


def selects_only(x, grad_y):
    """shape ("""
    return grad_y[x > 0]


def forward_again(x, grad_y):
    """upstream gradient forgotten and value of the ReLU where its derivative belongs"""
    return torch.maximum(x, torch.zeros_like(x))


def one_minus_the_mask(x, grad_y):
    """mask of the wrong sign"""
    mask = (x > 0).double()
    return (1 - mask) * grad_y


def boolean(x, grad_y):
    """upstream gradient forgotten"""
    return x > 0


def python_if(x, grad_y):
    """ValueError|Boolean value of Tensor"""
    if x > 0:
        return grad_y
    return torch.zeros_like(x)


def input_where_negative(x, grad_y):
    """x where 0 belongs"""
    return torch.where(x > 0, grad_y, x)


def sign_of_the_product(x, grad_y):
    """mask of the sign of x times the upstream gradient"""
    return grad_y * (x * grad_y > 0)


def nonzero(x, grad_y):
    """mask where x is not 0"""
    return grad_y * (x != 0)


def all_of_it(x, grad_y):
    """mask forgotten"""
    return grad_y


def relu_of_the_product(x, grad_y):
    """x where|value of the ReLU|product"""
    return (x * grad_y).clamp(min=0)
