"""Optimisers and learning-rate schedules by name."""

import math

import torch

from imaging.errors import ImagingError
from imaging.tasks import OPTIMIZERS, SCHEDULES
from imaging.tasks.muon import Muon


def _positive(name: str, value: float) -> None:
    if not value > 0 or math.isinf(value):
        raise ImagingError(f"optimizer.{name} is {value}; expected a positive number")


def _share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ImagingError(f"optimizer.{name} is {value}; expected a number in [0, 1)")


def _betas(values: list) -> tuple[float, float]:
    if len(values) != 2 or not all(isinstance(b, int | float) and 0 <= b < 1 for b in values):
        raise ImagingError(f"optimizer.betas is {list(values)}; expected two numbers in [0, 1)")
    return tuple(values)


def _decay(value: float) -> None:
    if not 0 <= value < math.inf:
        raise ImagingError(f"optimizer.weight_decay is {value}; expected 0 or a positive number")


@OPTIMIZERS.register("adam")
def adam(parameters, lr: float = 1e-3, betas: list = (0.9, 0.999), weight_decay: float = 0.0):
    """Adam (Kingma and Ba 2015); with `weight_decay` decoupled as in AdamW."""
    _positive("lr", lr)
    _decay(weight_decay)
    # One kernel for all parameters: a small network's step is bound by the number of calls.
    return torch.optim.AdamW(parameters, lr=lr, betas=_betas(betas), weight_decay=weight_decay, fused=True)


@OPTIMIZERS.register("muon")
def muon(
    parameters,
    lr: float = 1e-3,
    momentum: float = 0.95,
    betas: list = (0.9, 0.999),
    weight_decay: float = 0.0,
):
    """Muon (Jordan et al. 2024) for matrices and convolutions, AdamW for biases and the like; see `Muon`."""
    _positive("lr", lr)
    _share("momentum", momentum)
    _decay(weight_decay)
    return Muon(parameters, lr, momentum, _betas(betas), weight_decay)


@OPTIMIZERS.register("sgd")
def sgd(parameters, lr: float = 0.1, momentum: float = 0.0):
    """Plain gradient descent on mini-batches, with optional heavy-ball momentum."""
    _positive("lr", lr)
    _share("momentum", momentum)
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
    if warmup_steps < 0:
        raise ImagingError(f"schedule.warmup_steps is {warmup_steps}; expected 0 or more")
    if not 0 <= final < math.inf:
        raise ImagingError(f"schedule.final is {final}; expected 0 or a positive number")
    warmup_steps = min(warmup_steps, steps // 10)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        progress = min((step - warmup_steps) / max(1, steps - warmup_steps), 1.0)
        return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
