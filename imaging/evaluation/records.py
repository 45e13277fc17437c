"""Records of single images, and the file to which they are appended while they are measured."""

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
from imaging.quality import EXPECTED, NAMES

CHECK = "crc32"  # column with the checksum of the rest of the line


@dataclass(frozen=True)
class Record:
    """One restored image.

    Args:
        run, data, image: names of the run, the data set and the image.
        sigma: the level of the test noise: its standard deviation, for intensities in [0, 1], or another
            number that `level` names.
        noise_seed: number of the draw of the noise.
        method: name of the network.
        psnr, psnr_input: PSNR in dB of the estimate and of the measurement, by `convention`.
        ssim: SSIM of the estimate; nan if a side is below 11 pixels.
        seconds: time that the network took.
        convention: a name of `imaging.metrics.CONVENTIONS`.
        weights: digest of the network's weights; '' in files of earlier versions.
        numbers: the task's own metrics, by name.
        level: the name of the noise's level, e.g. sigma or peak; the header of its column.
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
    level: str = "sigma"

    @property
    def key(self) -> tuple[str, float, int]:
        """Image, sigma and noise seed, which identify the record in its run."""
        return self.image, self.sigma, self.noise_seed


PLAIN = {name: kind for name, kind in get_type_hints(Record).items() if name not in ("numbers", "level")}
COLUMNS = list(PLAIN)
LEVEL = COLUMNS.index("sigma")
DECIMALS = {"psnr": 4, "psnr_input": 4, "ssim": 4, "seconds": 6}


def cells(record: Record) -> list[str]:
    """The cells of a record's line; two machines do not agree on more than the four decimals of PSNR."""
    values = (getattr(record, name) for name in COLUMNS)
    plain = [
        f"{v:.{DECIMALS[n]}f}" if n in DECIMALS else str(v) for n, v in zip(COLUMNS, values, strict=True)
    ]
    return plain + [f"{value:.6g}" for value in record.numbers.values()]


def columns(level: str, expected: bool = False) -> list[str]:
    """The header of records whose noise level has this name, and whose PSNR is expected or measured."""
    names = [*COLUMNS[:LEVEL], level, *COLUMNS[LEVEL + 1 :]]
    return [name.replace("psnr", NAMES[expected]) for name in names]


def round_trip(record: Record) -> Record:
    """The record with the digits that its file has, so that a stopped test continues with the same values."""
    return _parsed(cells(record), list(record.numbers), record.level)


def per_image_csv(records: list[Record]) -> str:
    """The text of a run's `per_image.csv`: a header row, then one record per line with its checksum."""
    first = records[0]
    head = _line([*columns(first.level, first.convention == EXPECTED), *first.numbers, CHECK])
    return head + "".join(_checked(cells(record), record.level) for record in records)


class RecordFile:
    """A `per_image.csv` to which records are appended while a test runs.

    Args:
        path: the file. Records of an existing file are kept up to the first damaged line; if they belong to
            another test, all are dropped.
        common: fields that all records of the test share, e.g. weights and convention.
    """

    def __init__(self, path: Path, common: dict[str, str]):
        self.path = path
        self.records: dict[tuple, Record] = {}
        self._bytes = 0
        if path.is_file():
            records, self._bytes, _ = _read(path)
            if any(getattr(record, name) != value for record in records for name, value in common.items()):
                records, self._bytes = [], 0
            self.records = {r.key: r for r in records}

    def append(self, records: Iterable[Record]) -> None:
        """Write the records that are not in the file yet."""
        new = [record for record in records if record.key not in self.records]
        if not new:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = per_image_csv(new)
        if self._bytes:
            text = text.split("\n", 1)[1]  # the file has a header already
        data = text.encode()
        with open(self.path, "r+b" if self._bytes else "wb") as file:
            file.truncate(self._bytes)  # removes an incomplete line
            file.seek(self._bytes)
            file.write(data)
        self._bytes += len(data)
        self.records |= {record.key: record for record in new}

    def finish(self) -> None:
        """Flush the file to the disk."""
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())


def read_per_image(path: Path | str) -> list[Record]:
    """Read and verify the records of a run's `per_image.csv`.

    Raises:
        ImagingError: the file cannot be read, a line is damaged, or an image does not have every noise.
    """
    path = Path(path)
    records, _, reason = _read(path)
    if reason is not None:
        raise ImagingError(f"{path.name}, {reason}")
    keys = {r.key for r in records}
    noises = {key[1:] for key in keys}
    if len(keys) < len(records) or len(keys) < len({key[0] for key in keys}) * len(noises):
        raise ImagingError(f"{path.name} does not have each image exactly once with each noise")
    if len({(r.run, r.data, r.method, r.convention, r.weights, *r.numbers) for r in records}) > 1:
        raise ImagingError(f"{path.name} has records of more than one test")
    return records


def _read(path: Path) -> tuple[list[Record], int, str | None]:
    """The records before the first damaged line, their length in bytes, and what is wrong with that line."""
    try:
        lines = path.read_bytes().split(b"\n")  # as bytes, since one line may not be valid UTF-8
    except OSError as error:
        return [], 0, f"cannot be read: {error.strerror}"
    try:
        header = next(csv.reader([lines[0].decode()]), [])
    except (UnicodeDecodeError, csv.Error):
        header = []
    checked, expected = (
        header[-1:] == [CHECK],
        columns("".join(header[LEVEL : LEVEL + 1]), NAMES[True] in header),
    )
    older = header == COLUMNS[: COLUMNS.index("weights")]
    if not older and not (checked and header[: len(COLUMNS)] == expected and expected[LEVEL].isidentifier()):
        return [], 0, "line 1 is not the header of a table of records"
    records: list[Record] = []
    length = len(lines[0]) + 1
    for number, line in enumerate(lines[1:], start=2):
        last = number == len(lines)
        if last and not line:
            return records, length, None
        record = None if last else _record(line, header, checked)
        if record is None:
            return records, length, f"line {number} is {'cut short' if last else 'damaged'}"
        records.append(record)
        length += len(line) + 1
    return [], 0, "line 1 is cut short"


def _record(line: bytes, header: list[str], checked: bool) -> Record | None:
    """The record in a line; None if the line is damaged."""
    try:
        text = line.decode()
        (row,) = csv.reader([text], strict=True)
        whole = not checked or text == _checked(row[:-1], header[LEVEL]).removesuffix("\n")
        if len(row) != len(header) or not whole:
            return None
        record = _parsed(row[:-1] if checked else row, header[len(COLUMNS) : -1], header[LEVEL])
    except (ValueError, csv.Error):
        return None
    valid = 0 <= record.sigma < math.inf and record.noise_seed >= 0 and record.image and record.method
    return record if valid else None


def _parsed(row: list[str], numbers: list[str], level: str) -> Record:
    plain = {name: kind(value) for (name, kind), value in zip(PLAIN.items(), row, strict=False)}
    values = map(float, row[len(PLAIN) :])
    return Record(**plain, numbers=dict(zip(numbers, values, strict=True)), level=level)


def _checked(row: list[str], level: str) -> str:
    """The line with its checksum, which covers the name of the level, unless it is sigma."""
    text = _line(row)
    covered = text if level == "sigma" else f"{level},{text}"
    return f"{text.removesuffix(chr(10))},{zlib.crc32(covered.encode()):08x}\n"


def _line(row: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue()
