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


def threshold_without_rho(grad_x, u, lam, rho):
    """rho forgotten"""
    v = grad_x + u
    length = v.norm(dim=0).clamp(min=1e-12)
    return v * (1 - lam / length).clamp(min=0)


def not_cut_at_zero(grad_x, u, lam, rho):
    """max(…, 0) forgotten"""
    v = grad_x + u
    length = v.norm(dim=0).clamp(min=1e-12)
    return v * (1 - lam / rho / length)


def length_of_everything(grad_x, u, lam, rho):
    """length of all of v"""
    v = grad_x + u
    return v * torch.clamp(1 - lam / rho / v.norm(), min=0)


def direction_lost(grad_x, u, lam, rho):
    """its direction is forgotten"""
    v = grad_x + u
    shorter = (v.norm(dim=0) - lam / rho).clamp(min=0)
    return torch.stack([shorter, shorter])


def root_forgotten(grad_x, u, lam, rho):
    """length squared"""
    v = grad_x + u
    length = (v**2).sum(0).clamp(min=1e-12)
    return v * (1 - lam / rho / length).clamp(min=0)


def dual_taken_off_again(grad_x, u, lam, rho):
    """u subtracted at the end"""
    v = grad_x + u
    length = v.norm(dim=0).clamp(min=1e-12)
    return v * (1 - lam / rho / length).clamp(min=0) - u


def projected(grad_x, u, lam, rho):
    """cut at the threshold"""
    v = grad_x + u
    t = lam / rho
    return v / torch.clamp(v.norm(dim=0) / t, min=1)


def magnitude_of_each(grad_x, u, lam, rho):
    """each component on its own and length where the vector belongs"""
    v = grad_x + u
    return torch.relu(v.abs() - lam / rho)


def wrong_axis(grad_x, u, lam, rho):
    """length along the wrong axis"""
    v = grad_x + u
    length = v.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    return v * (1 - lam / rho / length).clamp(min=0)


def softshrink(grad_x, u, lam, rho):
    """each component on its own"""
    return torch.nn.functional.softshrink(grad_x + u, lam / rho)


def quadratic(grad_x, u, lam, rho):
    """square of the length"""
    return (grad_x + u) * rho / (rho + lam)


def product_for_the_threshold(grad_x, u, lam, rho):
    """threshold lam · rho"""
    v = grad_x + u
    length = v.norm(dim=0).clamp(min=1e-12)
    return v * (1 - lam * rho / length).clamp(min=0)


def at_most_one(grad_x, u, lam, rho):
    """max(…, 0) forgotten"""
    v = grad_x + u
    length = v.norm(dim=0).clamp(min=1e-12)
    return v * (1 - lam / rho / length).clamp(max=1)


def unscaled_dual(grad_x, u, lam, rho):
    """u divided by rho"""
    v = grad_x + u / rho
    length = v.norm(dim=0).clamp(min=1e-12)
    return v * (1 - lam / rho / length).clamp(min=0)


def sum_of_magnitudes(grad_x, u, lam, rho):
    """sum of the magnitudes"""
    v = grad_x + u
    length = v.abs().sum(0).clamp(min=1e-12)
    return v * (1 - lam / rho / length).clamp(min=0)
