"""Which parts of a run are trained again, and how their lines are compared."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from imaging.errors import ImagingError
from imaging.runs.ledger import BUCKETS, Ledger, Line
from imaging.training.again import Start
from imaging.verification.files import Recorded
from imaging.verification.segments import Comparison, Segment, all_segments, choose, segment_of

FACTS = {"device": "cpu", "processor": "a", "torch": "2"}


def line(step: int, shift: float = 0.0, **changes) -> Line:
    sketch = (step + shift, *(0.0,) * (BUCKETS - 1))
    values = {"weights": f"{step}, {shift}", "optimizer": "o", "loss": 1.0, "sketch": sketch}
    return Line("step" if step else "start", step, **(values | changes))


@pytest.fixture
def run() -> Recorded:
    """A run of 50 steps with a line every ten, and checkpoints of steps 20 and 40."""
    lines = [line(0, facts=FACTS), *(line(step) for step in range(10, 51, 10))]
    starts = {0: None, 20: Path("20"), 40: Path("40"), 50: Path("50")}
    return Recorded(Path(), {"trainer": {}}, Ledger(lines, []), starts)


def test_the_segments_are_the_whole_training(run):
    whole = [Segment(0, 20, None), Segment(20, 40, Path("20")), Segment(40, 50, Path("40"))]
    assert all_segments(run) == whole
    assert choose(whole, None, random.Random(0)) == choose(whole, 7, random.Random(0)) == whole
    assert choose(whole, 0, random.Random(0)) == []
    chosen = [choose(whole, 2, random.Random(seed)) for seed in range(20)]
    assert all(one in whole and other in whole and one.start < other.start for one, other in chosen)
    assert {one for pair in chosen for one in pair} == set(whole)


def test_stated_steps(run):
    assert segment_of(run, 25, 31) == Segment(20, 40, Path("20"))
    assert segment_of(run, 0, 3) == Segment(0, 10, None)
    for first, last in ((5, 5), (7, 3), (10, 51)):
        with pytest.raises(ImagingError, match=f"--steps {first}-{last}: expected two steps from 0 to 50"):
            segment_of(run, first, last)


def compare(run: Recorded, *lines: Line, **facts: str) -> Comparison:
    comparison = Comparison(run, 0.1)
    for one in lines:
        if not comparison.see(one, Start(line(20), FACTS | facts, 50)):
            break
    return comparison


def test_equal_machines_have_equal_bits(run):
    assert str(compare(run, line(30), line(40))) == "bit for bit"
    for wrong in ({"weights": "w"}, {"optimizer": "w"}, {"average": "w"}, {"loss": 1.001}):
        assert compare(run, line(30), line(40, **wrong)).difference.startswith("step 40: the ")
    assert "the sketch" in compare(run, line(30, sketch=line(31).sketch)).difference
    assert (
        compare(run, line(30, 1e-7)).difference
        == "step 30: the weights differ (ledger 30, 0.0…, here 30, 1e-07…)"
    )


def test_other_machines_have_weights_as_near_as_the_tolerance_in_the_first_line(run):
    other = {"processor": "b"}
    near = compare(run, line(30, 0.5), line(40, 5.0, loss=1.05), **other)
    assert near.difference is None
    assert near.others == {"processor": ("a", "b")}
    assert near.farthest == pytest.approx(0.5 / 10.5)
    assert near.farthest_loss == pytest.approx(0.05 / 1.05)
    far = compare(run, line(30, 2.0), **other).difference
    assert far == "step 30: the weights differ by 0.17 of their way since step 20; expected 0.1 at most"
    assert "the loss differs by 0.17" in compare(run, line(30), line(40, 0.1, loss=1.2), **other).difference


def test_the_optimiser_at_the_beginning_does_not_depend_on_the_processor(run):
    start = replace(line(0), optimizer="other")
    assert "optimiser's state differs" in compare(run, start, processor="b").difference
    assert compare(run, start, torch="3").difference is None


def test_a_gpu_without_determinism_may_differ(run):
    lines = [replace(one, facts=FACTS | {"device": "H100"}) if one.facts else one for one in run.ledger.lines]
    run.ledger = Ledger(lines, [])
    assert compare(run, line(30, 0.5), device="H100").difference is None
    run.config["trainer"]["deterministic"] = True
    assert compare(run, line(30, 0.5), device="H100").difference is not None
