"""The private names of Lightning that this project touches, all of them; `tests/training/test_lightning.py`
says of each what would break.

Lightning's loop counts batches. Here one trip through it takes the steps of a whole block, so its counters
are set to what they would be after as many trips.
"""

import sys

import pytorch_lightning as pl


def step_counter(trainer: pl.Trainer):
    """What `trainer.global_step` reads with manual optimisation; see `count_step`."""
    return trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress


def count_step(counter) -> None:
    """One optimiser step more. Lightning counts in its wrapper of the optimiser, which doubles the cost."""
    counter.increment_ready()
    counter.increment_completed()


def go_to(trainer: pl.Trainer, step: int, epoch: int) -> None:
    """Set the counters of steps and epochs to where a checkpoint was saved."""
    steps = step_counter(trainer).total
    steps.ready = steps.completed = step
    progress = trainer.fit_loop.epoch_progress
    for epochs in (progress.total, progress.current):
        epochs.ready = epochs.completed = epoch
        epochs.started = epochs.processed = epoch  # type: ignore[attr-defined]


def stop_after(trainer: pl.Trainer, steps: int) -> None:
    """Let `trainer.max_steps` be the length of a training that was set in epochs, too."""
    trainer.fit_loop.epoch_loop.max_steps = steps


def validate_next(trainer: pl.Trainer, now: bool) -> None:
    """Whether Lightning validates after the batch that it is at. It would count blocks."""
    trainer.val_check_batch = 1 if now else sys.maxsize


def drop_loops(checkpoint: dict) -> None:
    """Remove what Lightning's loops remember of themselves: where a run is, is its step alone."""
    checkpoint.pop("loops", None)
