"""The settings of the trainer, the group `conf/trainer`."""

from dataclasses import dataclass, fields
from typing import Annotated, Literal

from imaging.errors import ImagingError
from imaging.registry import checked
from imaging.settings import Count, Limit, Positive, at_least

NOT_SUPPORTED = ("accumulate_grad_batches", "limit_train_batches", "overfit_batches")
Decay = Annotated[float, Limit("a decay between 0 and 1", lambda value: 0 < value < 1)]
CompileMode = Literal["default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"]


@dataclass(frozen=True)
class TrainerSettings:
    """The trainer's settings, except those that are passed to `pl.Trainer` unchanged.

    Args:
        max_epochs, max_steps: length of the training, whichever is shorter; -1: no limit.
        accelerator, devices: as in `pl.Trainer`.
        strategy: "ddp" for one process per device; "auto" uses it for several devices.
        precision: of the training; "auto" is bf16 if that is faster on the device, else float32.
        channels_last: whether the network uses the channels_last memory format.
        compile: whether to use `torch.compile`, or its mode.
        benchmark: let cuDNN choose the fastest convolutions; not with `deterministic`.
        deterministic: whether a GPU must compute the same numbers each time, as a CPU does.
        gradient_clip_val: the largest total norm of the gradients.
        weight_averaging: decay of a moving average of the weights; see `WeightAveraging`.
        time_limit: minutes of training, after which the run saves and stops.
        prune_after, prune_rule, prune_others: see `PruneBelowMedian` and `SuccessiveHalving`.
        log_every_n_steps, val_check_interval, checkpoint_every_n_steps: numbers of optimiser steps.
        val_every_seconds: time between two validations at least: those at a `val_check_interval` that come
            sooner are left out, so that `best.ckpt` depends on the clock. Not with `prune_after`.
        checkpoint_every_seconds: time between two checkpoints, in addition.

    Raises:
        ImagingError: a wrong value, or a training without a limit.
    """

    max_epochs: Annotated[int, at_least(-1)] = 10
    max_steps: Annotated[int, at_least(-1)] = -1
    accelerator: str = "auto"
    devices: int | str | list = 1
    strategy: Literal["auto", "ddp"] = "auto"
    precision: Literal["auto", "float32", "bf16"] = "auto"
    channels_last: bool = True
    compile: bool | CompileMode = False
    benchmark: bool = True
    deterministic: bool = False
    gradient_clip_val: Positive | None = None
    weight_averaging: Decay | None = None
    time_limit: Positive | None = None
    prune_after: Count | None = None
    prune_rule: Literal["median", "halving"] = "median"
    prune_others: Count = 4
    log_every_n_steps: Count = 25
    val_check_interval: Count = 500
    val_every_seconds: Positive | None = None
    checkpoint_every_n_steps: Count = 500
    checkpoint_every_seconds: Positive | None = None

    def __post_init__(self):
        if self.max_epochs == self.max_steps == -1:
            raise ImagingError(
                "trainer.max_epochs and trainer.max_steps are both -1: the training would not end"
            )
        if self.prune_after is not None and self.val_every_seconds is not None:
            raise ImagingError(
                "trainer.prune_after compares validations at the same step, but trainer.val_every_seconds "
                "leaves some out: set only one of them"
            )

    @classmethod
    def of(cls, config: dict) -> tuple["TrainerSettings", dict]:
        """Split a config's `trainer` into the settings of this class and those of `pl.Trainer`.

        Raises:
            ImagingError: a wrong value, or a setting of `pl.Trainer` that blocks of steps do not support.
        """
        for key in NOT_SUPPORTED:
            if key in config:
                raise ImagingError(
                    f"trainer.{key} is not supported: set data.batch_size or trainer.max_steps"
                )
        names = {field.name for field in fields(cls)}
        own = {key: value for key, value in config.items() if key in names}
        return cls(**own), {key: value for key, value in config.items() if key not in names}


checked("trainer", TrainerSettings)
