"""Training curves, read back from the TensorBoard files of a run."""

import struct
from collections.abc import Iterator
from pathlib import Path

# Longer ones hold images; scalars take under a hundred bytes.
LONGEST = 1 << 14


def read_curves(run: Path | str, tags: list[str]) -> dict[str, tuple[list[int], list[float]]]:
    """For each tag, e.g. 'train/loss', steps and values in the order of the steps; empty if there are none.

    A run that was resumed goes back to its checkpoint's step: what was written after that step before counts
    no more.
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


def _age(path: Path) -> tuple[int, ...]:
    """Seconds and counter in the name of an event file; by its letters, 10 would come before 9."""
    seconds, counter = path.name.partition("tfevents.")[2].partition(".")[0], path.suffix[1:]
    return tuple(int(part) if part.isdecimal() else 0 for part in (seconds, counter))


def _events(path: Path) -> Iterator:
    """The short records of a file, up to one that was cut.

    TensorBoard's own reader checks every byte of every image in Python, a second a run.
    """
    from tensorboard.compat.proto.event_pb2 import Event

    with open(path, "rb") as file:
        while len(head := file.read(12)) == 12:  # a record: its length, that's checksum, it, its checksum
            (length,) = struct.unpack("<Q", head[:8])
            if length > LONGEST:
                file.seek(length + 4, 1)
                continue
            record = file.read(length + 4)
            if len(record) < length + 4:
                return
            yield Event.FromString(record[:length])
