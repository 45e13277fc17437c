"""The table of results: every run with its settings, grouped into configurations."""

import csv
import io
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from imaging.evaluation.outputs import Result
from imaging.evaluation.records import COLUMNS, Record, cells, columns, per_image_csv
from imaging.evaluation.statistics.factors import (
    EXPECTED_COLUMNS,
    MEASURED_COLUMNS,
    SUMMARY_HEAD,
    SUMMARY_TAIL,
    factors,
    measurement_factors,
    name_text,
    value_text,
    varied_settings,
)
from imaging.quality import TEXTS

MEASURED = "measured y"


@dataclass(frozen=True)
class Cell:
    """The runs of one configuration, which differ only in their seed.

    Args:
        method: name of the network.
        settings: the varied settings except the seed. If two runs of the table have equal settings, there is
            a key 'run', which is None for the configurations that do not need it.
        results: one result per seed.
        measurement: the settings on which the measurements depend.
    """

    method: str
    settings: dict
    results: list[Result]
    measurement: dict

    @property
    def label(self) -> str:
        """'dncnn, bias no, training sigma 0.1'."""
        return ", ".join([self.method, *setting_labels(self.settings)])


class Table:
    """Results of several runs.

    Attributes:
        quality: the quantity of the results in words: PSNR, expected PSNR, or both.

    Args:
        results: the results, each with records.
        configs: configs of all runs by name, including runs without results; None: those of the results.
    """

    def __init__(self, results: list[Result], configs: dict[str, dict] | None = None):
        self.results = results
        configs = configs or {result.run: result.config for result in results}
        self.names = factors(configs)
        self.settings = varied_settings(configs, self.names)
        self.records = [record for result in results for record in result.records]
        self.sigmas = sorted({record.sigma for record in self.records})
        self.levels = list(dict.fromkeys(record.level for record in self.records)) or ["sigma"]
        expected = [result.expected for result in results]
        self.quality = "PSNR or expected PSNR" if len(set(expected)) > 1 else TEXTS[any(expected)]
        self.level = "noise level" if len(self.levels) > 1 else self.levels[0]

    @cached_property
    def seeded(self) -> bool:
        """Whether the runs differ in their seed."""
        return any("seed" in settings for settings in self.settings.values())

    @cached_property
    def cells(self) -> list[Cell]:
        """The configurations, in the order of their first runs."""
        equal: dict[str, list[Result]] = {}
        for result in self.results:
            equal.setdefault(repr((result.method, self.settings[result.run])), []).append(result)
        # For example weights with the same config, which differ only in their names.
        named = {result.run for group in equal.values() if len(group) > 1 for result in group}
        groups: dict[str, tuple[dict, list[Result]]] = {}
        for result in self.results:
            settings = {k: v for k, v in self.settings[result.run].items() if k != "seed"}
            if named:
                settings = {"run": result.run if result.run in named else None} | settings
            groups.setdefault(repr((result.method, settings)), (settings, []))[1].append(result)
        factors = measurement_factors(self.names)
        return [
            Cell(results[0].method, settings, results, {k: v for k, v in settings.items() if k in factors})
            for settings, results in groups.values()
        ]

    @cached_property
    def measurements(self) -> dict[str, list[Cell]]:
        """The configurations by the label of their measurements: 'measured y, psf sigma 2'."""
        groups: dict[str, list[Cell]] = {}
        for one in self.cells:
            label = ", ".join([MEASURED, *setting_labels(one.measurement)])
            groups.setdefault(label, []).append(one)
        return groups

    def summary(self) -> list[dict]:
        """One row per run and sigma, with the columns of `summary.csv`."""
        return [row for result in self.results for row in summarise(result, self.settings[result.run])]


def setting_labels(settings: dict) -> list[str]:
    """'bias no', 'training sigma 0.1', one for each setting; without a 'run' that is None."""
    shown = ((name, value) for name, value in settings.items() if name != "run" or value is not None)
    return [f"{name_text(name)} {value_text(value)}" for name, value in shown]


VALUES: dict[str, Callable[[Record], float]] = {
    "psnr": lambda record: record.psnr,
    "gain": lambda record: record.psnr - record.psnr_input,
    "psnr_input": lambda record: record.psnr_input,
    "ssim": lambda record: record.ssim,
}


def mean(values: Iterable[float]) -> float:
    """The mean; infinite if a value is infinite, nan if a value is nan or infinities cancel."""
    values = list(values)
    return statistics.fmean(values) if all(map(math.isfinite, values)) else sum(values)


def deviation(values: list[float]) -> float:
    """The standard deviation with n - 1; nan for one value, or if a value is infinite or nan."""
    finite = len(values) > 1 and all(map(math.isfinite, values))
    return statistics.stdev(values) if finite else math.nan


def mean_of(result: Result, sigma: float, value: str = "psnr") -> float | None:
    """The mean over the images and draws of a run at one sigma; None if it was not tested at that sigma.

    Args:
        result: the result of the run.
        sigma: standard deviation of the test noise.
        value: a key of `VALUES`.
    """
    if value not in result.means:
        by_sigma: dict[float, list[float]] = {}
        for record in result.records:
            by_sigma.setdefault(record.sigma, []).append(VALUES[value](record))
        result.means[value] = {s: mean(values) for s, values in by_sigma.items()}
    return result.means[value].get(sigma)


def summarise(result: Result, settings: dict | None = None) -> list[dict]:
    """Summarise a run in one row per noise level, in the order of measurement.

    Args:
        result: the result of the run.
        settings: the varied settings of the run, each of which becomes a column.

    Returns:
        dicts with the columns of `summary.csv`. Means are over images and draws of the noise, of PSNR in
        dB; `psnr_std` is the standard deviation over these, with n - 1. Without clean images the columns are
        `expected_psnr_mean`, ….
    """
    groups: dict[float, list[Record]] = {}
    for record in result.records:
        groups.setdefault(record.sigma, []).append(record)
    return [
        {
            "run": result.run,
            "method": result.method,
            **(settings or {}),
            result.level: sigma,
            "n_images": len({r.image for r in group}),
            f"{result.quality}_mean": mean_of(result, sigma),
            f"{result.quality}_std": deviation([r.psnr for r in group]),
            f"{result.quality}_input_mean": mean_of(result, sigma, "psnr_input"),
            "gain_mean": mean_of(result, sigma, "gain"),
            **({} if result.expected else {"ssim_mean": mean_of(result, sigma, "ssim")}),
        }
        for sigma, group in groups.items()
    ]


def summary_csv(rows: list[dict], levels: Sequence[str] = ("sigma",)) -> str:
    """The text of `summary.csv`, with a column for every varied setting.

    Args:
        rows: the rows of `summarise`.
        levels: the names of the noise levels, one column each.
    """
    ends = {*SUMMARY_HEAD, *SUMMARY_TAIL, *levels}
    between = dict.fromkeys(name for row in rows for name in row if name not in ends)
    present = {name for row in rows for name in row}
    expected = not present.isdisjoint(EXPECTED_COLUMNS)
    optional = {"state", *EXPECTED_COLUMNS, *(MEASURED_COLUMNS if expected else ())}
    tail = [*levels, *(name for name in SUMMARY_TAIL if name in present or name not in optional)]
    rounded = [
        {k: f"{v:.4f}" if k.endswith(("_mean", "_std")) and k in ends else v for k, v in row.items()}
        for row in rows
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, [*SUMMARY_HEAD, *between, *tail], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rounded)
    return text.getvalue()


def records_csv(table: Table) -> str:
    """The text of a `per_image.csv`: the records of all runs, with their varied settings.

    For a single run, it has the checksums that `imaging.evaluation.records.read_per_image` needs.
    """
    if len(table.results) == 1 and not any(table.settings.values()):
        return per_image_csv(table.records)
    names = list(next(iter(table.settings.values()), {}))
    numbers = list(dict.fromkeys(name for record in table.records for name in record.numbers))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    expected = all(result.expected for result in table.results)
    writer.writerow([*columns(table.level.replace(" ", "_"), expected), *names, *numbers])
    for result in table.results:
        settings = [table.settings[result.run].get(name) for name in names]
        for record in result.records:
            row = cells(record)[: len(COLUMNS)]
            writer.writerow(row + settings + [_number(record.numbers.get(name)) for name in numbers])
    return text.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
