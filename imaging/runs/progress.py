"""What a person sees while a network trains: a bar in a terminal, a line now and then in a log file."""

import math
import os
import sys
import time

import pytorch_lightning as pl
from pytorch_lightning.callbacks import TQDMProgressBar

from imaging.runs.run import Run


def describe(task: pl.LightningModule, metrics: dict) -> dict:
    """The numbers worth a place on one line, in dB."""
    latest = getattr(task, "latest", {})
    shown = {"loss": f"{latest['train/loss']:.2e}"} if latest else {}
    shown |= {"PSNR": f"{latest['train/psnr']:.2f}"} if latest else {}
    if "val/psnr" in metrics:
        shown["val PSNR"] = f"{float(metrics['val/psnr']):.2f}"
    return shown


class Bar(TQDMProgressBar):
    """Lightning's bar with the training and validation PSNR behind it, and no version number."""

    def get_metrics(self, trainer, task) -> dict:
        return describe(task, trainer.callback_metrics)


class Lines(pl.Callback):
    """Where there is no terminal: one line every 15 seconds, and one at the end."""

    def __init__(self, seconds: float = 15.0):
        self.seconds, self.next, self.first = seconds, 0.0, 0

    def on_train_start(self, trainer, task) -> None:
        self.next, self.first, self.began = (
            time.monotonic() + self.seconds,
            trainer.global_step,
            time.monotonic(),
        )

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + self.seconds
            self._print(trainer, task)

    def on_train_end(self, trainer, task) -> None:
        self._print(trainer, task)

    def _print(self, trainer, task) -> None:
        rate = (trainer.global_step - self.first) / max(1e-9, time.monotonic() - self.began)
        numbers = "  ".join(f"{k} {v}" for k, v in describe(task, trainer.callback_metrics).items())
        total = int(trainer.estimated_stepping_batches)
        print(f"step {trainer.global_step}/{total}  {numbers}  {rate:.1f} steps/s", flush=True)


class Status(pl.Callback):
    """Keep `status.json` true: device, step, the last validation; at most every five seconds."""

    def __init__(self, run: Run, seconds: float = 5.0):
        self.run, self.seconds, self.next = run, seconds, 0.0

    def on_train_start(self, trainer, task) -> None:
        steps = trainer.estimated_stepping_batches
        steps = None if math.isinf(steps) else int(steps)
        self.run.update(device=_device(trainer, task), step=trainer.global_step, steps=steps)

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if time.monotonic() >= self.next:
            self.next = time.monotonic() + self.seconds
            self.run.update(step=trainer.global_step)

    def on_validation_end(self, trainer, task) -> None:
        if "val/psnr" in trainer.callback_metrics:
            self.run.validated(trainer.global_step, round(float(trainer.callback_metrics["val/psnr"]), 4))

    def on_train_end(self, trainer, task) -> None:
        self.run.update(step=trainer.global_step)

    def on_exception(self, trainer, task, exception) -> None:
        self.run.update(step=trainer.global_step)


def _device(trainer, task) -> str:
    """The device as torch numbers it, which GPUs of the machine this process may see, and how many ranks."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    several = f" x {trainer.world_size}" if trainer.world_size > 1 else ""
    return f"{task.device}{f' of {visible}' if visible else ''}{several}"


def progress_callback() -> pl.Callback:
    """A bar for a terminal, lines for a file."""
    return Bar(refresh_rate=10) if sys.stderr.isatty() else Lines()
