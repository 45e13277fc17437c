"""The tables that people read, for a terminal, as Markdown and for the page."""

import math
from dataclasses import dataclass

from imaging.evaluation.factors import TRAINING_SIGMA, cell, spoken
from imaging.evaluation.outputs import Result
from imaging.evaluation.table import MEASURED, Cell, Table, described, deviation, mean, mean_of

# What a table can show: a key of `imaging.evaluation.table.VALUES`, and how it is called.
SHOWN = {"psnr": "PSNR in dB", "gain": "gain of PSNR over the measured y in dB", "ssim": "SSIM"}
DIGITS = {"psnr": 2, "gain": 2, "ssim": 4}

Lines = tuple[list[str], list[list[str]]]


def pivot(table: Table, value: str = "psnr") -> Lines:
    """Header and cells with one line a configuration and one column a sigma of the test.

    Runs that differ in their seed alone share a line; its cells then are the mean over the seeds ± their
    standard deviation (with n - 1).

    Args:
        value: a key of `SHOWN`.

    Returns:
        the header, and the lines. The columns before the sigmas are the method and every varied setting.
        Below PSNR there is a line for the measurements themselves, one for each different physics.
    """
    factors = _columns(table)
    count = ["seeds"] if table.seeded else []
    header = ["method", *map(spoken, factors), *count, *(f"test sigma {s:g}" for s in table.sigmas)]
    lines = []
    for one in table.cells:
        settings = [cell(one.settings.get(name)) for name in factors]
        seeds = [str(len(one.results))] if table.seeded else []
        lines.append([one.method, *settings, *seeds, *(over_seeds(one, s, value) for s in table.sigmas)])
    for cells in table.measurements.values() if value == "psnr" else ():
        settings = [cell(cells[0].measurement[n]) if n in cells[0].measurement else "" for n in factors]
        before = (_measured(cells, sigma) for sigma in table.sigmas)
        lines.append([MEASURED, *settings, *("" for _ in count), *before])
    return header, lines


def _columns(table: Table) -> list[str]:
    return list(dict.fromkeys(name for one in table.cells for name in one.settings))


def over_seeds(one: Cell, sigma: float, value: str = "psnr") -> str:
    """'29.55 ± 0.07': mean and standard deviation over the seeds of a configuration; '-' if untested."""
    values = [v for v in (mean_of(result, sigma, value) for result in one.results) if v is not None]
    spread = deviation(values)
    return number(mean(values) if values else math.nan, DIGITS[value]) + (
        "" if math.isnan(spread) else f" ± {spread:.{DIGITS[value]}f}"
    )


def _measured(cells: list[Cell], sigma: float) -> str:
    values = (mean_of(result, sigma, "psnr_input") for one in cells for result in one.results)
    return number(next((v for v in values if v is not None), math.nan))


def number(value: float, digits: int = 2) -> str:
    """A number as tables have it; '-' for one that is undefined."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


@dataclass(frozen=True)
class Matrix:
    """Training noise against test noise, at one level of all else.

    Args:
        title: method and the other settings.
        rows: the training noises as people write them.
        sigmas: of the test, the columns.
        psnr: mean over images and seeds in dB by row and column; nan where untested.
        loss: psnr less the best of its column, 0 or negative.
    """

    title: str
    rows: list[str]
    sigmas: list[float]
    psnr: list[list[float]]
    loss: list[list[float]]


def matrices(table: Table) -> list[Matrix]:
    """The matrix of training sigma against test sigma for each level of the other factors; none without."""
    name = next((n for n in _columns(table) if n in TRAINING_SIGMA), None)
    if name is None or len(table.sigmas) < 2:
        return []
    groups: dict[str, list[Cell]] = {}
    for one in table.cells:
        others = {key: value for key, value in one.settings.items() if key != name}
        groups.setdefault(", ".join([one.method, *described(others)]), []).append(one)
    found = []
    for title, cells in groups.items():
        if len(cells) > 1:
            psnr = [[_mean_psnr(one.results, sigma) for sigma in table.sigmas] for one in cells]
            columns = ([v for v in column if not math.isnan(v)] for column in zip(*psnr, strict=True))
            best = [max(column, default=math.nan) for column in columns]
            loss = [[0.0 if v == b else v - b for v, b in zip(row, best, strict=True)] for row in psnr]
            rows = [cell(one.settings[name]) for one in cells]
            found.append(Matrix(title, rows, table.sigmas, psnr, loss))
    return found


def _mean_psnr(results: list[Result], sigma: float) -> float:
    values = [v for v in (mean_of(result, sigma) for result in results) if v is not None]
    return mean(values) if values else math.nan


def matrix_lines(matrix: Matrix) -> Lines:
    """'34.34 (-1.20)': PSNR, and in brackets how far it is below the best of the column."""
    header = ["training sigma", *(f"test sigma {s:g}" for s in matrix.sigmas)]
    lines = []
    for name, *row in zip(matrix.rows, matrix.psnr, matrix.loss, strict=True):
        both = zip(*row, strict=True)
        lines.append([name, *(f"{number(v)} ({'best' if d == 0 else number(d)})" for v, d in both)])
    return header, lines


def text_table(header: list[str], lines: list[list[str]]) -> str:
    """Columns aligned with spaces: words to the left, numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *lines, strict=True)]

    def aligned(line: list[str]) -> str:
        cells = [
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join(aligned(line) for line in [header, *lines])


def markdown_table(header: list[str], lines: list[list[str]]) -> str:
    """A Markdown table of the same cells."""
    rule = [":---", *("---:" for _ in header[1:])]
    rows = ([cell.replace("|", "\\|") for cell in line] for line in [header, rule, *lines])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
