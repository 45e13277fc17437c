"""Per-image records and the file that they are appended to as they are measured."""

import csv
import io
import math
import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_type_hints

from imaging.errors import ImagingError

CHECK = "crc32"  # of the line before it, so that a changed digit is noticed


@dataclass(frozen=True)
class Record:
    """One restored image.

    Args:
        run, data, image: names of the run, the data set and the image.
        sigma: standard deviation of the noise at test, of intensities in [0, 1].
        noise_seed: which draw of it.
        method: the network's name.
        psnr, psnr_input: in dB by `convention`, of the estimate and of the measurement.
        ssim: of the estimate; nan below 11 pixels a side.
        seconds: the network took.
        convention: a name of `imaging.metrics.CONVENTIONS`.
        weights: digest of the network's weights; '' in files that were written before it was recorded.
        numbers: what only the task measures, by name.
    """

    run: str
    data: str
    image: str
    sigma: float
    noise_seed: int
    method: str
    psnr: float
    psnr_input: float
    ssim: float
    seconds: float
    convention: str
    weights: str = ""
    numbers: dict[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, float, int]:
        """Which measurement it is of its run."""
        return self.image, self.sigma, self.noise_seed


PLAIN = {name: kind for name, kind in get_type_hints(Record).items() if name != "numbers"}
COLUMNS = list(PLAIN)
DECIMALS = {"psnr": 4, "psnr_input": 4, "ssim": 4, "seconds": 6}


def cells(record: Record) -> list[str]:
    """A record as the cells of its line; PSNR to four decimals, far below what two machines agree on."""
    values = (getattr(record, name) for name in COLUMNS)
    plain = [
        f"{v:.{DECIMALS[n]}f}" if n in DECIMALS else str(v) for n, v in zip(COLUMNS, values, strict=True)
    ]
    return plain + [f"{value:.6g}" for value in record.numbers.values()]


def as_written(record: Record) -> Record:
    """The record that will be read back: a stopped test goes on with the same digits."""
    return _parsed(cells(record), list(record.numbers))


def per_image_csv(records: list[Record]) -> str:
    """The text of a run's `per_image.csv`: a header row, one record a line, no units in the cells."""
    head = _line([*COLUMNS, *records[0].numbers, CHECK])
    return head + "".join(_checked(cells(record)) for record in records)


class RecordFile:
    """A `per_image.csv` that grows while a test runs: a header, then a record a line with its checksum.

    Args:
        path: the file. If it is there, its records are kept up to the first line that is not whole; all are
            dropped if they are of another test.
        same: what all records of the test have: weights, convention, …
    """

    def __init__(self, path: Path, same: dict[str, str]):
        self.path = path
        self.records: dict[tuple, Record] = {}
        self._bytes = 0
        if path.is_file():
            whole, self._bytes, _ = _read(path)
            if any(getattr(record, name) != value for record in whole for name, value in same.items()):
                whole, self._bytes = [], 0
            self.records = {r.key: r for r in whole}

    def append(self, records: Iterable[Record]) -> None:
        """Write those records that are not there yet, and flush them to the system."""
        new = [record for record in records if record.key not in self.records]
        if not new:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = per_image_csv(new)
        if self._bytes:
            text = text.split("\n", 1)[1]  # the header is there
        data = text.encode()
        with open(self.path, "r+b" if self._bytes else "wb") as file:
            file.truncate(self._bytes)  # a line that was cut
            file.seek(self._bytes)
            file.write(data)
        self._bytes += len(data)
        self.records |= {record.key: record for record in new}

    def finish(self) -> None:
        """Flush the file to the disk."""
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())


def read_per_image(path: Path | str) -> list[Record]:
    """The records of a run's `per_image.csv`, every line verified.

    Raises:
        ImagingError: it cannot be read, or a line is not what was written, or lines are missing: every image
            must have every noise.
    """
    path = Path(path)
    records, _, reason = _read(path)
    if reason is not None:
        raise ImagingError(f"{path.name}, {reason}")
    keys = {r.key for r in records}
    noises = {key[1:] for key in keys}
    if len(keys) < len(records) or len(keys) < len({key[0] for key in keys}) * len(noises):
        raise ImagingError(f"{path.name} has not each image once with each noise")
    if len({(r.run, r.data, r.method, r.convention, r.weights, *r.numbers) for r in records}) > 1:
        raise ImagingError(f"{path.name} has records of more than one test")
    return records


def _read(path: Path) -> tuple[list[Record], int, str | None]:
    """The records up to the first line that is not whole, the bytes up to there, and what is wrong there."""
    try:
        # Line by line as bytes: a line that was cut, or a stray byte, must not shift those before it.
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        return [], 0, f"cannot be read: {error.strerror}"
    try:
        header = next(csv.reader([lines[0].decode()]), [])
    except (UnicodeDecodeError, csv.Error):
        header = []
    checked = header[-1:] == [CHECK]
    older = header == COLUMNS[: COLUMNS.index("weights")]
    if not older and not (checked and header[: len(COLUMNS)] == COLUMNS):
        return [], 0, "line 1 is not the header of records"
    records: list[Record] = []
    length = len(lines[0]) + 1
    for number, line in enumerate(lines[1:], start=2):
        last = number == len(lines)
        if last and not line:
            return records, length, None
        record = None if last else _record(line, header, checked)
        if record is None:
            return records, length, f"line {number} is {'cut short' if last else 'not what was written'}"
        records.append(record)
        length += len(line) + 1
    return [], 0, "line 1 is cut short"


def _record(line: bytes, header: list[str], checked: bool) -> Record | None:
    """The record in a line; None if it is damaged."""
    try:
        text = line.decode()
        (row,) = csv.reader([text], strict=True)
        if len(row) != len(header) or (checked and text != _checked(row[:-1]).removesuffix("\n")):
            return None
        record = _parsed(row[:-1] if checked else row, header[len(COLUMNS) : -1])
    except (ValueError, csv.Error):
        return None
    positive = 0 <= record.sigma < math.inf and record.noise_seed >= 0
    return record if positive and record.image and record.method else None


def _parsed(row: list[str], numbers: list[str]) -> Record:
    plain = {name: kind(value) for (name, kind), value in zip(PLAIN.items(), row, strict=False)}
    values = map(float, row[len(PLAIN) :])
    return Record(**plain, numbers=dict(zip(numbers, values, strict=True)))


def _checked(row: list[str]) -> str:
    text = _line(row)
    return f"{text.removesuffix(chr(10))},{zlib.crc32(text.encode()):08x}\n"


def _line(row: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
