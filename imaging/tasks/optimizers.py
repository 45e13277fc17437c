"""Optimisers and learning-rate schedules by name."""

import math
from typing import Annotated

import torch

from imaging.settings import NotNegative, Positive, Share, at_least, list_of, within
from imaging.tasks import OPTIMIZERS, SCHEDULES
from imaging.tasks.muon import Muon

Betas = Annotated[list | tuple, list_of("two numbers in [0, 1)", Share, length=2)]


@OPTIMIZERS.register("adam")
def adam(parameters, lr: Positive = 1e-3, betas: Betas = (0.9, 0.999), weight_decay: NotNegative = 0.0):
    """Adam (Kingma and Ba 2015), with the decoupled `weight_decay` of AdamW."""
    # Fused, because the number of calls limits a small network's step.
    return torch.optim.AdamW(parameters, lr=lr, betas=tuple(betas), weight_decay=weight_decay, fused=True)


@OPTIMIZERS.register("muon")
def muon(
    parameters,
    lr: Positive = 1e-3,
    momentum: Share = 0.95,
    betas: Betas = (0.9, 0.999),
    weight_decay: NotNegative = 0.0,
):
    """Muon (Jordan et al. 2024) for matrices and convolutions, AdamW for other parameters; see `Muon`."""
    return Muon(parameters, lr, momentum, tuple(betas), weight_decay)


@OPTIMIZERS.register("sgd")
def sgd(parameters, lr: Positive = 0.1, momentum: Share = 0.0):
    """Stochastic gradient descent, with optional heavy-ball momentum."""
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, fused=True)


@SCHEDULES.register("constant")
def constant(optimizer, steps: int):
    """Keep the learning rate of the optimiser."""
    return


Factor = Annotated[float, within(0, 1)]


@SCHEDULES.register("cosine")
def cosine(
    optimizer,
    steps: int,
    warmup_steps: Annotated[int, at_least(0)] = 0,
    final: Factor = 0.0,
):
    """Linear warm-up, then a half cosine from the full learning rate to `final` times it after the last step.

    Args:
        optimizer: whose learning rate is scheduled.
        steps: length of the training.
        warmup_steps: length of the warm-up; at most a tenth of `steps` is used.
        final: factor of the learning rate after the last step.
    """
    warmup_steps = min(warmup_steps, steps // 10)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = min((step - warmup_steps) / max(1, steps - warmup_steps), 1.0)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
