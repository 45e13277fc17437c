"""The convergence of iterative solvers, as a table and a figure."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imaging.reporting.figures import COLOURS, grid, plain, save, styled

Traces = dict[str, np.ndarray]  # a quantity's value at each iteration, by name
TITLES = {"primal": "primal residual", "dual": "dual residual", "objective": "objective"}


@styled
def convergence_figure(examples: dict[str, dict], path: Path, width: float | None = None) -> None:
    """Plot the residuals of solvers against iterations, one panel for each quantity.

    Args:
        examples: the examples of each method that iterates; a line is the mean over its images, and the CSV
            has each image.
        path: the PNG.
        width: of the figure, in inches; None: as wide as it needs to be.
    """
    means = {label: _mean(one["traces"]) for label, one in examples.items()}
    quantities = list(dict.fromkeys(quantity for mean in means.values() for quantity in mean))
    figure, axes = grid(len(quantities), (4.5, 3.6), width, 2.2)
    for panel, quantity in zip(axes.flat, quantities, strict=False):
        for index, (label, mean) in enumerate(means.items()):
            if quantity in mean:
                line, colour = mean[quantity], COLOURS[index % len(COLOURS)]
                mark = "." if len(line) < 20 else ""
                panel.plot(range(1, len(line) + 1), line, color=colour, label=plain(label), marker=mark)
        panel.set_yscale("log")
        panel.set_xlabel("iteration")
        panel.set_title(TITLES.get(quantity, quantity))
        panel.grid()
    axes[0, 0].set_ylabel("root mean square of intensities")
    axes[0, 0].legend()
    header = ("method", "image", "level", "iteration", *quantities)
    save(figure, path, header, _rows(examples, quantities), width)


def _rows(examples: dict[str, dict], quantities: list[str]) -> Iterator[tuple]:
    """The quantities of each image at each iteration; '' where a method has none of that name."""
    for label, one in examples.items():
        for name, trace in zip(one["names"], one["traces"], strict=True):
            for index in range(len(next(iter(trace.values())))):
                values = (float(trace[q][index]) if q in trace else "" for q in quantities)
                yield label, name, float(one["sigma"]), index + 1, *values


def _mean(traces: list[Traces]) -> Traces:
    return {name: np.mean([trace[name] for trace in traces], axis=0) for name in traces[0]}
