"""The fast loop: Lightning strategies that take all optimiser steps of a block in one trip through its loop.

Lightning's loop and hooks take some milliseconds, many times a small network's step; here they come once a
block. Nothing of a run depends on where its blocks begin and end, and the weights are those to which
`pl.Trainer` alone trains.
"""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.accelerators import AcceleratorRegistry
from pytorch_lightning.strategies import DDPStrategy, SingleDeviceStrategy, Strategy
from torch import Tensor

from imaging.data.loader import BatchLoader
from imaging.training.blocks import in_blocks
from imaging.training.lightning import count_step, step_counter, validate_next


class EveryStep(pl.Callback):
    """A callback with a hook after each optimiser step; `on_train_batch_end` comes once a block."""

    def after_step(self, trainer: pl.Trainer, task: pl.LightningModule, outputs: dict) -> None:
        """Look at the task, or change it, after a step.

        Args:
            outputs: what the task's `training_step` returned.
        """
        raise NotImplementedError

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if not isinstance(trainer.strategy, StepsInBlocks):  # which has called it
            self.after_step(trainer, task, outputs)


class StepsInBlocks(Strategy):
    """What the strategies for one device and for several have in common.

    The task's `training_step` must return a dict with `loss`, and its `configure_optimizers` one optimiser,
    and at most one schedule, which advances with each step.

    Args:
        clip: the largest norm of all gradients together; None: any.
        pauses: numbers of steps; a block ends at each multiple of one of them.
        leave: whether to end a block after the step that was just taken.
    """

    def __init__(
        self,
        *arguments,
        clip: float | None = None,
        pauses: tuple[int, ...] = (),
        leave: Callable[[], bool] = lambda: False,
        **settings,
    ):
        super().__init__(*arguments, **settings)
        self.clip, self.pauses, self.leave = clip, pauses, leave

    def connect(self, model: pl.LightningModule) -> None:
        model.automatic_optimization = False  # Lightning's own takes one step a trip
        super().connect(model)

    def process_dataloader(self, dataloader: object) -> object:
        """Fetch training batches in blocks, from the trainer's step to its last."""
        if not isinstance(dataloader, BatchLoader):
            return dataloader
        trainer = self.lightning_module.trainer
        self.steps_per_epoch = len(dataloader.sampler)
        stop = trainer.max_steps if trainer.max_steps != -1 else None
        interval = trainer.val_check_interval
        pauses = [*self.pauses, *([interval] if isinstance(interval, int) else [])]
        if trainer.world_size > 1:
            pauses.append(trainer.log_every_n_steps)  # type: ignore[attr-defined]  # where all agree to leave
        return in_blocks(dataloader, trainer.global_step, stop, tuple(pauses))

    def training_step(self, block: dict[str, Tensor], block_idx: int) -> dict:
        """Take the optimiser steps of a block, `{"image": (K, N, C, H, W), …}`.

        Returns:
            the outputs of the last.
        """
        task, trainer, (optimizer,) = self.lightning_module, self.lightning_module.trainer, self.optimizers
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        schedules = [config.scheduler for config in self.lr_scheduler_configs]
        watchers = [c for c in trainer.callbacks if isinstance(c, EveryStep)]  # type: ignore[attr-defined]
        counter = step_counter(trainer)
        for position in range(len(block["image"])):
            batch = {key: values[position] for key, values in block.items()}
            outputs: Any = super().training_step(batch, counter.total.completed % self.steps_per_epoch)
            for parameter in parameters:
                parameter.grad = None
            self.take_gradients(outputs["loss"])
            task.configure_gradient_clipping(optimizer, self.clip)
            optimizer.step()
            for schedule in schedules:
                schedule.step()
            count_step(counter)
            for watcher in watchers:
                watcher.after_step(trainer, task, outputs)
            if self.leave():
                break
        interval = trainer.val_check_interval
        if isinstance(interval, int):
            validate_next(trainer, counter.total.completed % interval == 0)
        return outputs

    def take_gradients(self, loss: Tensor) -> None:
        """The backward pass."""
        self.backward(loss, None)


class BlocksOnOneDevice(StepsInBlocks, SingleDeviceStrategy):
    """Lightning's strategy for one device, in blocks."""

    def take_gradients(self, loss: Tensor) -> None:
        loss.backward()  # without the hooks of Lightning's: a tenth of a small network's step


class BlocksOnSeveralDevices(StepsInBlocks, DDPStrategy):
    """Lightning's strategy for several processes, in blocks."""


def choose_strategy(
    accelerator: str,
    devices: int | str | list,
    several: bool,
    clip: float | None,
    pauses: tuple[int, ...],
    leave: Callable[[], bool],
) -> StepsInBlocks:
    """The strategy for these devices.

    Args:
        accelerator: what Lightning calls the kind of device, e.g. "cpu" or "cuda".
        devices: how many, or which, as `pl.Trainer` takes them.
        several: whether there are several processes even with one device here.
        clip, pauses, leave: see `StepsInBlocks`; several processes leave a block at its end alone, together.

    Raises:
        MisconfigurationException: Lightning finds no such devices.
    """
    kind = AcceleratorRegistry.get(accelerator)
    count = kind.auto_device_count() if devices == "auto" else devices
    found = kind.get_parallel_devices(kind.parse_devices(count))
    if several or len(found) > 1:
        return BlocksOnSeveralDevices(clip=clip, pauses=pauses)
    return BlocksOnOneDevice(found[0], clip=clip, pauses=pauses, leave=leave)
