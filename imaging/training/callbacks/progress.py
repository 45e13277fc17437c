"""The progress of a training: a bar in a terminal, lines in a log file, and the status file."""

import os
import sys
import time

import pytorch_lightning as pl
from tqdm import tqdm

from imaging.runs.run import Run
from imaging.training.callbacks.curves import Curves
from imaging.training.strategies import EveryStep


def describe(latest: dict, metrics: dict) -> dict:
    """The loss, and the training and validation PSNR in dB, as text by name."""
    numbers = {}
    if latest:
        numbers = {"loss": f"{latest['train/loss']:.2e}", "PSNR": f"{latest['train/psnr']:.2f}"}
    if "val/psnr" in metrics:
        numbers["val PSNR"] = f"{float(metrics['val/psnr']):.2f}"
    return numbers


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
        self.curves = curves
        self.bar: tqdm | None = None

    def on_train_start(self, trainer, task) -> None:
        super().on_train_start(trainer, task)
        steps = {"total": trainer.max_steps, "initial": trainer.global_step}
        self.bar = tqdm(desc="training", unit="step", dynamic_ncols=True, **steps)

    def report(self, trainer, task) -> None:
        self.bar.set_postfix(describe(self.curves.latest, trainer.callback_metrics), refresh=False)
        self.bar.update(trainer.global_step - self.bar.n)

    def on_train_end(self, trainer, task) -> None:
        super().on_train_end(trainer, task)
        self.bar.close()

    def on_exception(self, trainer, task, exception) -> None:
        if self.bar is not None:
            self.bar.close()


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
        numbers = describe(self.curves.latest, trainer.callback_metrics)
        text = "  ".join(f"{name} {value}" for name, value in numbers.items())
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
        self.run.update(step=trainer.global_step)

    def on_validation_end(self, trainer, task) -> None:
        if (psnr := trainer.callback_metrics.get("val/psnr")) is not None:
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
