"""What a person sees while a network trains: a bar in a terminal, a line now and then in a log file."""

import os
import sys
import time

import pytorch_lightning as pl
from tqdm import tqdm

from imaging.runs.run import Run
from imaging.training.callbacks.curves import Curves
from imaging.training.strategies import EveryStep


def describe(latest: dict, metrics: dict) -> dict:
    """The numbers worth a place on one line, in dB."""
    shown = {"loss": f"{latest['train/loss']:.2e}"} if latest else {}
    shown |= {"PSNR": f"{latest['train/psnr']:.2f}"} if latest else {}
    if "val/psnr" in metrics:
        shown["val PSNR"] = f"{float(metrics['val/psnr']):.2f}"
    return shown


class NowAndThen(EveryStep):
    """Something that is done between two steps when some seconds have passed since it was done last."""

    def __init__(self, seconds: float):
        self.seconds, self.next = seconds, 0.0

    def on_train_start(self, trainer, task) -> None:
        self.next = time.monotonic() + self.seconds

    def after_step(self, trainer, task, outputs) -> None:
        now = time.monotonic()
        if now >= self.next:
            self.next = now + self.seconds
            self.tell(trainer, task)

    def tell(self, trainer, task) -> None:
        """What is done."""
        raise NotImplementedError


class Bar(NowAndThen):
    """In a terminal: a bar with the loss, and the training and validation PSNR behind it."""

    def __init__(self, curves: Curves, seconds: float = 0.2):
        super().__init__(seconds)
        self.curves = curves
        self.bar: tqdm | None = None

    def on_train_start(self, trainer, task) -> None:
        super().on_train_start(trainer, task)
        done = trainer.global_step
        self.bar = tqdm(
            desc="training", total=trainer.max_steps, initial=done, unit="step", dynamic_ncols=True
        )

    def tell(self, trainer, task) -> None:
        self.bar.set_postfix(describe(self.curves.latest, trainer.callback_metrics), refresh=False)
        self.bar.update(trainer.global_step - self.bar.n)

    def on_train_end(self, trainer, task) -> None:
        self.tell(trainer, task)
        self.bar.close()

    def on_exception(self, trainer, task, exception) -> None:
        if self.bar is not None:
            self.bar.close()


class Lines(NowAndThen):
    """Where there is no terminal: one line every 15 seconds, and one at the end."""

    def __init__(self, curves: Curves, seconds: float = 15.0):
        super().__init__(seconds)
        self.curves = curves

    def on_train_start(self, trainer, task) -> None:
        super().on_train_start(trainer, task)
        self.first, self.began = trainer.global_step, time.monotonic()

    def on_train_end(self, trainer, task) -> None:
        self.tell(trainer, task)

    def tell(self, trainer, task) -> None:
        rate = (trainer.global_step - self.first) / max(1e-9, time.monotonic() - self.began)
        numbers = "  ".join(
            f"{k} {v}" for k, v in describe(self.curves.latest, trainer.callback_metrics).items()
        )
        print(f"step {trainer.global_step}/{trainer.max_steps}  {numbers}  {rate:.1f} steps/s", flush=True)


class Status(NowAndThen):
    """Keep `status.json` true: device, step, the last validation; at most every five seconds."""

    def __init__(self, run: Run, seconds: float = 5.0):
        super().__init__(seconds)
        self.run = run

    def on_train_start(self, trainer, task) -> None:
        super().on_train_start(trainer, task)
        self.run.update(device=_device(trainer, task), step=trainer.global_step, steps=trainer.max_steps)

    def tell(self, trainer, task) -> None:
        self.run.update(step=trainer.global_step)

    def on_validation_end(self, trainer, task) -> None:
        if "val/psnr" in trainer.callback_metrics:
            self.run.validated(trainer.global_step, round(float(trainer.callback_metrics["val/psnr"]), 4))

    def on_train_end(self, trainer, task) -> None:
        self.tell(trainer, task)

    def on_exception(self, trainer, task, exception) -> None:
        self.tell(trainer, task)


def _device(trainer, task) -> str:
    """The device as torch numbers it, which GPUs of the machine this process may see, and how many ranks."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    several = f" x {trainer.world_size}" if trainer.world_size > 1 else ""
    return f"{task.device}{f' of {visible}' if visible else ''}{several}"


def progress_callback(curves: Curves) -> pl.Callback:
    """A bar for a terminal, lines for a file."""
    return Bar(curves) if sys.stderr.isatty() else Lines(curves)
