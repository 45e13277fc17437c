"""The convergence of iterative solvers, as a table and a figure."""

import csv
import io
from pathlib import Path

import numpy as np

from imaging.reporting.figures import COLOURS, plain, pyplot, save

Traces = dict[str, np.ndarray]  # a quantity's value at each iteration, by name
TITLES = {"primal": "primal residual", "dual": "dual residual", "objective": "objective"}


def convergence_csv(examples: dict, level: str) -> str:
    """The lines of `convergence.csv`: image, noise level, iteration and the quantities of each iteration.

    Args:
        examples: of a `Result` with traces.
        level: the name of the noise's level.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    quantities = list(examples["traces"][0])
    writer.writerow(["image", level, "iteration", *quantities])
    for name, trace in zip(examples["names"], examples["traces"], strict=True):
        for iteration, values in enumerate(zip(*(trace[q] for q in quantities), strict=True), 1):
            writer.writerow(
                [name, f"{examples['sigma']:g}", iteration, *(f"{value:.6g}" for value in values)]
            )
    return file.getvalue()


def convergence_figure(examples: dict[str, dict], path: Path) -> None:
    """Plot the residuals of solvers against iterations, one panel for each quantity.

    Args:
        examples: the examples of each method that iterates; a line is the mean over its images.
        path: the PNG.
    """
    means = {label: _mean(one["traces"]) for label, one in examples.items()}
    quantities = list(dict.fromkeys(quantity for mean in means.values() for quantity in mean))
    size = (4.5 * len(quantities), 3.6)
    figure, axes = pyplot().subplots(1, len(quantities), figsize=size, squeeze=False, layout="constrained")
    for panel, quantity in zip(axes[0], quantities, strict=True):
        for index, (label, mean) in enumerate(means.items()):
            if quantity in mean:
                line, colour = mean[quantity], COLOURS[index % len(COLOURS)]
                mark = "." if len(line) < 20 else ""
                panel.plot(range(1, len(line) + 1), line, color=colour, label=plain(label), marker=mark)
        panel.set_yscale("log")
        panel.set_xlabel("iteration")
        panel.set_title(TITLES.get(quantity, quantity), fontsize=10)
        panel.grid(alpha=0.3, which="both")
    axes[0, 0].set_ylabel("root mean square of intensities")
    axes[0, 0].legend(fontsize=8)
    save(figure, path)


def _mean(traces: list[Traces]) -> Traces:
    return {name: np.mean([trace[name] for trace in traces], axis=0) for name in traces[0]}
