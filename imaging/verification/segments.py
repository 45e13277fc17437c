"""Parts of a run that are trained again: which, and how they compare with the ledger."""

import math
import random
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from imaging.errors import ImagingError
from imaging.runs.config import CONFIG
from imaging.runs.ledger import BUCKETS, Line
from imaging.training.again import Start, train_again
from imaging.training.fingerprints import distance, is_near
from imaging.verification.check import Check
from imaging.verification.files import Recorded, differing


@dataclass(frozen=True)
class Segment:
    """The steps after a checkpoint, up to a line.

    Args:
        start, end: steps; `start` has a checkpoint, or is 0.
        path: of the checkpoint; None: the beginning.
    """

    start: int
    end: int
    path: Path | None

    def __str__(self) -> str:
        return f"steps {self.start} to {self.end}"


def all_segments(run: Recorded) -> list[Segment]:
    """The segments between checkpoints that follow each other; together they are the whole training."""
    starts = sorted(step for step in run.starts if step < run.last_step)
    ends = [*starts[1:], run.last_step]
    return [Segment(step, end, run.starts[step]) for step, end in zip(starts, ends, strict=True)]


def segment_of(run: Recorded, first: int, last: int) -> Segment:
    """The segment that has the steps from `first` to `last`, from the nearest checkpoint before them.

    Raises:
        ImagingError: the ledger does not have these steps.
    """
    if not 0 <= first < last <= run.last_step:
        raise ImagingError(
            f"--steps {first}-{last}: expected two steps from 0 to {run.last_step}, where the ledger ends"
        )
    start = max(step for step in run.starts if step <= first)
    end = min(step for step in run.ledger.steps if step >= last)
    return Segment(start, end, run.starts[start])


def choose(segments: list[Segment], count: int | None, draw: random.Random) -> list[Segment]:
    """So many of the segments at random, in their order; all of them if `count` is None."""
    if count is None or count >= len(segments):
        return segments
    return sorted(draw.sample(segments, count), key=lambda segment: segment.start)


@dataclass
class Comparison:
    """Compares lines of a ledger with those of the same steps here.

    Where the facts of the machines are equal, the bits have to be. Else the bits may differ, and soon the
    weights do, though the networks are equally good. Then the distance of the weights in the first line,
    divided by the distance that they have moved since the start of the segment, has to be `tolerance` at
    most, and so has the relative difference of the loss in every line.

    Args:
        run: the run.
        tolerance: the largest such ratio.
    """

    run: Recorded
    tolerance: float
    difference: str | None = None  # the first one
    lines: int = 0
    farthest: float | None = None  # the distance in the first line, as above; None: all bits are equal
    farthest_loss: float = 0.0
    others: dict[str, tuple[str, str]] = field(default_factory=dict)  # facts that differ: there, here

    def see(self, here: Line, start: Start) -> bool:
        """Compare the line of a step; returns whether it is as the ledger says."""
        line = self.run.ledger.steps[here.step]
        facts = self.run.ledger.facts_at(here.step)
        others = {k: (facts.get(k, ""), v) for k, v in start.facts.items() if facts.get(k) != v}
        if start.facts["device"] != "cpu" and not self.run.config["trainer"].get("deterministic"):
            others["deterministic"] = "false", "false"
        self.others |= others
        self.lines += 1
        bits = differing(line, here)
        if bits is None:
            self.difference = self._floats(line, here)
        elif not others or (here.step == 0 and _is_other_optimizer(line, here, others)):
            self.difference = bits
        else:
            self.difference = self._far(line, here, start)
        if self.difference is not None:
            self.difference = f"step {here.step}: {self.difference}"
        return self.difference is None

    def _floats(self, line: Line, here: Line) -> str | None:
        if not is_near(line.sketch, here.sketch):
            return "the sketch in the ledger is not that of the weights"
        if None not in (line.loss, here.loss) and not math.isclose(line.loss, here.loss, rel_tol=1e-6):
            return f"the loss differs (ledger {line.loss:g}, here {here.loss:g})"
        return None

    def _far(self, line: Line, here: Line, start: Start) -> str | None:
        apart = 0.0
        if self.lines == 1:
            began = start.line.step
            moved = distance(here.sketch, start.line.sketch) or distance(here.sketch, (0.0,) * BUCKETS)
            apart = distance(line.sketch, here.sketch) / max(moved, 1e-30)
            if apart > self.tolerance:
                since = f"their way since step {began}" if here.step > began else "their size"
                return f"the weights differ by {apart:.2g} of {since}; expected {self.tolerance:g} at most"
        self.farthest = max(self.farthest or 0.0, apart)
        if None not in (line.loss, here.loss):
            apart = abs(line.loss - here.loss) / max(abs(line.loss), abs(here.loss), 1e-30)
            if apart > self.tolerance:
                return f"the loss differs by {apart:.2g} of it; expected {self.tolerance:g} at most"
            self.farthest_loss = max(self.farthest_loss, apart)
        return None

    def __str__(self) -> str:
        """How they agree."""
        if self.farthest is None:
            return "bit for bit"
        return (
            f"not bit for bit: the weights of the first line by {self.farthest:.2g} of their way, the losses "
            f"by {self.farthest_loss:.2g} at most"
        )


def _is_other_optimizer(line: Line, here: Line, others: Collection[str]) -> bool:
    """Whether the optimiser begins with other settings: nothing of it is rounded before the first step."""
    return line.optimizer != here.optimizer and not {"commit", "device", "torch"}.intersection(others)


def check_beginning(run: Recorded, data, tolerance: float, accelerator: str) -> tuple[Check, dict]:
    """Whether the initial weights and optimiser follow from the config and its seed.

    Returns:
        the check; and the facts that differ between the run's machine and this one: there and here by name.
    """
    comparison, steps = Comparison(run, tolerance), []

    def see(line: Line, start: Start) -> bool:
        steps.append(start.steps)
        return comparison.see(line, start)

    train_again(run.config, data, run.ledger.facts_at(0), None, [0], see, accelerator)
    early = any(one["name"] == "early_stopping" for one in run.config.get("callbacks", {}).values())
    cut = run.ledger.end is not None and run.last_step != steps[0] and not early
    if comparison.difference is None and cut:
        comparison.difference = f"the ledger ends at step {run.last_step}, the config trains {steps[0]} steps"
    if comparison.difference is not None:
        return Check(False, comparison.difference), comparison.others
    text = f"the weights and the optimiser of step 0 follow from {CONFIG} and its seed, {comparison}"
    return Check(True, text), comparison.others


def check_segment(run: Recorded, data, segment: Segment, tolerance: float, accelerator: str) -> Check:
    """Whether a segment, trained again, has the states that the ledger says."""
    comparison = Comparison(run, tolerance)
    steps = [step for step in run.ledger.steps if segment.start < step <= segment.end]
    facts = run.ledger.facts_at(segment.start + 1)
    train_again(run.config, data, facts, segment.path, steps, comparison.see, accelerator)
    if comparison.difference is not None:
        return Check(False, comparison.difference)
    if comparison.lines < len(steps):
        return Check(False, f"{segment}: trained again, it ends before step {segment.end}")
    return Check(True, f"{segment} trained again: {comparison.lines} lines agree, {comparison}")
