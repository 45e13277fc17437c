"""Figures of images: measured and restored, and the linear views of networks without biases."""

import textwrap
from pathlib import Path

import numpy as np

from imaging.evaluation.places import strongest_edge, window
from imaging.reporting.figures import COLOURS, plain, psnr_note, pyplot, save, show


def inpainting_figure(examples: dict, steps: list[int], losses: list[float], path: Path) -> None:
    """Draw four panels: ground truth, measurements, reconstructed image, and loss against iterations.

    Args:
        examples: arrays `clean`, `measured`, `restored` of shape (n, C, H, W) in [0, 1].
        steps, losses: the training loss, drawn on a logarithmic axis.
        path: the PNG.
    """
    widths = {"width_ratios": [1, 1, 1, 1.5]}
    figure, axes = pyplot().subplots(1, 4, figsize=(12, 3), gridspec_kw=widths, layout="constrained")
    clean, measured, restored = (examples[k][0] for k in ("clean", "measured", "restored"))
    show(axes[0], clean, "ground truth")
    show(axes[1], measured, "measurements")
    show(axes[2], restored, "reconstructed image", psnr_note(restored, clean))
    axes[3].semilogy(steps, losses, color=COLOURS[0], linewidth=1)
    for axis in (axes[3].yaxis.set_major_formatter, axes[3].yaxis.set_minor_formatter):
        axis("{x:g}")  # an axis of less than a decade has no power of ten
    axes[3].tick_params(axis="y", which="both", labelsize=8)
    axes[3].set_title("loss", fontsize=10)
    axes[3].set_xlabel("iteration")
    axes[3].grid(alpha=0.3, which="both")
    save(figure, path)


def reconstruction_grid(examples: dict, path: Path, columns: int = 10) -> None:
    """Draw three rows, ground truth, measurements and reconstructions, with one column per image."""
    names = (("clean", "ground truth"), ("measured", "measurements"), ("restored", "reconstructed"))
    columns = min(columns, len(examples["clean"]))
    figure, axes = pyplot().subplots(3, columns, figsize=(1.2 * columns, 3.9), squeeze=False)
    for row, (key, label) in enumerate(names):
        for column in range(columns):
            image, clean = examples[key][column], examples["clean"][column]
            show(axes[row, column], image, note=psnr_note(image, clean) if key == "restored" else "")
        axes[row, 0].set_ylabel(label, fontsize=9)
    save(figure, path)


def strips(images: dict[str, tuple], path: Path, columns: int = 4) -> None:
    """Draw each image clean and then its other versions with their PSNR; one detail of all is enlarged.

    Args:
        images: by name, the clean image (C, H, W) in [0, 1] or None, and a dict of measured and restored
            images of one shape by their titles.
        path: the PNG.
        columns: the maximal number of panels in a row; each image starts a new row.
    """
    versions = {name: labelled(*one) for name, one in images.items()}
    longest = max(map(len, versions.values()))
    columns = min(columns, longest)
    lines = -(-longest // columns)
    height, width = next(iter(versions.values()))[0][1].shape[-2:]
    size = 3.4 * columns, (3.4 * height / width + 0.5) * lines * len(images)
    grid = {"figsize": size, "squeeze": False, "layout": "constrained"}
    figure, axes = pyplot().subplots(lines * len(images), columns, **grid)
    for index, (name, (clean, _)) in enumerate(images.items()):
        panels, panes = axes[lines * index : lines * (index + 1)].flat, versions[name]
        # Where an edge is, a restored image shows better than a measured one.
        detail = panes[0][1] if clean is not None else panes[-1][1]
        for position, (axis, (label, image)) in enumerate(zip(panels, panes, strict=False)):
            show(axis, image, label, name if position == 0 else psnr_note(image, clean))
            shape = image.shape[-2:]
            if min(shape) >= 96:  # details of small images are visible without
                _enlarge(axis, image, window(strongest_edge(detail), shape, min(shape) // 6))
        for axis in panels[len(panes) :]:
            axis.set_axis_off()
    save(figure, path)


def labelled(clean: np.ndarray | None, others: dict[str, np.ndarray]) -> list[tuple[str, np.ndarray]]:
    """The versions of an image with their labels, first the clean one if there is one."""
    return [*([] if clean is None else [("clean", clean)]), *others.items()]


def group_examples(examples: dict[str, dict], measured: dict[str, str] | None = None) -> dict[str, tuple]:
    """Group the example images of several models by image.

    Args:
        examples: examples of each model by label, as in `imaging.evaluation.outputs.Result`.
        measured: labels of the measurements by the label of the model; models of one physics share a label.

    Returns:
        by name, the clean image (C, H, W), or None, and the measured and restored images of that shape by
        label. If models have different images of one name (another crop), there is one entry for each, with
        the label of its first model in parentheses.
    """
    groups: dict[str, list[tuple]] = {}
    for label, one in examples.items():
        for index, name in enumerate(one["names"]):
            variants = groups.setdefault(str(name), [])
            clean = one["clean"][index] if one["clean"] else None
            known = clean if one["clean"] else one["measured"][index]
            group = next((g for g in variants if np.array_equal(g[4], known)), None)
            if group is None:
                group = clean, {}, {}, label, known
                variants.append(group)
            noise = f"test {one.get('level', 'sigma')} {one['sigma']:g}"
            y = f"{(measured or {}).get(label, 'measured y')}, {noise}"
            group[1].setdefault(y, one["measured"][index])
            group[2][label] = one["restored"][index]
    return {
        name if group is variants[0] else f"{name} ({group[3]})": (group[0], group[1] | group[2])
        for name, variants in groups.items()
        for group in variants
    }


def _enlarge(axes, image: np.ndarray, place: tuple[slice, slice]) -> None:
    """Draw a detail of the image in the opposite corner, and frame both."""
    rows, columns = place
    height, width = image.shape[-2:]
    side = 0.45 * min(1, width / height), 0.45 * min(1, width / height) * width / height
    right, low = columns.start + columns.stop < width, rows.start + rows.stop < height
    corner = 0.99 - side[0] if right else 0.01, 0.01 if low else 0.99 - side[1]
    inset = axes.inset_axes([*corner, *side])
    show(inset, image[:, rows, columns])
    for spine in inset.spines.values():
        spine.set(edgecolor=COLOURS[4], linewidth=1.5)
    _frame(axes, columns.start, rows.start, rows.stop - rows.start)


def _frame(axes, left: int, top: int, side: int) -> None:
    """Draw a square around pixels, whose centres have integer coordinates."""
    square = pyplot().Rectangle((left - 0.5, top - 0.5), side, side)
    square.set(fill=False, edgecolor=COLOURS[4], linewidth=1)
    axes.add_patch(square)


def linear_views(views: dict[str, dict], path: Path) -> None:
    """Draw the equivalent filters and singular values of homogeneous networks, one row per network.

    Args:
        views: results of `imaging.evaluation.linear_view.linear_view` by the label of the network.
        path: the PNG.
    """
    levels = max(len(view["sigmas"]) for view in views.values())
    columns = 3 * levels + 1
    grid = {
        "squeeze": False,
        "layout": "constrained",
        "figsize": (1.9 * columns, 2.4 * len(views) + 0.2),
        "gridspec_kw": {"width_ratios": [1] * (columns - 1) + [1.4]},
    }
    figure, axes = pyplot().subplots(len(views), columns, **grid)
    for line, (label, view) in zip(axes, views.items(), strict=True):
        row, column = view["center"]
        for axis in line[3 * len(view["sigmas"]) : -1]:
            axis.set_axis_off()
        for level, sigma in enumerate(view["sigmas"]):
            measured, restored, weights = line[3 * level : 3 * level + 3]
            show(measured, view["measured"][level], f"measured, sigma {sigma:g}")
            show(restored, view["restored"][level], "restored")
            for axis in (measured, restored):
                axis.plot(column, row, "+", color=COLOURS[4], markersize=9)
            reach = _reach(view["filters"][level], row, column)
            taps = view["filters"][level][_around(row, reach), _around(column, reach)]
            _frame(measured, column - reach, row - reach, 2 * reach + 1)
            largest = np.abs(taps).max()
            weights.imshow(taps, "RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
            weights.set_xticks([])
            weights.set_yticks([])
            weights.set_title("filter in the square", fontsize=10)
            weights.set_xlabel(f"largest {largest:.2g}, sum {taps.sum():.2f}", fontsize=8)
            values = view["singular_values"][level]
            if len(values):
                ranks = np.arange(1, len(values) + 1)
                line[-1].plot(ranks, values, label=f"sigma {sigma:g}", color=COLOURS[level])
        if view["singular_values"].size:
            line[-1].set_title("singular values", fontsize=10)
            line[-1].set_ylim(bottom=0)
            line[-1].grid(alpha=0.3)
            line[-1].legend(fontsize=8)
        else:
            line[-1].set_axis_off()
        line[0].set_ylabel(plain(textwrap.fill(label, 26)), fontsize=9)  # fits the height of a row
    save(figure, path)


def _reach(taps: np.ndarray, row: int, column: int) -> int:
    """The largest distance from the pixel of a weight above 1/50 of the largest weight; at least 5."""
    rows, columns = np.nonzero(np.abs(taps) > np.abs(taps).max() / 50)
    return max(5, *np.abs(rows - row), *np.abs(columns - column)) if len(rows) else 5


def _around(at: int, reach: int) -> slice:
    return slice(max(0, at - reach), at + reach + 1)
