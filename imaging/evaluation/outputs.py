"""The files in which an evaluation ends: written, and read back, without torch."""

from pathlib import Path

import numpy as np

from imaging.evaluation.records import Record, per_image_csv, summarise, summary_csv
from imaging.files import write_atomically, write_text


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


def as_arrays(examples) -> dict[str, list]:
    """An `imaging.evaluation.evaluate.Examples` as `read_examples` would give it."""
    images = {
        kind: [image.float().numpy() for image in getattr(examples, kind)]
        for kind in ("clean", "measured", "restored")
    }
    return {"names": list(examples.names), "sigma": examples.sigma, **images}


def write_examples(directory: Path, examples) -> None:
    """Write `examples.npz`: names, and for each image arrays clean_0, measured_0, restored_0, …

    Args:
        examples: an `imaging.evaluation.evaluate.Examples`.
    """
    arrays = {"names": np.array(examples.names), "sigma": np.array(examples.sigma)}
    for kind in ("clean", "measured", "restored"):
        for index, image in enumerate(getattr(examples, kind)):
            arrays[f"{kind}_{index}"] = image.half().numpy()
    write_atomically(directory / "examples.npz", lambda file: np.savez_compressed(file, **arrays))


def read_examples(directory: Path) -> dict[str, list]:
    """The contents of `examples.npz` as lists of float32 arrays (C, H, W), and `names` and `sigma`."""
    with np.load(directory / "examples.npz") as file:
        count = len(file["names"])
        images = {
            kind: [file[f"{kind}_{i}"].astype(np.float32) for i in range(count)]
            for kind in ("clean", "measured", "restored")
        }
        return {"names": list(file["names"]), "sigma": float(file["sigma"]), **images}
