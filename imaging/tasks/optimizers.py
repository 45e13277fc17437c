"""Optimisers and learning-rate schedules by name."""

import math

import torch

from imaging.errors import ImagingError
from imaging.tasks import OPTIMIZERS, SCHEDULES
from imaging.tasks.muon import Muon


def _check(setting: str, value, fits: bool, expected: str) -> None:
    if not fits:
        raise ImagingError(f"{setting} is {value}; expected {expected}")


def _check_optimizer(
    lr: float, betas: list = (0.9, 0.999), momentum: float = 0.0, weight_decay: float = 0.0
) -> None:
    _check("optimizer.lr", lr, 0 < lr < math.inf, "a positive number")
    shares = len(betas) == 2 and all(isinstance(b, int | float) and 0 <= b < 1 for b in betas)
    _check("optimizer.betas", list(betas), shares, "two numbers in [0, 1)")
    _check("optimizer.momentum", momentum, 0 <= momentum < 1, "a number in [0, 1)")
    decays = 0 <= weight_decay < math.inf
    _check("optimizer.weight_decay", weight_decay, decays, "0 or a positive number")


@OPTIMIZERS.register("adam")
def adam(parameters, lr: float = 1e-3, betas: list = (0.9, 0.999), weight_decay: float = 0.0):
    """Adam (Kingma and Ba 2015); with `weight_decay` decoupled as in AdamW."""
    _check_optimizer(lr, betas, weight_decay=weight_decay)
    # One kernel for all parameters: a small network's step is bound by the number of calls.
    return torch.optim.AdamW(parameters, lr=lr, betas=tuple(betas), weight_decay=weight_decay, fused=True)


@OPTIMIZERS.register("muon")
def muon(
    parameters,
    lr: float = 1e-3,
    momentum: float = 0.95,
    betas: list = (0.9, 0.999),
    weight_decay: float = 0.0,
):
    """Muon (Jordan et al. 2024) for matrices and convolutions, AdamW for biases and the like; see `Muon`."""
    _check_optimizer(lr, betas, momentum, weight_decay)
    return Muon(parameters, lr, momentum, tuple(betas), weight_decay)


@OPTIMIZERS.register("sgd")
def sgd(parameters, lr: float = 0.1, momentum: float = 0.0):
    """Plain gradient descent on mini-batches, with optional heavy-ball momentum."""
    _check_optimizer(lr, momentum=momentum)
    return torch.optim.SGD(parameters, lr=lr, momentum=momentum, fused=True)


@SCHEDULES.register("constant")
def constant(optimizer, steps: int):
    """The learning rate of the optimiser, unchanged."""
    return


@SCHEDULES.register("cosine")
def cosine(optimizer, steps: int, warmup_steps: int = 0, final: float = 0.0):
    """Linear warm-up, then half a cosine from the full rate to `final` times it at the last step.

    The warm-up takes `warmup_steps`, but in a short training no more than a tenth of its steps.
    """
    _check("schedule.warmup_steps", warmup_steps, warmup_steps >= 0, "0 or more")
    _check("schedule.final", final, 0 <= final < math.inf, "0 or a positive number")
    warmup_steps = min(warmup_steps, steps // 10)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = min((step - warmup_steps) / max(1, steps - warmup_steps), 1.0)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
