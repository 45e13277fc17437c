"""Per-image records, and the two CSV files in which an evaluation ends."""

import csv
import io
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

# No run may call a hyper-parameter by one of these names: they are columns of summary.csv already.
SUMMARY_HEAD = ("run", "method")
SUMMARY_TAIL = ("sigma", "n_images", "psnr_mean", "psnr_std", "psnr_input_mean", "gain_mean", "ssim_mean")


@dataclass(frozen=True)
class Record:
    """One restored image: PSNR in dB by `convention`, sigma of intensities in [0, 1], network's seconds."""

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


def per_image_csv(records: Iterable[Record]) -> str:
    """The text of `per_image.csv`: a header row, one record a line, no units in the cells."""
    return _csv([f.name for f in fields(Record)], [_rounded(asdict(r)) for r in records])


def read_per_image(path: Path | str) -> list[Record]:
    """The records of a `per_image.csv`."""
    with open(path, newline="") as file:
        return [
            Record(**{f.name: f.type(row[f.name]) for f in fields(Record)}) for row in csv.DictReader(file)
        ]


def summarise(records: Iterable[Record], varied: dict[str, dict] | None = None) -> list[dict]:
    """One row per (run, method, sigma), in the order in which they first appear.

    Args:
        records: of one or several runs.
        varied: for each run its varied hyper-parameters; each becomes a column.

    Returns:
        dicts with the columns of `summary.csv`; `psnr_std` is the standard deviation over the images
        (with n - 1; 0 for a single image), means are plain means over images in dB.
    """
    groups: dict[tuple, list[Record]] = {}
    for record in records:
        groups.setdefault((record.run, record.method, record.sigma), []).append(record)
    rows = []
    for (run, method, sigma), group in groups.items():
        values = [r.psnr for r in group]
        rows.append(
            {
                "run": run,
                "method": method,
                **(varied or {}).get(run, {}),
                "sigma": sigma,
                "n_images": len({r.image for r in group}),
                "psnr_mean": statistics.fmean(values),
                "psnr_std": _deviation(values),
                "psnr_input_mean": statistics.fmean(r.psnr_input for r in group),
                "gain_mean": statistics.fmean(r.psnr - r.psnr_input for r in group),
                "ssim_mean": statistics.fmean(r.ssim for r in group),
            }
        )
    return rows


def summary_csv(rows: list[dict]) -> str:
    """The text of `summary.csv`, every varied hyper-parameter as its own column."""
    between = dict.fromkeys(k for row in rows for k in row if k not in SUMMARY_HEAD + SUMMARY_TAIL)
    return _csv([*SUMMARY_HEAD, *between, *SUMMARY_TAIL], [_rounded(row) for row in rows])


def _deviation(values: list[float]) -> float:
    if len(values) < 2:
        return 0.0
    mean = statistics.fmean(values)
    return (sum((v - mean) ** 2 for v in values) / (len(values) - 1)) ** 0.5


def _rounded(row: dict) -> dict:
    # Four decimals of a dB are far below what two machines agree on; sigma and seconds keep theirs.
    digits = {
        "psnr",
        "psnr_input",
        "ssim",
        "psnr_mean",
        "psnr_std",
        "psnr_input_mean",
        "gain_mean",
        "ssim_mean",
    }
    return {k: f"{v:.4f}" if k in digits else f"{v:.6f}" if k == "seconds" else v for k, v in row.items()}


def _csv(columns: list[str], rows: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
