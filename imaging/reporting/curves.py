"""Training curves, read back from the TensorBoard files of a run."""

import logging
from pathlib import Path


def read_curves(run: Path | str, tags: list[str]) -> dict[str, tuple[list[int], list[float]]]:
    """For each tag, e.g. 'train/loss', steps and values in the order of the steps; empty if there are none.

    A run that was resumed may have written a step twice; the later value stands.
    """
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it tells of each resume that it found
    events = EventAccumulator(str(Path(run) / "tensorboard"), size_guidance={"scalars": 0, "images": 1})
    events.Reload()
    curves = {}
    for tag in tags:
        there = tag in events.Tags()["scalars"]
        by_step = {event.step: event.value for event in events.Scalars(tag)} if there else {}
        curves[tag] = sorted(by_step), [by_step[step] for step in sorted(by_step)]
    return curves
