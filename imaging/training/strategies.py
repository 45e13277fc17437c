"""The fast loop: Lightning strategies that take all optimiser steps of a block in one iteration of its loop.

Lightning's loop and hooks take a few milliseconds, many times a small network's step; here they run once per
block. The results of a run do not depend on the blocks, and the weights equal those of `pl.Trainer` without
these strategies.
"""

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.accelerators import AcceleratorRegistry
from pytorch_lightning.strategies import DDPStrategy, SingleDeviceStrategy, Strategy
from torch import Tensor

from imaging.data.loader import BatchLoader
from imaging.training.blocks import in_blocks
from imaging.training.lightning import count_step, step_counter, validate_next


class EveryStep(pl.Callback):
    """A callback with a hook after each optimiser step; `on_train_batch_end` runs once per block."""

    def after_step(self, trainer: pl.Trainer, task: pl.LightningModule, outputs: dict) -> None:
        """Read or change the task after an optimiser step.

        Args:
            trainer, task: the trainer and its module.
            outputs: the result of the task's `training_step`.
        """
        raise NotImplementedError

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if not isinstance(trainer.strategy, StepsInBlocks):  # which calls `after_step` itself
            self.after_step(trainer, task, outputs)


class StepsInBlocks(Strategy):
    """The base class of the strategies for one device and for several.

    The task's `training_step` must return a dict with `loss`, and its `configure_optimizers` one optimiser,
    and at most one schedule, which advances with each step.

    Args:
        clip: the largest total norm of the gradients; None: no limit.
        pauses: a block ends at each step that is a multiple of one of these numbers.
        should_stop: called after each step; returns whether to end the block.
        validation_pause: the least number of seconds from the end of a validation to the next one, which
            is at a multiple of the trainer's `val_check_interval`; None: at each.
        compiled: whether the network is compiled. The short last batch of an epoch is not: it would cost a
            compilation of its own.
    """

    def __init__(
        self,
        *arguments,
        clip: float | None = None,
        pauses: tuple[int, ...] = (),
        should_stop: Callable[[], bool] = lambda: False,
        validation_pause: float | None = None,
        compiled: bool = False,
        **settings,
    ):
        super().__init__(*arguments, **settings)
        self.clip, self.pauses, self.should_stop = clip, pauses, should_stop
        self.validation_pause, self.compiled = validation_pause, compiled

    def connect(self, model: pl.LightningModule) -> None:
        model.automatic_optimization = False  # Lightning's takes one step in each iteration
        super().connect(model)

    def process_dataloader(self, dataloader: object) -> object:
        """Load training batches in blocks, from the trainer's current step to its last."""
        if not isinstance(dataloader, BatchLoader):
            return dataloader
        trainer = self.lightning_module.trainer
        self.steps_per_epoch = len(dataloader.sampler)
        self.samples_per_step = dataloader.sampler.batch_size // trainer.world_size
        stop = trainer.max_steps if trainer.max_steps != -1 else None
        interval = trainer.val_check_interval
        pauses = [*self.pauses, *([interval] if isinstance(interval, int) else [])]
        return in_blocks(dataloader, trainer.global_step, stop, tuple(pauses))

    def training_step(self, block: dict[str, Tensor], block_idx: int) -> dict:
        """Take the optimiser steps of a block, `{"index": (K, N), "image": (K, N, C, H, W)}`.

        Returns:
            the last outputs.
        """
        if self.compiled and block["index"].shape[1] < self.samples_per_step:
            with torch.compiler.set_stance("force_eager"):
                return self._steps(block)
        return self._steps(block)

    def _steps(self, block: dict[str, Tensor]) -> dict:
        """What `training_step` does."""
        task, trainer, (optimizer,) = self.lightning_module, self.lightning_module.trainer, self.optimizers
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        schedules = [config.scheduler for config in self.lr_scheduler_configs]
        callbacks = [c for c in trainer.callbacks if isinstance(c, EveryStep)]  # type: ignore[attr-defined]
        counter, interval = step_counter(trainer), trainer.val_check_interval
        validate_next(trainer, False)
        for position in range(len(block["index"])):
            batch = {key: values[position] for key, values in block.items()}
            outputs: Any = super().training_step(batch, counter.total.completed % self.steps_per_epoch)
            for parameter in parameters:
                parameter.grad = None
            self.compute_gradients(outputs["loss"])
            task.configure_gradient_clipping(optimizer, self.clip)
            optimizer.step()
            for schedule in schedules:
                schedule.step()
            count_step(counter)
            if isinstance(interval, int) and counter.total.completed % interval == 0:
                validate_next(trainer, self.is_time_to_validate())
            for callback in callbacks:
                callback.after_step(trainer, task, outputs)
            if self.is_to_stop(counter.total.completed):
                break
        return outputs

    def on_train_start(self) -> None:
        super().on_train_start()
        self.validated_at = time.monotonic()

    def on_validation_end(self) -> None:
        super().on_validation_end()
        self.validated_at = time.monotonic()

    def is_time_to_validate(self) -> bool:
        """Whether `validation_pause` is over, on one of the ranks."""
        if self.validation_pause is None:
            return True
        is_over = time.monotonic() >= self.validated_at + self.validation_pause
        return self.reduce_boolean_decision(is_over, all=False)

    def compute_gradients(self, loss: Tensor) -> None:
        """Run the backward pass."""
        self.backward(loss, None)

    def is_to_stop(self, step: int) -> bool:
        """Whether to end the block after `step` optimiser steps in all."""
        return self.should_stop()


class BlocksOnOneDevice(StepsInBlocks, SingleDeviceStrategy):
    """Lightning's strategy for one device, in blocks."""

    def compute_gradients(self, loss: Tensor) -> None:
        loss.backward()  # without Lightning's hooks, which take a tenth of a small network's step


class BlocksOnSeveralDevices(StepsInBlocks, DDPStrategy):
    """Lightning's strategy for several processes, in blocks.

    The processes must stop after the same step; they agree on it at every `log_every_n_steps`-th step.
    """

    def is_to_stop(self, step: int) -> bool:
        interval = self.lightning_module.trainer.log_every_n_steps  # type: ignore[attr-defined]
        return step % interval == 0 and self.reduce_boolean_decision(self.should_stop(), all=False)


def choose_strategy(
    accelerator: str,
    devices: int | str | list,
    several: bool,
    **settings,
) -> StepsInBlocks:
    """The strategy for the devices of a training.

    Args:
        accelerator: Lightning's name for the kind of device, e.g. "cpu" or "cuda".
        devices: number or indices of the devices, as in `pl.Trainer`.
        several: whether there are several processes even with one device on this machine.
        settings: see `StepsInBlocks`.

    Raises:
        MisconfigurationException: the devices are not available.
    """
    kind = AcceleratorRegistry.get(accelerator)
    count = kind.auto_device_count() if devices == "auto" else devices
    parallel = kind.get_parallel_devices(kind.parse_devices(count))
    if several or len(parallel) > 1:
        return BlocksOnSeveralDevices(**settings)
    return BlocksOnOneDevice(parallel[0], **settings)
