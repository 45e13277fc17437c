"""Mistakes in `update_z`; each docstring is what the check must say of it."""

import torch


def each_component_alone(grad_x, u, lam, rho):
    """each component on its own"""
    v = grad_x + u
    return v.sign() * (v.abs() - lam / rho).clamp(min=0)


def threshold_upside_down(grad_x, u, lam, rho):
    """threshold upside down"""
    v = grad_x + u
    length = v.norm(dim=0)
    return v * (1 - rho / lam / length.clamp(min=1e-12)).clamp(min=0)


def hard_threshold(grad_x, u, lam, rho):
    """hard threshold"""
    v = grad_x + u
    return v * (v.square().sum(0).sqrt() > lam / rho)


def without_the_dual(grad_x, u, lam, rho):
    """u forgotten"""
    length = grad_x.norm(dim=0)
    return grad_x * (1 - lam / rho / length.clamp(min=1e-12)).clamp(min=0)


def dual_subtracted(grad_x, u, lam, rho):
    """u of the wrong sign"""
    v = grad_x - u
    length = v.norm(dim=0, keepdim=True)
    return torch.clamp(length - lam / rho, min=0) * v / length.clamp(min=1e-12)


def zero_by_zero(grad_x, u, lam, rho):
    """0 / 0"""
    v = grad_x + u
    length = v.norm(dim=0, keepdim=True)
    return torch.clamp(length - lam / rho, min=0) * v / length
