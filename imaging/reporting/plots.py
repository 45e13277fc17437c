"""Plots: PSNR against the test noise, training noise against test noise, training curves."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imaging.evaluation.outputs import Result
from imaging.evaluation.table import Table, mean, mean_of
from imaging.quality import VALIDATION
from imaging.reporting.figures import grid, plain, pyplot, save, styled
from imaging.reporting.styles import line_styles
from imaging.reporting.tables import Matrix

AXES = {"sigma": ": standard deviation of the test noise", "peak": ": photons at intensity 1"}


def training_range(result: Result) -> tuple[float, float]:
    """Lowest and highest level of the training noise of a run; nan if its noise has another level."""
    level = result.config["physics"]["noise"].get(result.level, math.nan)
    low, high = level if isinstance(level, list | tuple) else (level, level)
    return float(low), float(high)


def described_range(low: float, high: float) -> str:
    """A range as text: '0.1', or '0.005 to 0.25'."""
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"


def capitalised(text: str) -> str:
    """The text with a capital first letter."""
    return text[:1].upper() + text[1:]


@styled
def psnr_against_noise(table: Table, path: Path, width: float | None = None) -> None:
    """Plot the mean PSNR of the estimate against the noise of the test, one line per configuration.

    A line is the mean over the seeds of its configuration, with their range shaded. The PSNR of the
    measurements is a thin line of dashes and dots. The training noise is a shaded range or a dotted line.

    Args:
        table: the results.
        path: the PNG.
        width: of the figure, in inches; None: as wide as it needs to be.
    """
    figure, panels = grid(1, (6.5, 4.2), width, 2)
    axes = panels[0, 0]
    rows: list[tuple] = []
    sigmas, cells = table.sigmas, table.cells
    logarithmic = min(sigmas) > 0
    look = line_styles(cells)
    trained = dict.fromkeys(
        (training_range(one.results[0]), style["color"])
        for one, style in zip(cells, look.styles, strict=True)
    )
    ranges, colours = (set(column) for column in zip(*trained, strict=True))
    # If each range has its own colour, one legend entry is enough for all.
    coloured = len(ranges) == len(colours) == len(trained) > 1
    marks = trained if coloured else dict.fromkeys((ends, "gray") for ends, _ in trained)
    for (low, high), colour in marks:
        text = f"trained {'at' if low == high else 'on'} {described_range(low, high)}"
        entry = {} if coloured else {"label": text}
        if low == high:
            axes.axvline(low, color=colour, linestyle=":", linewidth=1, **entry)
        else:
            left = min(sigmas) / 2 if logarithmic and low == 0 else low
            axes.axvspan(left, high, color=colour, alpha=0.1, linewidth=0, **entry)
    if coloured:
        axes.plot([], [], color="gray", linestyle=":", linewidth=1, label="trained at, or shaded: on")
    for one, style in zip(cells, look.styles, strict=True):
        points = [(s, [mean_of(result, s) for result in one.results]) for s in sigmas]
        points = [(s, [v for v in values if v is not None and math.isfinite(v)]) for s, values in points]
        at = [s for s, values in points if values]
        values = [values for _, values in points if values]
        axes.plot(at, [mean(v) for v in values], **style)
        lows, highs = ([f(v) for v in values] for f in (min, max))
        rows += zip([one.label] * len(at), at, map(mean, values), lows, highs, map(len, values), strict=True)
        axes.fill_between(at, lows, highs, color=style["color"], alpha=0.15, linewidth=0)
    for shade, (label, group) in enumerate(table.measurements.items()):
        psnr = [(s, mean_of(group[0].results[0], s, "psnr_input")) for s in sigmas]
        finite = [(s, v) for s, v in psnr if v is not None and math.isfinite(v)]
        line = zip(*finite, strict=True) if finite else ([], [])
        rows += [(label, s, v, v, v, 1) for s, v in finite]
        gray = f"{min(0.7, 0.2 * shade):g}"
        axes.plot(*line, color=gray, linestyle=(0, (6, 2, 1, 2, 1, 2)), linewidth=1, label=plain(label))
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xticks(sigmas, [f"{s:g}" for s in sigmas])
        axes.minorticks_off()
    axes.set_xlabel(f"test {table.level}" + AXES.get(table.level, ""))
    axes.set_ylabel(f"{table.quality} (dB)")
    axes.grid()
    _legend(figure, axes, look.legend)
    header = ("configuration", f"test {table.level}", f"{table.quality} (dB)", "lowest", "highest", "seeds")
    save(figure, path, header, rows, width)


@styled
def matrix_figure(matrices: Sequence[Matrix], path: Path, width: float | None = None) -> None:
    """Plot training noise against test noise, one panel per configuration of the other factors.

    A cell has the PSNR and, as text and colour, its difference to the best of the column.

    Args:
        matrices: the matrices of `imaging.reporting.tables.matrices`.
        path: the PNG.
        width: of the figure, in inches; None: as wide as it needs to be.
    """
    rows, columns = max(len(m.rows) for m in matrices), max(len(m.sigmas) for m in matrices)
    panel = (1.1 * columns + 1.4, 0.55 * rows + 1.3)
    figure, axes = grid(len(matrices), panel, width, 0.55 * columns + 0.8)
    cells = []
    losses = [d for m in matrices for row in m.loss for d in row if math.isfinite(d)]
    worst = min([*losses, -1e-3])
    for panel, matrix in zip(axes.flat, matrices, strict=False):
        loss = np.array(matrix.loss)
        picture = panel.imshow(
            np.where(np.isfinite(loss), loss, np.nan), "cividis", vmin=worst, vmax=0, aspect="auto"
        )
        for (row, column), value in np.ndenumerate(np.array(matrix.psnr)):
            below = loss[row, column]
            cells.append((matrix.title, matrix.rows[row], matrix.sigmas[column], value, below))
            text = "-" if math.isnan(value) else f"{value:.2f}\n{'best' if below == 0 else f'{below:.2f}'}"
            dark = math.isfinite(below) and below < worst / 2
            font = {"color": "white" if dark else "black", "weight": "bold" if below == 0 else "normal"}
            panel.text(column, row, text, ha="center", va="center", fontsize="small", **font)
        panel.set_xticks(range(len(matrix.sigmas)), [f"{s:g}" for s in matrix.sigmas])
        panel.set_yticks(range(len(matrix.rows)), matrix.rows)
        panel.set_xlabel(f"test {matrix.level}")
        panel.set_title(plain(matrix.title))
    level = matrices[0].level
    for first in axes[:, 0]:
        first.set_ylabel(f"training {level}")
    figure.colorbar(
        picture, ax=axes.ravel().tolist(), label="below the best of the column (dB)", fraction=0.05
    )
    header = ("configuration", f"training {level}", f"test {level}", "PSNR (dB)", "below the best (dB)")
    save(figure, path, header, cells, width)


Curve = tuple[list[int], list[float]]


@styled
def training_curves(
    table: Table, curves: dict[str, dict[str, Curve]], path: Path, width: float | None = None
) -> bool:
    """Plot training loss and validation PSNR against steps, one line per run.

    Args:
        table: the results; the configurations set the styles of the lines.
        curves: steps and values of `train/loss` and of the `VALIDATION` of each run.
        path: the PNG; not written if there are no curves.
        width: of the figure, in inches; None: as wide as it needs to be.

    Returns:
        whether there are curves.
    """
    curves = {run: one for run, one in curves.items() if any(at for at, _ in one.values())}
    cells = [one for one in table.cells if any(r.run in curves for r in one.results)]
    if not cells:
        return False
    figure, both = grid(2, (5.5, 4), width, 2.8)
    loss, psnr = both.flat
    look, rows = line_styles(cells), []
    for one, style in zip(cells, look.styles, strict=True):
        for name, run in ((r.run, curves[r.run]) for r in one.results if r.run in curves):
            shown = smoothed(*run["train/loss"])
            loss.plot(*shown, **style | {"marker": "", "linewidth": 1})
            validation = next((run[tag] for tag in VALIDATION if run[tag][0]), ([], []))
            psnr.plot(*validation, **style, linewidth=1, markersize=3)
            for quantity, (steps, values) in (("training loss", shown), (table.quality, validation)):
                rows += [(name, one.label, quantity, *point) for point in zip(steps, values, strict=True)]
    losses = [value for run in curves.values() for value in run["train/loss"][1]]
    if all(value > 0 for value in losses):  # not for loss=log_mse, which is a logarithm already
        loss.set_yscale("log")
    loss.set_ylabel("training loss, running mean")
    psnr.set_ylabel(f"validation, {table.quality} (dB)")
    for axes in (loss, psnr):
        axes.set_xlabel("step")
        axes.grid()
    _legend(figure, psnr, look.legend)
    save(figure, path, ("run", "configuration", "quantity", "step", "value"), rows, width)
    return True


def smoothed(steps: list[int], values: list[float]) -> Curve:
    """The running mean over 1/20 of the points, at the centres of its windows."""
    width = max(1, len(values) // 20)
    if width == 1:
        return steps, values
    return tuple(np.convolve(v, np.full(width, 1 / width), "valid").tolist() for v in (steps, values))


def _legend(figure, axes, entries: list[tuple[str, dict]]) -> None:
    """Draw a legend of `entries` and of all labels, outside the axes if it would hide lines."""
    lines = [pyplot().Line2D([], [], label=plain(label), **style) for label, style in entries]
    lines += axes.get_legend_handles_labels()[0]
    if len(lines) <= 5:
        axes.legend(handles=lines)
    elif figure.get_figwidth() > 5:
        figure.legend(handles=lines, loc="outside right upper")
    else:
        figure.set_figheight(figure.get_figheight() + 0.08 * len(lines))
        figure.legend(handles=lines, loc="outside lower center", ncols=2)
