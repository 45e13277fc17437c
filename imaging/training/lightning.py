"""All uses of Lightning's private names; `tests/training/test_lightning.py` checks each of them.

Lightning's loop counts one step in each iteration. Here an iteration takes all steps of a block, and these
functions set the counters accordingly.
"""

import sys

import pytorch_lightning as pl


def step_counter(trainer: pl.Trainer):
    """The counter behind `trainer.global_step` with manual optimisation; see `count_step`."""
    return trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress


def count_step(counter) -> None:
    """Count an optimiser step; Lightning counts in its wrapper of the optimiser, which doubles the cost."""
    counter.increment_ready()
    counter.increment_completed()


def go_to(trainer: pl.Trainer, step: int, epoch: int) -> None:
    """Set the counters of steps and epochs, to resume from a checkpoint."""
    steps = step_counter(trainer).total
    steps.ready = steps.completed = step
    progress = trainer.fit_loop.epoch_progress
    for epochs in (progress.total, progress.current):
        epochs.ready = epochs.completed = epoch
        epochs.started = epochs.processed = epoch  # type: ignore[attr-defined]


def stop_after(trainer: pl.Trainer, steps: int) -> None:
    """Set `trainer.max_steps`, also for a training whose length was set in epochs."""
    trainer.fit_loop.epoch_loop.max_steps = steps


def validate_next(trainer: pl.Trainer, now: bool) -> None:
    """Set whether Lightning validates after the current batch; its own interval would count blocks."""
    trainer.val_check_batch = 1 if now else sys.maxsize


def validation_follows(trainer: pl.Trainer) -> bool:
    """Whether Lightning validates after the current batch, as `validate_next` has set it."""
    return trainer.val_check_batch == 1 and sum(trainer.num_val_batches) > 0


def drop_loops(checkpoint: dict) -> None:
    """Remove the state of Lightning's loops from a checkpoint; the step determines the position of a run."""
    checkpoint.pop("loops", None)
