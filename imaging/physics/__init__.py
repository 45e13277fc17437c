"""A and n of y = A x + n: forward operators and noise.

To add an operator or a noise, add a module that registers a `LinearOperator` in `OPERATORS` or a `Noise` in
`NOISES`.
"""

from imaging.physics.blur import Blur, otf
from imaging.physics.downsampling import Downsampling
from imaging.physics.gaussian_noise import GaussianNoise
from imaging.physics.identity import Identity
from imaging.physics.mask import Mask
from imaging.physics.measurement import Physics, build_physics
from imaging.physics.mosaic import Mosaic
from imaging.physics.noise import NOISES, Noise
from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.physics.poisson_noise import PoissonGaussianNoise, PoissonNoise
from imaging.physics.psf import PSFS, make_psf
from imaging.physics.single_pixel import SinglePixel

__all__ = [
    "NOISES",
    "OPERATORS",
    "PSFS",
    "Blur",
    "Downsampling",
    "GaussianNoise",
    "Identity",
    "LinearOperator",
    "Mask",
    "Mosaic",
    "Noise",
    "Physics",
    "PoissonGaussianNoise",
    "PoissonNoise",
    "SinglePixel",
    "build_physics",
    "make_psf",
    "otf",
]
