"""Ctrl-C and kill: the handler sets a flag, and the action waits for the end of the batch."""

import signal
import sys

import pytorch_lightning as pl

from imaging.runs.checkpoints import Checkpoints
from imaging.runs.run import Interrupted


class SaveWhenAsked(pl.Callback):
    """On SIGINT or SIGTERM save `last.ckpt` at the end of the batch and leave.

    Saving inside the handler could catch the weights in the middle of an update, and hang.
    A second signal is obeyed at once, without saving.
    """

    signals = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, checkpoints: Checkpoints):
        self.checkpoints, self.asked, self.before = checkpoints, None, {}

    def _handle(self, number, frame) -> None:
        if self.asked is not None:
            raise KeyboardInterrupt("stopped at once")
        self.asked = signal.Signals(number).name
        print(f"\n{self.asked}: stopping after this batch (once more: at once)", file=sys.stderr, flush=True)

    def setup(self, trainer, task, stage) -> None:
        for number in self.signals:
            self.before[number] = signal.signal(number, self._handle)

    def on_train_batch_end(self, trainer, task, outputs, batch, batch_idx) -> None:
        if self.asked is not None:
            self.checkpoints.save_last(trainer)
            raise Interrupted(f"{self.asked}: saved after step {trainer.global_step}")

    def on_validation_batch_end(self, trainer, task, outputs, batch, batch_idx, dataloader_idx=0) -> None:
        # In the middle of a fit the next batch's end is soon; after it, all is saved already.
        if self.asked is not None and not trainer.training and trainer.state.fn != "fit":
            raise Interrupted(f"{self.asked}: all {trainer.global_step} steps are saved")

    def teardown(self, trainer, task, stage) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.before.clear()
