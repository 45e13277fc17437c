"""Mistakes in `update_u`; each docstring is what the check must say of it."""


def residual_subtracted(u, grad_x, z):
    """residual of the wrong sign"""
    return u - (grad_x - z)


def only_the_residual(u, grad_x, z):
    """u forgotten"""
    return grad_x - z


def adds_in_place(u, grad_x, z):
    """in place on a saved tensor"""
    u += grad_x - z
    return u


def split_gradients_added(u, grad_x, z):
    """z of the wrong sign"""
    return u + grad_x + z


def half_a_step(u, grad_x, z):
    """residual times 0.5"""
    return u + 0.5 * (grad_x - z)


def returns_nothing(u, grad_x, z):
    """returns nothing"""
    u = u + grad_x - z
