"""The results of a run: their hashes, what follows from what, and some of them measured again."""

import hashlib
import json
import math
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from imaging.errors import ImagingError, brief
from imaging.evaluation.outputs import PER_IMAGE, Result, flat_numbers, read_result
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.records import COLUMNS, Record, cells, read_per_image
from imaging.evaluation.run import digest as network_digest
from imaging.evaluation.table import summarise, summary_csv
from imaging.evaluation.testing import run_protocol
from imaging.runs.ledger import LEDGER, Line, append, file_hash, truncate
from imaging.runs.status import METRICS
from imaging.tasks.reconstruction import Reconstruction
from imaging.training.fingerprints import digest
from imaging.verification.check import Check, short
from imaging.verification.files import Recorded

SUMMARY = "summary.csv"
# dB, and as much of other numbers: the last digits of a PSNR depend on the machine and on its threads.
NEAR = 0.001


def result_hashes(directory: Path) -> dict[str, str]:
    """SHA-256 of a run's result files, by name; that of the records without the seconds that they took.

    Raises:
        ImagingError: a file is missing or damaged.
    """
    seconds = COLUMNS.index("seconds")
    hashed = hashlib.sha256()
    for record in read_per_image(directory / PER_IMAGE):
        row = cells(record)
        hashed.update((json.dumps([record.level, *row[:seconds], *row[seconds + 1 :]]) + "\n").encode())
    names = (METRICS, SUMMARY)
    return {PER_IMAGE: hashed.hexdigest()} | {name: file_hash(directory / name) for name in names}


def close_ledger(directory: Path, task: Reconstruction) -> None:
    """Append the closing line to a run's ledger, if it has one, after its test.

    Args:
        directory: of the run.
        task: with the weights that were tested.
    """
    path = directory / LEDGER
    if not path.is_file():
        return
    lines = truncate(path, sys.maxsize).lines
    if lines:
        end = Line("end", lines[-1].step, weights=digest(task.state_dict()), facts=result_hashes(directory))
        append(path, end, lines[-1].chain)


def check_results(run: Recorded) -> Iterator[Check]:
    """Whether the results are those of the closing line, and the means those of the records."""
    end, right = run.ledger.end, True
    assert end is not None
    try:
        here = result_hashes(run.directory)
        result, _ = read_result(run.directory, run.config)
    except ImagingError as error:
        yield Check(False, str(error))
        return
    for name, value in here.items():
        if (before := end.facts.get(name, "")) != value:
            right = False
            yield Check(False, f"{name} was changed (ledger {short(before)}, here {short(value)})")
    for line in inconsistencies(run.directory, result):
        right = False
        yield Check(False, line)
    if right:
        yield Check(True, f"{', '.join(here)} are those of the test, and follow from each other")


def inconsistencies(directory: Path, result: Result) -> Iterator[str]:
    """A line for each file of means that does not follow from the records."""
    rows = summarise(result)
    if (directory / SUMMARY).read_bytes() != summary_csv(rows, [result.level]).encode():
        yield f"{SUMMARY} does not follow from {PER_IMAGE}"
    expected = flat_numbers(rows, result.level) | result.numbers
    there = {name: value for name, value in read_metrics(directory).items() if name.startswith("test/")}
    for name in sorted(expected.keys() | there.keys()):
        if not _is_close(there.get(name), expected.get(name), 1e-9):
            yield f"{METRICS}: {name} is {there.get(name)}; from {PER_IMAGE} it is {expected.get(name)}"


def read_metrics(directory: Path) -> dict:
    """The numbers in a run's `metrics.json`; empty if it cannot be read."""
    try:
        content = json.loads((directory / METRICS).read_bytes().decode())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def check_validation(run: Recorded, values: dict[str, float]) -> Check:
    """Whether the validation in `metrics.json` is that of the tested weights.

    Args:
        run: the run.
        values: from `imaging.training.again.validate_again`.
    """
    there = {name: value for name, value in read_metrics(run.directory).items() if name.startswith("val/")}
    for name in sorted(there.keys() | values.keys()):
        before, here = there.get(name), values.get(name)
        if not _is_close(before, here, NEAR):
            return Check(False, f"{METRICS}: {name} is {before}; validated again, {here}")
    return Check(True, f"{METRICS} has the validation of the tested weights, within {NEAR:g} dB")


def check_images(
    run: Recorded, task: Reconstruction, images, count: int | None, draw: random.Random
) -> Iterator[Check]:
    """Test some images again, with every noise, and compare each number of their records.

    Args:
        run: the run.
        task: with the tested weights, on its device.
        images: all test images, a sequence of (id, image).
        count: the number of images; None: all.
        draw: chooses them.
    """
    protocol = Protocol.of(run.config)
    try:
        records = {record.key: record for record in read_per_image(run.directory / PER_IMAGE)}
    except ImagingError as error:
        yield Check(False, str(error))
        return
    names = [name for name, _ in images]
    if len(records) != len(names) * len(protocol.levels) * protocol.noise_seeds:
        yield Check(False, f"{PER_IMAGE} has {len(records)} records; the test has {len(names)} images")
        return
    chosen = set(draw.sample(names, min(count, len(names))) if count is not None else names)
    weights, tested = network_digest(task.network), 0

    def select(first: int, batch: list[str]) -> bool:
        # A batch is repeated as a whole, since the digits of a result depend on it.
        return not chosen.isdisjoint(batch)

    for record in run_protocol(task, images, protocol, "", "", select=select, weights=weights):
        if record.image not in chosen:
            continue
        before = records.get(record.key)
        noise = f"{record.level} {record.sigma:g}, noise seed {record.noise_seed}"
        if difference := "has no record" if before is None else differing_record(before, record):
            yield Check(False, f"{PER_IMAGE}: {record.image}, {noise}: {difference}")
            return
        tested += 1
    which = f": {', '.join(sorted(chosen))}" if len(chosen) <= 4 else ""
    number = f"{len(chosen)} of {len(names)} images, {tested} records"
    yield Check(True, f"{number}, tested again with the weights of last.ckpt{which}; within {NEAR:g} dB")


def differing_record(before: Record, here: Record) -> str | None:
    """How a record differs from the one that was measured here; None if it does not."""
    if before.weights != here.weights:
        return f"the weights are {before.weights}; those of last.ckpt are {here.weights}"
    if before.numbers.keys() != here.numbers.keys():
        return f"its numbers are {brief([*before.numbers])}; expected {brief([*here.numbers])}"
    for name in ("psnr", "psnr_input", "ssim"):
        there, value = getattr(before, name), getattr(here, name)
        if not _is_close(there, value, NEAR):
            return f"{name} is {there:g}; measured again, {value:g}"
    for name, there in before.numbers.items():
        if not math.isclose(there, here.numbers[name], rel_tol=NEAR):
            return f"{name} is {there:g}; measured again, {here.numbers[name]:g}"
    return None


def _is_close(one, other, by: float) -> bool:
    """Whether two numbers differ by `by` at most, or neither is finite, for which JSON has null."""
    numbers = [math.nan if value is None else value for value in (one, other)]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in numbers):
        return False
    finite = [math.isfinite(value) for value in numbers]
    return abs(numbers[0] - numbers[1]) <= by if all(finite) else not any(finite)
