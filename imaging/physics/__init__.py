"""A and n of y = A x + n: forward operators and noise.

To add an operator or a noise, add a module that registers a `LinearOperator` in `OPERATORS` or a `Noise` in
`NOISES`.
"""

from imaging.physics.measurement import Physics, build_physics
from imaging.physics.noise import NOISES, Noise
from imaging.physics.noises.gaussian import GaussianNoise
from imaging.physics.noises.poisson import PoissonGaussianNoise, PoissonNoise
from imaging.physics.operator import OPERATORS, LinearOperator
from imaging.physics.operators.blur import Blur, otf
from imaging.physics.operators.downsampling import Downsampling
from imaging.physics.operators.identity import Identity
from imaging.physics.operators.mask import Mask
from imaging.physics.operators.mosaic import Mosaic
from imaging.physics.operators.single_pixel import SinglePixel
from imaging.physics.psf import PSFS, make_psf

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
