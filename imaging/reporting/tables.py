"""Tables of results for the terminal, for Markdown and for the page."""

import math
from dataclasses import dataclass

from imaging.evaluation.outputs import Result
from imaging.evaluation.statistics.factors import TRAINING_LEVELS, name_text, value_text
from imaging.evaluation.table import MEASURED, Cell, Table, deviation, mean, mean_of, setting_labels

# The quantities of tables: keys of `imaging.evaluation.table.VALUES` with their names.
QUANTITIES = {"psnr": "{} in dB", "gain": "gain of {} over the measured y in dB", "ssim": "SSIM"}
DIGITS = {"psnr": 2, "gain": 2, "ssim": 4}

Lines = tuple[list[str], list[list[str]]]


def pivot(table: Table, value: str = "psnr") -> Lines:
    """A table with one line per configuration and one column per sigma of the test.

    Runs that differ only in their seed share a line; its cells are the mean over the seeds ± their standard
    deviation (with n - 1).

    Args:
        table: the results.
        value: a key of `QUANTITIES`.

    Returns:
        the header and the lines. The columns before the sigmas are the method and every varied setting. For
        PSNR, the last lines are the measurements, one line for each different physics.
    """
    factors = _columns(table)
    count = ["seeds"] if table.seeded else []
    tested = (f"test {table.level} {s:g}" for s in table.sigmas)
    header = ["method", *map(name_text, factors), *count, *tested]
    lines = []
    for one in table.cells:
        settings = [value_text(one.settings.get(name)) for name in factors]
        seeds = [str(len(one.results))] if table.seeded else []
        lines.append([one.method, *settings, *seeds, *(over_seeds(one, s, value) for s in table.sigmas)])
    for cells in table.measurements.values() if value == "psnr" else ():
        settings = [value_text(cells[0].measurement[n]) if n in cells[0].measurement else "" for n in factors]
        before = (_measured(cells, sigma) for sigma in table.sigmas)
        lines.append([MEASURED, *settings, *("" for _ in count), *before])
    return header, lines


def _columns(table: Table) -> list[str]:
    return list(dict.fromkeys(name for one in table.cells for name in one.settings))


def over_seeds(one: Cell, sigma: float, value: str = "psnr") -> str:
    """'29.55 ± 0.07': mean and standard deviation over the seeds of a configuration; '-' if untested."""
    values = [v for v in (mean_of(result, sigma, value) for result in one.results) if v is not None]
    text, spread = number(mean(values) if values else math.nan, DIGITS[value]), deviation(values)
    return text if math.isnan(spread) else f"{text} ± {spread:.{DIGITS[value]}f}"


def _measured(cells: list[Cell], sigma: float) -> str:
    values = (mean_of(result, sigma, "psnr_input") for one in cells for result in one.results)
    return number(next((v for v in values if v is not None), math.nan))


def number(value: float, digits: int = 2) -> str:
    """Format a number for a table; '-' for nan."""
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


@dataclass(frozen=True)
class Matrix:
    """PSNR by training noise and test noise, for one configuration of the other settings.

    Args:
        title: the method and the other settings.
        rows: the training noises as text.
        sigmas: the noise levels of the test, one per column.
        level: their name.
        psnr: mean over images and seeds in dB by row and column; nan if untested.
        loss: psnr minus the best psnr of the column, in dB.
    """

    title: str
    rows: list[str]
    sigmas: list[float]
    psnr: list[list[float]]
    loss: list[list[float]]
    level: str = "sigma"


def matrices(table: Table) -> list[Matrix]:
    """The matrices of training noise against test noise, one per configuration of the other factors."""
    name = next((n for n in _columns(table) if n in TRAINING_LEVELS), None)
    if name is None or len(table.sigmas) < 2:
        return []
    groups: dict[str, list[Cell]] = {}
    for one in table.cells:
        others = {key: value for key, value in one.settings.items() if key != name}
        groups.setdefault(", ".join([one.method, *setting_labels(others)]), []).append(one)
    grids = []
    for title, cells in groups.items():
        if len(cells) > 1:
            psnr = [[_mean_psnr(one.results, sigma) for sigma in table.sigmas] for one in cells]
            columns = ([v for v in column if not math.isnan(v)] for column in zip(*psnr, strict=True))
            best = [max(column, default=math.nan) for column in columns]
            loss = [[0.0 if v == b else v - b for v, b in zip(row, best, strict=True)] for row in psnr]
            rows = [value_text(one.settings[name]) for one in cells]
            grids.append(Matrix(title, rows, table.sigmas, psnr, loss, table.level))
    return grids


def _mean_psnr(results: list[Result], sigma: float) -> float:
    values = [v for v in (mean_of(result, sigma) for result in results) if v is not None]
    return mean(values) if values else math.nan


def matrix_lines(matrix: Matrix) -> Lines:
    """A table with cells '34.34 (-1.20)': PSNR, and in parentheses the difference to the column's best."""
    header = [f"training {matrix.level}", *(f"test {matrix.level} {s:g}" for s in matrix.sigmas)]
    lines = []
    for name, *row in zip(matrix.rows, matrix.psnr, matrix.loss, strict=True):
        both = zip(*row, strict=True)
        lines.append([name, *(f"{number(v)} ({'best' if d == 0 else number(d)})" for v, d in both)])
    return header, lines


def text_table(header: list[str], lines: list[list[str]]) -> str:
    """A plain-text table, with the first column aligned to the left and the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *lines, strict=True)]

    def aligned(line: list[str]) -> str:
        _, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        return "  ".join([line[0].ljust(widths[0]), *others]).rstrip()

    return "\n".join(aligned(line) for line in [header, *lines])


def markdown_table(header: list[str], lines: list[list[str]]) -> str:
    """A Markdown table, with the first column aligned to the left and the others to the right."""
    rule = [":---", *("---:" for _ in header[1:])]
    rows = ([cell.replace("|", "\\|") for cell in line] for line in [header, rule, *lines])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
