"""Read training curves from the TensorBoard files of a run."""

import struct
from collections.abc import Iterator
from pathlib import Path

LONGEST = 1 << 14  # bytes of a record that is read; scalars take less than 100, images more


def read_curves(run: Path | str, tags: list[str]) -> dict[str, tuple[list[int], list[float]]]:
    """Steps and values by tag, e.g. 'train/loss', in the order of the steps; empty lists if there are none.

    A resumed run restarts at the step of its checkpoint, and replaces values that were written after it.
    """
    curves: dict[str, tuple[list[int], list[float]]] = {tag: ([], []) for tag in tags}
    for path in sorted((Path(run) / "tensorboard").glob("*tfevents*"), key=_age):
        for event in _events(path):
            for value in event.summary.value:
                if value.tag in curves and value.HasField("simple_value"):
                    steps, values = curves[value.tag]
                    while steps and steps[-1] >= event.step:
                        steps.pop(), values.pop()
                    steps.append(event.step)
                    values.append(value.simple_value)
    return curves


def read_minutes(run: Path | str, tag: str) -> list[tuple[float, float]]:
    """The values of a tag with the minutes of training before them, in the order of the steps.

    The time between the parts of a resumed run does not count, nor does that after the last checkpoint of a
    part.
    """
    curve: list[tuple[int, float, float]] = []  # step, minutes, value
    seconds: dict[int, float] = {}  # of training, at each step with a value
    for path in sorted((Path(run) / "tensorboard").glob("*tfevents*"), key=_age):
        before = began = None
        for event in _events(path):
            for value in event.summary.value:
                if began is None:
                    earlier = [step for step in seconds if step < event.step]
                    before, began = seconds[max(earlier)] if earlier else 0.0, event.wall_time
                while curve and curve[-1][0] >= event.step and value.tag == tag:
                    curve.pop()
                seconds[event.step] = before + event.wall_time - began
                if value.tag == tag:
                    curve.append((event.step, seconds[event.step] / 60, value.simple_value))
    return [(minutes, value) for _, minutes, value in curve]


def _age(path: Path) -> tuple[int, ...]:
    """Seconds and counter in the name of an event file, as numbers, so that 9 comes before 10."""
    seconds, counter = path.name.partition("tfevents.")[2].partition(".")[0], path.suffix[1:]
    return tuple(int(part) if part.isdecimal() else 0 for part in (seconds, counter))


def _events(path: Path) -> Iterator:
    """The short records of a file, up to an incomplete one.

    TensorBoard's own reader computes the checksums of all images in Python, which takes a second per run.
    """
    from tensorboard.compat.proto.event_pb2 import Event

    with open(path, "rb") as file:
        while len(head := file.read(12)) == 12:  # a record: length, checksum of it, data, checksum of them
            (length,) = struct.unpack("<Q", head[:8])
            if length > LONGEST:
                file.seek(length + 4, 1)
                continue
            record = file.read(length + 4)
            if len(record) < length + 4:
                return
            yield Event.FromString(record[:length])
