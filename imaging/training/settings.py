"""The settings of a training, as `conf/trainer` shows them."""

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
    """Settings of the trainer that this project knows; others go to `pl.Trainer` as they are.

    Args:
        max_epochs, max_steps: the length of the training, whichever ends sooner; -1: no limit.
        accelerator, devices: as `pl.Trainer` takes them.
        strategy: "ddp" for a process for each of several devices; "auto" takes it where there are several.
        precision: of the training. "auto" is bf16 where the device has it in hardware, else float32.
        channels_last: memory format of the network.
        compile: whether, or in which mode, `torch.compile` compiles the network.
        benchmark: let cuDNN choose its fastest convolutions.
        gradient_clip_val: the largest norm of all gradients together.
        weight_averaging: decay of a moving average of the weights; see `WeightAveraging`.
        time_limit: minutes of training, after which it is saved and stopped.
        prune_after, prune_others: see `PruneBelowMedian`.
        log_every_n_steps, val_check_interval, checkpoint_every_n_steps: numbers of optimiser steps.

    Raises:
        ImagingError: a value that a setting may not have, or a training without an end.
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
    gradient_clip_val: Positive | None = None
    weight_averaging: Decay | None = None
    time_limit: Positive | None = None
    prune_after: Count | None = None
    prune_others: Count = 4
    log_every_n_steps: Count = 25
    val_check_interval: Count = 500
    checkpoint_every_n_steps: Count = 500

    def __post_init__(self):
        if self.max_epochs == self.max_steps == -1:
            raise ImagingError(
                "trainer.max_epochs and trainer.max_steps are both -1: the training would not end"
            )

    @classmethod
    def of(cls, config: dict) -> tuple["TrainerSettings", dict]:
        """The settings in a config's `trainer`, and what else it has for `pl.Trainer`.

        Raises:
            ImagingError: a wrong value, or a setting of `pl.Trainer` that a block of steps cannot follow.
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
