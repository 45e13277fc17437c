"""Measure what the steps and validations of a training take, and stop when enough steps are measured."""

import time

import pytorch_lightning as pl
import torch

from imaging.training.callbacks.checkpoints import Checkpoints
from imaging.training.strategies import EveryStep

WARM_UP = 5  # the first steps take longer: memory is allocated, and cuDNN chooses its convolutions


class Stopwatch(EveryStep):
    """Measure the seconds of a step, without the validations and checkpoints between steps, and stop.

    It must be the first of the trainer's callbacks, so that its hooks run before those that it measures.

    Args:
        steps, seconds: stop after at least this number of measured steps that took at least this time, or at
            the end of the training.
        checkpoints: those of the trainer.

    Attributes:
        measured, took: the number of measured steps, and their seconds with the loading of their batches.
        warm: `time.perf_counter` and the number of steps when the measurement began; None without a training.
        validations: seconds of each validation.
    """

    def __init__(self, steps: int, seconds: float, checkpoints: Checkpoints):
        self.steps, self.seconds, self.checkpoints = steps, seconds, checkpoints
        self.done = self.measured = 0
        self.took = 0.0
        self.warm: tuple[float, int] | None = None
        self.validations: list[float] = []
        self._begin: tuple[float, int] | None = None  # time and step of the stretch that is measured
        self._end: tuple[float, int] | None = None  # of the last block, until the next one's first step
        self._pauses: tuple[int, int] = (0, 0)

    def on_train_start(self, trainer, task) -> None:
        others = trainer.strategy.should_stop
        trainer.strategy.should_stop = lambda: self._is_enough() or others()
        self._warm_up = min(WARM_UP, max(1, trainer.max_steps // 2))

    def after_step(self, trainer, task, outputs) -> None:
        self.done += 1
        before, self._pauses = self._pauses, (len(self.validations), self.checkpoints.last_step)
        if self.done == self._warm_up:
            self.warm = self._begin = _now(task), self.done
        elif self._end is not None and self._pauses != before:  # since the last block
            self._add_stretch()
            self._begin = _now(task), self.done
        self._end = None

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        super().on_train_batch_end(trainer, task, outputs, batch, batch_idx)
        self._end = _now(task), self.done
        # The clocks of several ranks differ.
        trainer.should_stop |= trainer.strategy.reduce_boolean_decision(self._is_enough(), all=False)

    def on_train_end(self, trainer, task) -> None:
        self._add_stretch()

    def on_validation_start(self, trainer, task) -> None:
        self._validating = _now(task)

    def on_validation_end(self, trainer, task) -> None:
        self.validations.append(_now(task) - self._validating)

    def _is_enough(self) -> bool:
        if self._begin is None:
            return False
        steps, seconds = self.done - self._begin[1], time.perf_counter() - self._begin[0]
        return self.measured + steps >= self.steps and self.took + seconds >= self.seconds

    def _add_stretch(self) -> None:
        if self._begin is not None and self._end is not None:
            self.took += self._end[0] - self._begin[0]
            self.measured += self._end[1] - self._begin[1]


def _now(task: pl.LightningModule) -> float:
    if task.device.type == "cuda":  # which runs asynchronously
        torch.cuda.synchronize(task.device)
    return time.perf_counter()
