"""The one table of results: every run with its settings, and what runs of one configuration come to."""

import csv
import io
import math
import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from imaging.evaluation.factors import (
    SUMMARY_HEAD,
    SUMMARY_TAIL,
    cell,
    factors,
    of_measurement,
    spoken,
    varied,
)
from imaging.evaluation.outputs import Result
from imaging.evaluation.records import COLUMNS, Record, cells, per_image_csv

MEASURED = "measured y"


@dataclass(frozen=True)
class Cell:
    """The runs of one configuration, which differ in their seed alone.

    Args:
        method: the network's name.
        settings: what is varied, but for the seed. 'run' is among it if nothing else tells two runs of the
            table apart, and None in the cells where all are told apart.
        results: one a seed.
        measurement: those of the settings that its measurements depend on.
    """

    method: str
    settings: dict
    results: list[Result]
    measurement: dict

    @property
    def label(self) -> str:
        """'dncnn, bias no, training sigma 0.1'."""
        return ", ".join([self.method, *described(self.settings)])


class Table:
    """Results of several runs.

    Args:
        results: of the runs that have some, each with records.
        configs: of all runs, also of those without results, by run; None: those of the results.
    """

    def __init__(self, results: list[Result], configs: dict[str, dict] | None = None):
        self.results = results
        configs = configs or {result.run: result.config for result in results}
        self.names = factors(configs)
        self.settings, self._of_measurement = varied(configs, self.names), of_measurement(self.names)
        self.records = [record for result in results for record in result.records]
        self.sigmas = sorted({record.sigma for record in self.records})

    @cached_property
    def seeded(self) -> bool:
        """Whether runs differ in their seed."""
        return any("seed" in settings for settings in self.settings.values())

    @cached_property
    def cells(self) -> list[Cell]:
        """The configurations, each once, in the order of their first runs."""
        alike: dict[str, list[Result]] = {}
        for result in self.results:
            alike.setdefault(repr((result.method, self.settings[result.run])), []).append(result)
        # Weights of one kind, say, of which their names alone tell what they are.
        named = {result.run for group in alike.values() if len(group) > 1 for result in group}
        groups: dict[str, tuple[dict, list[Result]]] = {}
        for result in self.results:
            settings = {k: v for k, v in self.settings[result.run].items() if k != "seed"}
            if named:
                settings = {"run": result.run if result.run in named else None} | settings
            groups.setdefault(repr((result.method, settings)), (settings, []))[1].append(result)
        return [
            Cell(
                results[0].method,
                settings,
                results,
                {k: v for k, v in settings.items() if k in self._of_measurement},
            )
            for settings, results in groups.values()
        ]

    @cached_property
    def measurements(self) -> dict[str, list[Cell]]:
        """The cells that meet the same measurements, by how to call these: 'measured y, psf sigma 2'."""
        groups: dict[str, list[Cell]] = {}
        for one in self.cells:
            label = ", ".join([MEASURED, *described(one.measurement)])
            groups.setdefault(label, []).append(one)
        return groups

    def summary(self) -> list[dict]:
        """One row a run and sigma, with the columns of `summary.csv`."""
        return [row for result in self.results for row in summarise(result, self.settings[result.run])]


def described(settings: dict) -> list[str]:
    """'bias no', 'training sigma 0.1'; a run only where its name is needed."""
    needed = ((name, value) for name, value in settings.items() if name != "run" or value is not None)
    return [f"{spoken(name)} {cell(value)}" for name, value in needed]


VALUES: dict[str, Callable[[Record], float]] = {
    "psnr": lambda record: record.psnr,
    "gain": lambda record: record.psnr - record.psnr_input,
    "psnr_input": lambda record: record.psnr_input,
    "ssim": lambda record: record.ssim,
}


def mean(values: Iterable[float]) -> float:
    """The mean; infinite if a value is, and nan if one is or infinities cancel."""
    values = list(values)
    return statistics.fmean(values) if all(map(math.isfinite, values)) else sum(values)


def deviation(values: list[float]) -> float:
    """Standard deviation with n - 1; nan of one value, and where a value is infinite or nan."""
    finite = len(values) > 1 and all(map(math.isfinite, values))
    return statistics.stdev(values) if finite else math.nan


def mean_of(result: Result, sigma: float, value: str = "psnr") -> float | None:
    """The mean over the images and draws of a run at one sigma; None if it was not tested there.

    Args:
        value: a key of `VALUES`.
    """
    if value not in result.means:
        of_sigma: dict[float, list[float]] = {}
        for record in result.records:
            of_sigma.setdefault(record.sigma, []).append(VALUES[value](record))
        result.means[value] = {s: mean(values) for s, values in of_sigma.items()}
    return result.means[value].get(sigma)


def summarise(result: Result, settings: dict | None = None) -> list[dict]:
    """One row a sigma of a run, in the order in which they were measured.

    Args:
        settings: its varied ones; each becomes a column.

    Returns:
        dicts with the columns of `summary.csv`; `psnr_std` is the standard deviation over the images (with
        n - 1), means are plain means over images in dB.
    """
    groups: dict[float, list[Record]] = {}
    for record in result.records:
        groups.setdefault(record.sigma, []).append(record)
    return [
        {
            "run": result.run,
            "method": result.method,
            **(settings or {}),
            "sigma": sigma,
            "n_images": len({r.image for r in group}),
            "psnr_mean": mean_of(result, sigma),
            "psnr_std": deviation([r.psnr for r in group]),
            "psnr_input_mean": mean_of(result, sigma, "psnr_input"),
            "gain_mean": mean_of(result, sigma, "gain"),
            "ssim_mean": mean_of(result, sigma, "ssim"),
        }
        for sigma, group in groups.items()
    ]


def summary_csv(rows: list[dict]) -> str:
    """The text of `summary.csv`, every varied setting as its own column."""
    ends = {*SUMMARY_HEAD, *SUMMARY_TAIL}
    between = dict.fromkeys(name for row in rows for name in row if name not in ends)
    tail = [name for name in SUMMARY_TAIL if name != "state" or any("state" in row for row in rows)]
    rounded = [
        {k: f"{v:.4f}" if k.endswith(("_mean", "_std")) and k in ends else v for k, v in row.items()}
        for row in rows
    ]
    return _csv([*SUMMARY_HEAD, *between, *tail], rounded)


def records_csv(table: Table) -> str:
    """The text of a `per_image.csv`: the records of all runs, with what each run varied.

    That of a single run is the one that its own test writes, with checksums, and can be read back.
    """
    if len(table.results) == 1 and not any(table.settings.values()):
        return per_image_csv(table.records)
    names = list(next(iter(table.settings.values()), {}))
    numbers = list(dict.fromkeys(name for record in table.records for name in record.numbers))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, *names, *numbers])
    for result in table.results:
        settings = [table.settings[result.run].get(name) for name in names]
        for record in result.records:
            row = cells(record)[: len(COLUMNS)]
            writer.writerow(row + settings + [_number(record.numbers.get(name)) for name in numbers])
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _csv(columns: list[str], rows: list[dict]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
