"""Ctrl-C and kill: the handler sets a flag, and the action waits for the end of the batch."""

import signal
import sys

import pytorch_lightning as pl

from imaging.runs.checkpoints import Checkpoints
from imaging.runs.run import Interrupted


class SaveWhenAsked(pl.Callback):
    """On SIGINT or SIGTERM save `last.ckpt` at the end of the batch and leave the fit.

    Saving inside the handler could catch the weights in the middle of an update, and hang.
    A second signal is obeyed at once, without saving.
    """

    signals = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, checkpoints: Checkpoints):
        self.checkpoints, self.asked, self.before = checkpoints, None, {}

    def _handle(self, number, frame) -> None:
        if self.asked is not None:
            raise KeyboardInterrupt
        self.asked = signal.Signals(number).name
        print(f"\n{self.asked}: saving at the end of this batch (once more: stop at once)", file=sys.stderr)

    def on_train_start(self, trainer, task) -> None:
        for number in self.signals:
            self.before[number] = signal.signal(number, self._handle)

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if self.asked is not None:
            self.checkpoints.save_last(trainer)
            raise Interrupted(f"{self.asked} after step {trainer.global_step}")

    def teardown(self, trainer, task, stage) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.before.clear()
