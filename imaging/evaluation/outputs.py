"""Write and read the result files of an evaluation, without torch."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from imaging.errors import ImagingError
from imaging.evaluation.records import Record, read_per_image
from imaging.files import write_atomically
from imaging.places import command_line
from imaging.quality import EXPECTED, NAMES

KINDS = ("clean", "measured", "restored")
EXAMPLES, VIEW, PER_IMAGE = "examples.npz", "linear_view.npz", "per_image.csv"


@dataclass
class Result:
    """The result of testing one run.

    Args:
        run: name of the run in the records.
        config: resolved config of the run.
        records: one record for each image, noise level and draw of the noise.
        examples: `names` and `sigma`, the noise level, of the example images; lists of arrays (C, H, W)
            `clean` (empty without clean images), `measured` and `restored`; and for a network that iterates a
            list `traces`, of each image a dict of arrays (iterations,).
        view: see `imaging.evaluation.linear_view.linear_view`.
        directory: directory of the run, which has its training curves.
        command: the command that reproduces the run.
        means: cache of `imaging.evaluation.table.mean_of`.
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
    def level(self) -> str:
        """The name of the noise's level: sigma, peak, …"""
        return self.records[0].level

    @property
    def expected(self) -> bool:
        """Whether the records have expected PSNR, without clean images."""
        return self.records[0].convention == EXPECTED

    @property
    def quality(self) -> str:
        """The name of the records' quality: psnr or expected_psnr."""
        return NAMES[self.expected]

    @property
    def numbers(self) -> dict[str, float]:
        """Means over images and draws of the task's own metrics, by `test/<name>/<sigma>`."""
        values: dict[str, list[float]] = {}
        for record in self.records:
            for name, value in record.numbers.items():
                values.setdefault(f"test/{name}/{record.sigma:g}", []).append(value)
        return {name: sum(numbers) / len(numbers) for name, numbers in values.items()}


def flat_numbers(rows: list[dict], level: str) -> dict[str, float]:
    """The means in the summary rows of one run by `test/psnr/0.1`, `test/psnr_input/0.1`, `test/ssim/0.1`;
    without clean images by `test/expected_psnr/0.1`, ….

    Args:
        rows: the rows of `imaging.evaluation.table.summarise`.
        level: the name of their noise level, e.g. "sigma".
    """
    names = (*NAMES, *(f"{name}_input" for name in NAMES), "ssim")
    return {
        f"test/{name}/{row[level]:g}": row[f"{name}_mean"]
        for row in rows
        for name in names
        if f"{name}_mean" in row
    }


def write_pictures(directory: Path, result: Result) -> None:
    """Write the `examples.npz` of one run, and its `linear_view.npz` if it has a linear view."""
    examples = result.examples
    arrays = {"names": np.array(examples["names"]), "sigma": np.array(examples.get("sigma", np.nan))}
    for kind in KINDS:
        for index, image in enumerate(examples.get(kind, [])):
            arrays[f"{kind}_{index}"] = image.astype(np.float16)
    for index, trace in enumerate(examples.get("traces", [])):
        arrays |= {f"trace_{index}_{name}": values for name, values in trace.items()}
    _write_arrays(directory / EXAMPLES, arrays)
    if result.view is not None:
        _write_arrays(directory / VIEW, result.view)


def read_result(
    directory: Path, config: dict, command: str | None = None, tested: int | None = None
) -> tuple[Result, list[str]]:
    """Read the test result of a run from its directory.

    Args:
        directory: the run directory.
        config: resolved config of the run.
        command: the command that reproduces the run.
        tested: the number of records that there must be; None if it is unknown.

    Returns:
        the result, and a line for each damaged file of pictures.

    Raises:
        ImagingError: the records are missing, damaged or incomplete, or the run diverged.
    """
    again = f"to test it again: {command_line('evaluate', f'run={directory}')}"
    try:
        records = read_per_image(directory / PER_IMAGE)
        if not records or (tested is not None and len(records) != tested):
            raise ImagingError(f"{PER_IMAGE} has {len(records)} records; expected {tested or 'some'}")
    except ImagingError as error:
        raise ImagingError(f"{error}; {again}") from None
    refuse_diverged(records)
    if any(record.run != directory.name for record in records):  # the directory has been renamed
        records = [replace(record, run=directory.name) for record in records]
    result, damaged = Result(directory.name, config, records), []
    result.directory, result.command = directory, command
    for name, read in ((EXAMPLES, _examples), (VIEW, _view)):
        if (directory / name).is_file():
            try:
                read(result, _read_arrays(directory / name))
            except Exception:  # numpy and zipfile raise many types for a damaged file
                damaged.append(f"the pictures of {name}, which cannot be read; {again}")
    return result, damaged


def refuse_diverged(records: Iterable[Record]) -> None:
    """Raise an ImagingError if a PSNR is nan."""
    bad = next((record for record in records if math.isnan(record.psnr)), None)
    if bad is not None:
        raise ImagingError(f"the PSNR of image {bad.image} is not a number: the training diverged")


def _examples(result: Result, arrays: dict[str, np.ndarray]) -> None:
    examples = {"names": arrays["names"].tolist(), "sigma": float(arrays["sigma"]), "level": result.level}
    count = len(examples["names"])
    for kind in KINDS:
        stored = (arrays.get(f"{kind}_{i}") for i in range(count))
        examples[kind] = [image.astype(np.float32) for image in stored if image is not None]
        if len(examples[kind]) not in ((0, count) if kind == "clean" else (count,)):
            raise ValueError("images are missing")
        if any(image.ndim != 3 for image in examples[kind]):
            raise ValueError("not images")
    traces = ({k: v for k, v in arrays.items() if k.startswith(f"trace_{i}_")} for i in range(count))
    examples["traces"] = [{k.split("_", 2)[2]: v for k, v in trace.items()} for trace in traces if trace]
    result.examples = examples


def _view(result: Result, arrays: dict[str, np.ndarray]) -> None:
    names = ("sigmas", "center", "measured", "restored", "filters", "singular_values")
    result.view = {name: arrays[name] for name in names}


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_atomically(path, lambda file: np.savez_compressed(file, **arrays))  # type: ignore[arg-type]


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)
