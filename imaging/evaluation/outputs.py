"""The files in which an evaluation ends: written, and read back, without torch."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from imaging.evaluation.records import Record, per_image_csv, read_per_image, summarise, summary_csv
from imaging.files import write_atomically, write_text

KINDS = ("clean", "measured", "restored")
EXAMPLES, VIEW = "examples.npz", "linear_view.npz"


@dataclass
class Result:
    """What the test of one run has come to.

    Args:
        run: its name in the records.
        config: its own, resolved.
        records: one for each image, sigma and draw of the noise.
        examples: `names` and `sigma` of some images, and their arrays (C, H, W) in lists `clean`, `measured`
            and `restored`.
        numbers: what only its task knows, by flat names.
        view: see `imaging.evaluation.linear_view`; None if the network is none of those.
        directory: of the run, where its training curves are.
        command: makes the run again.
    """

    run: str
    config: dict
    records: list[Record]
    examples: dict[str, list] = field(default_factory=lambda: {"names": []})
    numbers: dict[str, float] = field(default_factory=dict)
    view: dict[str, np.ndarray] | None = None
    directory: Path | None = None
    command: str | None = None

    @property
    def method(self) -> str:
        return self.records[0].method


def flat_numbers(rows: list[dict]) -> dict[str, float]:
    """Rows of one run as flat names: `test/psnr/0.1`, `test/psnr_input/0.1`, `test/ssim/0.1`."""
    numbers = {}
    for row in rows:
        for name in ("psnr", "psnr_input", "ssim"):
            numbers[f"test/{name}/{row['sigma']:g}"] = row[f"{name}_mean"]
    return numbers


def write_tables(
    directory: Path,
    records: list[Record],
    varied: dict[str, dict] | None = None,
    states: dict[str, str] | None = None,
) -> list[dict]:
    """Write `per_image.csv` and `summary.csv`; returns the rows of the latter that have numbers.

    Args:
        varied: for each run its varied hyper-parameters; each becomes a column.
        states: of each run of a sweep; becomes a column, and a run without records has a row with its state.
    """
    rows = summarise(records, varied)
    told = rows
    if states is not None:
        tested = {row["run"] for row in rows}
        told = [row | {"state": states[row["run"]]} for row in rows]
        told += [
            {"run": run, **(varied or {}).get(run, {}), "state": state}
            for run, state in states.items()
            if run not in tested
        ]
    write_text(directory / "per_image.csv", per_image_csv(records))
    write_text(directory / "summary.csv", summary_csv(told))
    return rows


def write_result(directory: Path, result: Result) -> list[dict]:
    """Write the tables of one run, `examples.npz`, and its linear view if it has one; returns the rows."""
    rows = write_tables(directory, result.records)
    examples = result.examples
    arrays = {"names": np.array(examples["names"]), "sigma": np.array(examples.get("sigma", np.nan))}
    for kind in KINDS:
        for index, image in enumerate(examples.get(kind, [])):
            arrays[f"{kind}_{index}"] = image.astype(np.float16)
    _write_arrays(directory / EXAMPLES, arrays)
    if result.view is not None:
        _write_arrays(directory / VIEW, result.view)
    return rows


def read_result(directory: Path, config: dict, command: str | None = None) -> Result | None:
    """What `write_result` has left in a run's directory; None if there is no `per_image.csv`."""
    if not (directory / "per_image.csv").is_file():
        return None
    result = Result(directory.name, config, read_per_image(directory / "per_image.csv"))
    result.directory, result.command = directory, command
    if (directory / EXAMPLES).is_file():
        file = _read_arrays(directory / EXAMPLES)
        result.examples = {"names": file["names"].tolist(), "sigma": float(file["sigma"])}
        for kind in KINDS:
            images = (file[f"{kind}_{i}"] for i in range(len(file["names"])))
            result.examples[kind] = [image.astype(np.float32) for image in images]
    if (directory / VIEW).is_file():
        result.view = _read_arrays(directory / VIEW)
    return result


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    write_atomically(path, lambda file: np.savez_compressed(file, **arrays))


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return dict(file)
