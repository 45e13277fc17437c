"""A and n of y = A x + n: forward operators and noise.

To add an operator, add a module that registers a `LinearOperator` in `OPERATORS`.
"""

from imaging.physics.blur import CircularBlur, otf
from imaging.physics.identity import Identity
from imaging.physics.mask import Mask
from imaging.physics.measurement import Physics, build_physics
from imaging.physics.noise import GaussianNoise
from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.physics.psf import PSFS, make_psf

__all__ = [
    "OPERATORS",
    "PSFS",
    "CircularBlur",
    "GaussianNoise",
    "Identity",
    "LinearOperator",
    "Mask",
    "Physics",
    "build_physics",
    "make_psf",
    "otf",
]
