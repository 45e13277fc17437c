"""The files in which an evaluation ends: written, and read back, without torch."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from imaging.errors import ImagingError
from imaging.evaluation.records import Record, read_per_image
from imaging.files import write_atomically
from imaging.places import command_line

KINDS = ("clean", "measured", "restored")
EXAMPLES, VIEW, PER_IMAGE = "examples.npz", "linear_view.npz", "per_image.csv"


@dataclass
class Result:
    """What the test of one run has come to.

    Args:
        run: its name in the records.
        config: its own, resolved.
        records: one for each image, sigma and draw of the noise.
        examples: `names` and `sigma` of some images, and their arrays (C, H, W) in lists `clean`, `measured`
            and `restored`.
        view: see `imaging.evaluation.linear_view`; None if the network is none of those.
        directory: of the run, where its training curves are.
        command: makes the run again.
        means: over the images by sigma, kept by `imaging.evaluation.table.mean_of`.
    """

    run: str
    config: dict
    records: list[Record]
    examples: dict[str, list] = field(default_factory=lambda: {"names": []})
    view: dict[str, np.ndarray] | None = None
    directory: Path | None = None
    command: str | None = None
    means: dict[str, dict[float, float]] = field(default_factory=dict, repr=False)

    @property
    def method(self) -> str:
        return self.records[0].method

    @property
    def numbers(self) -> dict[str, float]:
        """The means over images and draws of what only the task measures: `test/<name>/<sigma>`."""
        values: dict[str, list[float]] = {}
        for record in self.records:
            for name, value in record.numbers.items():
                values.setdefault(f"test/{name}/{record.sigma:g}", []).append(value)
        return {name: sum(some) / len(some) for name, some in values.items()}


def flat_numbers(rows: list[dict]) -> dict[str, float]:
    """Rows of one run as flat names: `test/psnr/0.1`, `test/psnr_input/0.1`, `test/ssim/0.1`."""
    numbers = {}
    for row in rows:
        for name in ("psnr", "psnr_input", "ssim"):
            numbers[f"test/{name}/{row['sigma']:g}"] = row[f"{name}_mean"]
    return numbers


def write_pictures(directory: Path, result: Result) -> None:
    """Write `examples.npz` of one run, and its linear view if it has one."""
    examples = result.examples
    arrays = {"names": np.array(examples["names"]), "sigma": np.array(examples.get("sigma", np.nan))}
    for kind in KINDS:
        for index, image in enumerate(examples.get(kind, [])):
            arrays[f"{kind}_{index}"] = image.astype(np.float16)
    _write_arrays(directory / EXAMPLES, arrays)
    if result.view is not None:
        _write_arrays(directory / VIEW, result.view)


def read_result(
    directory: Path, config: dict, command: str | None = None, tested: int | None = None
) -> tuple[Result, list[str]]:
    """What the test of a run has left in its directory, and a line for each of its pictures that is damaged.

    Args:
        tested: how many records there must be; None: it is not known.

    Raises:
        ImagingError: its records are not there, damaged, or not whole; or it diverged.
    """
    again = f"to test it again: {command_line('evaluate', f'run={directory}')}"
    try:
        records = read_per_image(directory / PER_IMAGE)
        if not records or (tested is not None and len(records) != tested):
            raise ImagingError(f"{PER_IMAGE} has {len(records)} records of {tested or 'some'}")
    except ImagingError as error:
        raise ImagingError(f"{error}; {again}") from None
    refuse_diverged(records)
    if any(record.run != directory.name for record in records):  # it has another name since
        records = [replace(record, run=directory.name) for record in records]
    result, damaged = Result(directory.name, config, records), []
    result.directory, result.command = directory, command
    for name, read in ((EXAMPLES, _examples), (VIEW, _view)):
        if (directory / name).is_file():
            try:
                read(result, _read_arrays(directory / name))
            except Exception:  # numpy and zipfile meet broken bytes with a dozen kinds of exception
                damaged.append(f"the pictures of {name}, which cannot be read; {again}")
    return result, damaged


def refuse_diverged(records: Iterable[Record]) -> None:
    """Refuse numbers that are none.

    Raises:
        ImagingError: a PSNR is not a number.
    """
    bad = next((record for record in records if math.isnan(record.psnr)), None)
    if bad is not None:
        raise ImagingError(f"the PSNR of image {bad.image} is not a number: the training diverged")


def _examples(result: Result, arrays: dict[str, np.ndarray]) -> None:
    examples = {"names": arrays["names"].tolist(), "sigma": float(arrays["sigma"])}
    for kind in KINDS:
        examples[kind] = [arrays[f"{kind}_{i}"].astype(np.float32) for i in range(len(examples["names"]))]
        if any(image.ndim != 3 for image in examples[kind]):
            raise ValueError("not images")
    result.examples = examples


def _view(result: Result, arrays: dict[str, np.ndarray]) -> None:
    wanted = ("sigmas", "center", "measured", "restored", "filters", "singular_values")
    result.view = {name: arrays[name] for name in wanted}


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_atomically(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)
