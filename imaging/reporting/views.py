"""Figures of networks without biases as the linear maps that they are at one y."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imaging.reporting.figures import COLOURS, plain, pyplot, save, show, styled
from imaging.reporting.pictures import frame


@styled
def linear_views(views: dict[str, dict], path: Path, width: float | None = None) -> None:
    """Draw the equivalent filters and singular values of homogeneous networks.

    Args:
        views: results of `imaging.evaluation.linear_view.linear_view` by the label of the network.
        path: the PNG.
        width: of the figure, in inches; None: as wide as it needs to be. A network has one row, or one for
            each noise level if the figure is too narrow.
    """
    levels = max(len(view["sigmas"]) for view in views.values())
    rows = levels if width is not None and width < 1.5 * (3 * levels + 1) else 1  # of each network
    columns = 3 * levels // rows + 1
    side = 1.9 if width is None else width / (columns + 0.4)
    layout = {
        "squeeze": False,
        "figsize": (side * (columns + 0.4), (side + 0.5) * len(views) * rows + 0.2),
        "gridspec_kw": {"width_ratios": [1] * (columns - 1) + [1.4]},
    }
    figure, axes = pyplot().subplots(len(views) * rows, columns, **layout)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (label, view) in enumerate(views.items()):
        lines = axes[rows * index : rows * (index + 1)]
        panels, spectrum = lines[:, :-1].ravel(), lines[0, -1]
        for level in range(len(view["sigmas"])):
            _draw_level(panels[3 * level : 3 * level + 3], view, level)
            values = view["singular_values"][level]
            if len(values):
                sigma = f"sigma {view['sigmas'][level]:g}"
                spectrum.plot(np.arange(1, len(values) + 1), values, label=sigma, color=COLOURS[level])
        if view["singular_values"].size:
            spectrum.set_axis_on()
            spectrum.set_title("singular values")
            spectrum.set_xlabel("rank", fontsize="small")
            spectrum.set_ylim(bottom=0)
            spectrum.grid()
            # In a narrow figure it would cover the curves, and the place below is empty.
            place = spectrum if rows == 1 else lines[1, -1]
            place.legend(handles=spectrum.get_lines(), loc="best" if rows == 1 else "upper left")
        panels[0].set_ylabel(plain(textwrap.fill(label, 26)), fontsize="small")  # fits the height of a row
    save(figure, path, ("network", "sigma", "quantity", "row", "column", "value"), _numbers(views), width)


def _draw_level(panels, view: dict, level: int) -> None:
    """Draw y, x_hat and the filter at a pixel for one noise level in three axes."""
    measured, restored, weights = panels
    row, column = view["center"]
    for axis in panels:
        axis.set_axis_on()
    show(measured, view["measured"][level], f"y, sigma {view['sigmas'][level]:g}")
    show(restored, view["restored"][level], "restored")
    for axis in (measured, restored):
        axis.plot(column, row, "+", color=COLOURS[4], markersize=9)
    reach = _reach(view["filters"][level], row, column)
    taps = view["filters"][level][_around(row, reach), _around(column, reach)]
    frame(measured, column - reach, row - reach, 2 * reach + 1)
    largest = np.abs(taps).max()
    weights.imshow(taps, "RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    weights.set_xticks([])
    weights.set_yticks([])
    weights.set_title("filter in square")
    weights.set_xlabel(f"largest {largest:.2g}\nsum {taps.sum():.2f}", fontsize="small")


def _numbers(views: dict[str, dict]) -> Iterator[tuple]:
    """The weights of the filters by their distance from the pixel, and the singular values by rank."""
    for label, view in views.items():
        for level, sigma in enumerate(view["sigmas"]):
            for place, value in np.ndenumerate(view["filters"][level]):
                row, column = (at - center for at, center in zip(place, view["center"], strict=True))
                yield label, float(sigma), "weight", row, column, float(value)
            for rank, value in enumerate(view["singular_values"][level], 1):
                yield label, float(sigma), "singular value", rank, "", float(value)


def _reach(taps: np.ndarray, row: int, column: int) -> int:
    """The largest distance from the pixel of a weight above 1/50 of the largest weight; at least 5."""
    rows, columns = np.nonzero(np.abs(taps) > np.abs(taps).max() / 50)
    return max(5, *np.abs(rows - row), *np.abs(columns - column)) if len(rows) else 5


def _around(at: int, reach: int) -> slice:
    return slice(max(0, at - reach), at + reach + 1)
