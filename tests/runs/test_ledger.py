"""The file of a ledger: its chain, and what is done about damage."""

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from imaging.errors import ImagingError
from imaging.runs.ledger import BUCKETS, LEDGER, Line, append, file_hash, read_ledger, truncate

FACTS = {"config": "ab" * 32, "torch": "2.8.0", "processor": 'a "quoted", ünïcode one'}
SKETCH = tuple(0.1 * i for i in range(BUCKETS))


def line(step: int, event: str = "step", **changes) -> Line:
    values = {"weights": f"{step:064x}", "optimizer": "c" * 64, "loss": 1 / (1 + step), "sketch": SKETCH}
    return Line(event, step, **(values | changes))


LINES = [
    line(0, "start", loss=None, facts=FACTS),
    line(2),
    line(4, average="d" * 64),
    Line("machine", 4, facts={"torch": "2.9.0"}),
    line(6),
    Line("end", 6, weights="e" * 64, facts={"metrics.json": "f" * 64}),
]


def write(path: Path, lines: list[Line]) -> None:
    before = ""
    for one in lines:
        before = append(path, one, before).chain


@pytest.fixture
def path(tmp_path) -> Path:
    write(tmp_path / LEDGER, LINES)
    return tmp_path / LEDGER


def test_a_ledger_comes_back(path):
    ledger = read_ledger(path)
    assert [replace(one, chain="") for one in ledger.lines] == LINES
    assert ledger.damage is None
    assert ledger.ends[-1] == path.stat().st_size
    assert list(ledger.steps) == [0, 2, 4, 6]
    assert ledger.end.weights == "e" * 64
    assert [ledger.facts_at(step)["torch"] for step in (0, 4, 5, 6)] == ["2.8.0", "2.8.0", "2.9.0", "2.9.0"]


def test_no_mutation_is_taken_for_a_line(path):
    """A changed byte, a byte more or less, or a cut: the lines before it, and what is wrong, or an error."""
    whole, lines, draw = path.read_bytes(), read_ledger(path).lines, random.Random(0)
    for _ in range(500):
        mutated = bytearray(whole)
        at = draw.randrange(len(mutated))
        kind = draw.randrange(4)
        if kind == 0:
            mutated[at] ^= 1 << draw.randrange(8)
        elif kind == 1:
            del mutated[at]
        elif kind == 2:
            mutated.insert(at, draw.choice(b'0123456789,."\n\r\x00 {}naif'))
        else:
            del mutated[at:]
        path.write_bytes(mutated)
        try:
            ledger = read_ledger(path)
        except ImagingError:
            continue
        assert ledger.lines == lines[: len(ledger.lines)]
        at_a_line = bytes(mutated) in {whole[:end] for end in (whole.index(b"\n") + 1, *ledger.ends)}
        assert (ledger.damage is None) == at_a_line


@pytest.mark.parametrize(
    ("lines", "damage"),
    [
        ([LINES[0], LINES[2], LINES[1]], "line 4 is not of a later step"),
        ([LINES[1]], "line 2 is not where it may be"),
        ([LINES[0], LINES[0]], "line 3 is not where it may be"),
        ([LINES[0], replace(LINES[1], loss=float("nan"))], "line 3 is damaged"),
        ([LINES[0], replace(LINES[1], weights="z")], "line 3 is damaged"),
        ([LINES[0], replace(LINES[1], sketch=(1.0,))], "line 3 is damaged"),
        ([LINES[0], replace(LINES[1], facts={"a": 1})], "line 3 is damaged"),
        ([*LINES, LINES[3]], "line 8 is not of a later step"),
    ],
)
def test_lines_that_do_not_belong_together_are_damage_though_chained(lines, damage, tmp_path):
    write(tmp_path / LEDGER, lines)
    assert read_ledger(tmp_path / LEDGER).damage.startswith(damage)


@pytest.mark.parametrize("step", [0, 1, 4, 6, 100])
def test_later_lines_and_the_closing_line_are_dropped_and_written_again(step, path):
    whole = path.read_bytes()
    kept = truncate(path, step)
    assert kept.lines == [one for one in read_ledger(path).lines if one.step <= step]
    assert all(one.event != "end" for one in kept.lines)
    before = kept.lines[-1].chain
    for one in LINES[len(kept.lines) :]:
        before = append(path, one, before).chain
    assert path.read_bytes() == whole


def test_an_interrupted_append_is_repaired(path):
    whole = path.read_bytes()
    header = whole.index(b"\n") + 1
    for length in range(header, len(whole), 7):
        path.write_bytes(whole[:length])
        kept = truncate(path, 6)
        assert whole.startswith(path.read_bytes())
        assert len(kept.lines) >= whole[:length].count(b"\n") - 2  # but for the header and the closing line


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "there is no .*: train with callbacks=ledger"),
        (b"", "is not a ledger"),
        (b"a,b\n", "is not a ledger"),
        (b"event,step,weights,average,optimizer,loss,sketch,facts,chain", "is cut short in its first line"),
        (b"\xff" * 1000, "is not a ledger"),
    ],
)
def test_a_file_that_is_no_ledger_is_named(content, words, tmp_path):
    if content is not None:
        (tmp_path / LEDGER).write_bytes(content)
    with pytest.raises(ImagingError, match=words):
        read_ledger(tmp_path / LEDGER)
    assert truncate(tmp_path / LEDGER, 5).lines == []


def test_a_pipe_a_directory_and_a_huge_file_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "directory").mkdir()
    with open(tmp_path / "huge", "wb") as file:
        file.truncate(1 << 40)
    for name, words in (("pipe", "a pipe"), ("directory", "is a directory"), ("huge", "bytes; a ledger has")):
        with pytest.raises(ImagingError, match=words):
            read_ledger(tmp_path / name)
    with pytest.raises(ImagingError, match="none cannot be read: No such file"):
        file_hash(tmp_path / "none")
