"""Training curves, read back from the TensorBoard files of a run."""

import logging
from pathlib import Path


def read_curve(run: Path | str, tag: str) -> tuple[list[int], list[float]]:
    """Steps and values of one scalar, e.g. 'train/loss', in the order of the steps.

    A run that was resumed may have written a step twice; the later value stands.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of each resume that it found
    events = EventAccumulator(str(Path(run) / "tensorboard"), size_guidance={"scalars": 0})
    events.Reload()
    if tag not in events.Tags()["scalars"]:
        return [], []
    by_step = {event.step: event.value for event in events.Scalars(tag)}
    return sorted(by_step), [by_step[step] for step in sorted(by_step)]
