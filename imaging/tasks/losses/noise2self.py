"""Learning hidden pixels from the others."""

from typing import Annotated

import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.physics.measurement import Physics
from imaging.settings import at_least
from imaging.tasks import LOSSES
from imaging.tasks.losses import Loss, Step, refuse_operator

NEIGHBOURS = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]  # row and column of 3 x 3


@LOSSES.register("noise2self")
class Noise2Self(Loss):
    """mean |f(y without J) - y|² over J, in each channel a grid that each step shifts at random.

    Batson and Royer, "Noise2Self: blind denoising by self-supervision", ICML 2019, section 3. An element of J
    is replaced by one of its eight neighbours, at random (Krull, Buchholz and Jug, "Noise2Void", CVPR 2019),
    so that f learns to do without the element itself. It needs no sigma; the noise of an element must be
    independent of that of the others, in other channels too. So the other colours of a pixel, which say most
    about the hidden one, stay visible unless their own grid hides them.

    Args:
        every: J has one of so many rows, and of so many columns.
    """

    needs_clean = False

    def __init__(self, every: Annotated[int, at_least(2)] = 4):
        self.every = every

    def check(self, physics: Physics) -> None:
        refuse_operator(physics, "noise2self", "since it hides pixels of y and asks x for them")

    def compute(self, step: Step) -> tuple[Tensor, Tensor]:
        y, every = step.y, self.every
        n, c, h, w = y.shape
        down, across = min(every, h), min(every, w)  # small images have a hidden element, too
        shift = step.integers(down * across, (n, c, 1, 1)).to(y.device)
        rows = (torch.arange(h, device=y.device) % every)[:, None] == shift // across
        columns = torch.arange(w, device=y.device) % every == shift % across
        hidden = rows & columns
        padded, without = F.pad(y, (1, 1, 1, 1), mode="reflect"), y
        chosen = step.integers(len(NEIGHBOURS), (n, c, h, w)).to(y.device)
        for index, (row, column) in enumerate(NEIGHBOURS):
            neighbour = padded[:, :, row : row + h, column : column + w]
            without = torch.where(hidden & (chosen == index), neighbour, without)
        (x_hat,) = step.estimate(without)
        return ((x_hat.float() - y).square() * hidden).sum() / hidden.sum(), x_hat
