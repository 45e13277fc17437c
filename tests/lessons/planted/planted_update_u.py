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


def only_the_gradients(u, grad_x, z):
    """z forgotten"""
    return u + grad_x


def only_the_split(u, grad_x, z):
    """grad_x forgotten"""
    return u - z


def magnitudes(u, grad_x, z):
    """magnitude of the residual"""
    return u + (grad_x - z).abs()


def everything_reversed(u, grad_x, z):
    """wrong sign"""
    return z - grad_x - u


def summed_over_the_components(u, grad_x, z):
    """sum of the residual"""
    residual = (grad_x - z).sum(0, keepdim=True)
    return u + residual


def z_updated_too(u, grad_x, z):
    """in place on a saved tensor (z)"""
    z.sub_(grad_x)
    return u - z


def gradient_overwritten(u, grad_x, z):
    """in place on a saved tensor (grad_x)"""
    grad_x -= z
    grad_x += u
    return grad_x


def twice(u, grad_x, z):
    """u forgotten and z of the wrong sign"""
    return grad_x + z


def average(u, grad_x, z):
    """multiplied by 0.5|factor 0.5"""
    return (u + grad_x - z) / 2


def replaced_by_z(u, grad_x, z):
    """z where u belongs|u forgotten"""
    return z + grad_x - z


def one_component(u, grad_x, z):
    """wrong only at the last index of dimension 0"""
    new = u.clone()
    new[0] += grad_x[0] - z[0]
    return new


def multiplied_dual(u, grad_x, z):
    """it is +2 u +1 grad_x -1 z"""
    return 2 * u + grad_x - z


def gradients_alone(u, grad_x, z):
    """u forgotten and z forgotten"""
    return grad_x * 1
