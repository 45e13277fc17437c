"""Blur by another psf for each training image."""

from typing import Annotated

import torch

from imaging.physics.operator import OPERATORS
from imaging.physics.operators.blur import Blur, Boundary
from imaging.physics.random_psf import random_psfs
from imaging.settings import Limit, within

Odd = Annotated[int, Limit("an odd number from 7 to 63", lambda side: side % 2 == 1 and 7 <= side <= 63)]


@OPERATORS.register("random_blur")
class RandomBlur(Blur):
    """y = h ∗ x, with a random psf h for each training image, and a fixed one in validation and at test.

    Networks that take the operator are told the psf of each image.

    Args:
        psf: of validation and test, a config for `make_psf`.
        boundary: of validation and test, as in `Blur`.
        side: the training's psfs are at most this number of pixels high and wide; see `random_psfs`.
        circular: the fraction of training batches whose blur is circular. Of the others y has only the pixels
            whose neighbourhood lies inside x, as in a photograph.

    Raises:
        ImagingError: a wrong setting.

    Examples:
        >>> from imaging.randomness import generator
        >>> blur = RandomBlur({"name": "digit"}, circular=1)
        >>> blur.draw(2, generator(0))(torch.rand(2, 3, 32, 32)).shape
        torch.Size([2, 3, 32, 32])
    """

    is_random = True

    def __init__(
        self,
        psf: dict,
        boundary: Boundary = "circular",
        side: Odd = 31,
        circular: Annotated[float, within(0, 1)] = 0.25,
    ):
        super().__init__(psf, boundary)
        self.side, self.circular = side, circular
        self.draws_keep_shape = circular == 1

    def draw(self, n: int, generator: torch.Generator, shard: tuple[int, int] = (0, 1)) -> Blur:
        circular = torch.rand((), generator=generator).item() < self.circular
        rank, world_size = shard
        psfs = random_psfs(n * world_size, self.side, generator)[rank::world_size]
        return Blur(psfs, "circular" if circular else "valid")
