"""The progress of a training: a bar in a terminal, lines in a log file, and the status file."""

import os
import sys
import time
from contextlib import ExitStack

import pytorch_lightning as pl
import torch

from imaging.progress import progress_bar
from imaging.quality import TEXTS, VALIDATION, validation_value
from imaging.runs.run import Run
from imaging.training.callbacks.curves import Curves
from imaging.training.strategies import EveryStep


def describe(latest: dict, metrics: dict) -> str:
    """The loss, and the training and validation PSNR in dB: 'loss 1.2e-03  PSNR 29.12  val PSNR 28.90'."""
    numbers = []
    if latest:
        numbers = [f"loss {latest['train/loss']:.1e}"]
        numbers += [f"PSNR {latest['train/psnr']:.2f}"] if "train/psnr" in latest else []
    for name, text in zip(VALIDATION, TEXTS, strict=True):
        if name in metrics:
            numbers.append(f"val {text} {float(metrics[name]):.2f}")
    return "  ".join(numbers)


class Periodic(EveryStep):
    """The base class of callbacks that report after a step, at most once in an interval in seconds."""

    def __init__(self, seconds: float):
        self.seconds, self.next = seconds, 0.0

    def on_train_start(self, trainer, task) -> None:
        self.next = time.monotonic() + self.seconds

    def after_step(self, trainer, task, outputs) -> None:
        now = time.monotonic()
        if now >= self.next:
            self.next = now + self.seconds
            self.report(trainer, task)

    def on_train_end(self, trainer, task) -> None:
        self.report(trainer, task)

    def report(self, trainer, task) -> None:
        """Report the current state."""
        raise NotImplementedError


class Bar(Periodic):
    """A progress bar for a terminal, with the loss and the training and validation PSNR."""

    def __init__(self, curves: Curves, seconds: float = 0.2):
        super().__init__(seconds)
        self.curves, self.shown = curves, ExitStack()

    def on_train_start(self, trainer, task) -> None:
        super().on_train_start(trainer, task)
        bar = progress_bar("training", trainer.max_steps, trainer.global_step, keep=True)
        self.advance = self.shown.enter_context(bar)

    def report(self, trainer, task) -> None:
        self.advance(trainer.global_step, describe(self.curves.latest, trainer.callback_metrics))

    def on_train_end(self, trainer, task) -> None:
        super().on_train_end(trainer, task)
        self.shown.close()

    def on_exception(self, trainer, task, exception) -> None:
        self.shown.close()


class Lines(Periodic):
    """Progress without a terminal: a line every 15 seconds, and one at the end."""

    def __init__(self, curves: Curves, seconds: float = 15.0):
        super().__init__(seconds)
        self.curves = curves

    def on_train_start(self, trainer, task) -> None:
        super().on_train_start(trainer, task)
        self.first, self.start = trainer.global_step, time.monotonic()

    def report(self, trainer, task) -> None:
        rate = (trainer.global_step - self.first) / max(1e-9, time.monotonic() - self.start)
        text = describe(self.curves.latest, trainer.callback_metrics)
        print(f"step {trainer.global_step}/{trainer.max_steps}  {text}  {rate:.1f} steps/s", flush=True)


class Status(Periodic):
    """Update `status.json` with the device, the validations and, at most every five seconds, the step."""

    def __init__(self, run: Run, seconds: float = 5.0):
        super().__init__(seconds)
        self.run = run

    def on_train_start(self, trainer, task) -> None:
        super().on_train_start(trainer, task)
        self.run.update(device=_device(trainer, task), step=trainer.global_step, steps=trainer.max_steps)

    def report(self, trainer, task) -> None:
        memory = torch.cuda.max_memory_reserved(task.device) >> 20 if task.device.type == "cuda" else None
        self.run.update(step=trainer.global_step, memory=memory)

    def on_validation_end(self, trainer, task) -> None:
        if (psnr := validation_value(trainer.callback_metrics)) is not None:
            self.run.add_validation(trainer.global_step, round(float(psnr), 4))

    def on_exception(self, trainer, task, exception) -> None:
        self.report(trainer, task)


def _device(trainer, task) -> str:
    """The device in torch's numbering, the GPUs in CUDA_VISIBLE_DEVICES, and the number of ranks."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    several = f" x {trainer.world_size}" if trainer.world_size > 1 else ""
    return f"{task.device}{f' of {visible}' if visible else ''}{several}"


def progress_callback(curves: Curves) -> pl.Callback:
    """A bar if stderr is a terminal, else lines."""
    return Bar(curves) if sys.stderr.isatty() else Lines(curves)
