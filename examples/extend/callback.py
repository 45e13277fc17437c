"""A callback that measures how long the gradient is, every so many steps."""

import torch

from imaging.settings import Count
from imaging.training.callbacks import CALLBACKS
from imaging.training.strategies import EveryStep


@CALLBACKS.register("gradient_norm")
class GradientNorm(EveryStep):
    """Print the norm of the gradient of all weights. `EveryStep` has a hook after each step.

    Args:
        every: number of steps from one line to the next.

    Examples:
        >>> GradientNorm(every=0)
        Traceback (most recent call last):
        imaging.errors.ImagingError: callbacks.every is 0; expected a whole number, from 1 to 2147483647
    """

    def __init__(self, every: Count = 10):
        self.every = every

    def after_step(self, trainer, task, outputs) -> None:
        if trainer.global_step % self.every == 0:
            gradients = [p.grad.flatten() for p in task.parameters() if p.grad is not None]
            print(f"step {trainer.global_step}: gradient {torch.cat(gradients).norm():.2e}")
