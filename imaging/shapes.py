"""Shapes of tensors, for annotations: a letter has one value in all arguments and results of a call.

The tests check them (`tests/conftest.py`); elsewhere they cost nothing.
"""

from jaxtyping import Complex, Float
from torch import Tensor

Images = Float[Tensor, "n c h w"]
Measurements = Float[Tensor, "n d k l"]  # y, of another shape than the images or of theirs
PerImage = Float[Tensor, "n"]
Sigmas = Float[Tensor, "n 1 1 1"]  # the standard deviation of each image's noise
Levels = Float[Tensor, "n 1 1 1"]  # the strength of each image's noise
Weight = float | int | Float[Tensor, ""] | Sigmas  # one for all images, or one for each
Plane = Float[Tensor, "h w"]
Psf = Float[Tensor, "kh kw"]
Spectrum = Complex[Tensor, "h w2"]  # of a real image: w2 = w // 2 + 1
