"""Figures of images: clean, measured and restored."""

import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imaging.evaluation.places import strongest_edge, window
from imaging.reporting.figures import COLOURS, fitting, grid, psnr_note, pyplot, save, show, styled


@styled
def inpainting_figure(
    examples: dict, steps: list[int], losses: list[float], path: Path, width: float | None = None
) -> None:
    """Draw four panels: ground truth, measurements, reconstructed image, and loss against iterations.

    Args:
        examples: arrays `clean`, `measured`, `restored` of shape (n, C, H, W) in [0, 1].
        steps, losses: the training loss, drawn on a logarithmic axis.
        path: the PNG.
        width: of the figure, in inches; None: as wide as it needs to be.
    """
    figure, axes = grid(4, (3, 3), width, 1.5)
    axes = axes.flat
    clean, measured, restored = (examples[k][0] for k in ("clean", "measured", "restored"))
    show(axes[0], clean, "ground truth")
    show(axes[1], measured, "measurements")
    show(axes[2], restored, "reconstructed image", psnr_note(restored, clean))
    axes[3].semilogy(steps, losses, linewidth=1)
    for axis in (axes[3].yaxis.set_major_formatter, axes[3].yaxis.set_minor_formatter):
        axis("{x:g}")  # an axis of less than a decade has no power of ten
    axes[3].tick_params(axis="y", which="both", labelsize="small")
    axes[3].set_title("loss")
    axes[3].set_xlabel("iteration")
    axes[3].grid()
    save(figure, path, ("iteration", "training loss"), zip(steps, losses, strict=True), width)


@styled
def reconstruction_grid(examples: dict, path: Path, columns: int = 10, width: float | None = None) -> None:
    """Draw three rows, ground truth, measurements and reconstructions, with one column per image.

    Args:
        examples: arrays `clean`, `measured`, `restored` of shape (n, C, H, W) in [0, 1], and their `names`.
        path: the PNG.
        columns: the maximal number of images.
        width: of the figure, in inches, which may leave room for fewer images; None: as wide as it needs to
            be.
    """
    names = (("clean", "ground truth"), ("measured", "measurements"), ("restored", "reconstructed"))
    columns = fitting(min(columns, len(examples["clean"])), width, 0.55)
    side = 1.2 if width is None else width / columns
    layout = {"figsize": (side * columns, 3.25 * side), "squeeze": False, "layout": "compressed"}
    figure, axes = pyplot().subplots(3, columns, **layout)
    for row, (key, label) in enumerate(names):
        for column in range(columns):
            image, clean = examples[key][column], examples["clean"][column]
            show(axes[row, column], image, note=psnr_note(image, clean) if key == "restored" else "")
        axes[row, 0].set_ylabel(label, fontsize="small")
    shown = {
        str(examples["names"][i]): (
            examples["clean"][i],
            {label: examples[key][i] for key, label in names[1:]},
        )
        for i in range(columns)
    }
    save(figure, path, QUALITIES, _qualities(shown), width)


QUALITIES = ("image", "version", "PSNR (dB)")


def _qualities(images: dict[str, tuple]) -> Iterator[tuple]:
    """The PSNR of each version of the images of `strips`; '' without a clean image."""
    for name, (clean, others) in images.items():
        for label, image in others.items():
            note = psnr_note(image, clean).removesuffix(" dB")
            yield name, label, "inf" if note == "identical" else note


@styled
def strips(images: dict[str, tuple], path: Path, columns: int = 4, width: float | None = None) -> None:
    """Draw each image clean and then its other versions with their PSNR; one detail of all is enlarged.

    Args:
        images: by name, the clean image (C, H, W) in [0, 1] or None, and a dict of measured and restored
            images of one shape by their titles.
        path: the PNG.
        columns: the maximal number of panels in a row; each image starts a new row.
        width: of the figure, in inches, which may leave room for fewer columns; None: as wide as it needs to
            be.
    """
    versions = {name: labelled(*one) for name, one in images.items()}
    longest = max(map(len, versions.values()))
    columns = fitting(min(columns, longest), width, 1.3)
    lines = -(-longest // columns)
    high, wide = next(iter(versions.values()))[0][1].shape[-2:]
    side = 3.4 if width is None else width / columns
    letters = 110 / pyplot().rcParams["font.size"]  # in an inch
    size = side * columns, (side * high / wide + 0.5) * lines * len(images)
    layout = {"figsize": size, "squeeze": False, "layout": "compressed"}
    figure, axes = pyplot().subplots(lines * len(images), columns, **layout)
    for index, (name, (clean, _)) in enumerate(images.items()):
        panels, panes = axes[lines * index : lines * (index + 1)].flat, versions[name]
        # Where an edge is, a restored image shows better than a measured one.
        detail = panes[0][1] if clean is not None else panes[-1][1]
        for position, (axis, (label, image)) in enumerate(zip(panels, panes, strict=False)):
            title = textwrap.fill(label, int(side * letters))
            show(axis, image, title, name if position == 0 else psnr_note(image, clean))
            shape = image.shape[-2:]
            if min(shape) >= 96:  # details of small images are visible without
                _enlarge(axis, image, window(strongest_edge(detail), shape, min(shape) // 6))
        for axis in panels[len(panes) :]:
            axis.set_axis_off()
    save(figure, path, QUALITIES, _qualities(images), width)


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
    frame(axes, columns.start, rows.start, rows.stop - rows.start)


def frame(axes, left: int, top: int, side: int) -> None:
    """Draw a square around pixels, whose centres have integer coordinates."""
    square = pyplot().Rectangle((left - 0.5, top - 0.5), side, side)
    square.set(fill=False, edgecolor=COLOURS[4], linewidth=1)
    axes.add_patch(square)
