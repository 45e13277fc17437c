"""Figures of numbers: PSNR against the noise at test, and the training curves of a sweep."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imaging.reporting.figures import pyplot, save, style


def psnr_against_sigma(
    rows: list[dict], labels: dict[str, str], path: Path, trained: Sequence[tuple[float, float]] = ()
) -> None:
    """Mean PSNR of the estimate against the noise at test, one line a label; the measurement dashed.

    Runs of one label, those that differ in their seed, make one line: their mean, with their range shaded.

    Args:
        rows: of `summarise`.
        labels: how to call each run.
        path: the PNG.
        trained: lowest and highest sigma of each training; shaded, or a dotted line if they are equal.
    """
    figure, axes = pyplot().subplots(figsize=(6.5, 4.2))
    before = sorted({r["sigma"]: r["psnr_input_mean"] for r in rows}.items())
    sigmas = [s for s, _ in before]
    logarithmic = min(sigmas) > 0
    for low, high in trained:
        if low == high:
            axes.axvline(low, color="gray", linestyle=":", label=f"trained at {low:g}")
        else:
            left = max(low, min(sigmas) / 2) if logarithmic else low
            axes.axvspan(
                left, high, color="gray", alpha=0.2, linewidth=0, label=f"trained on {low:g} to {high:g}"
            )
    for index, label in enumerate(dict.fromkeys(labels.values())):
        points: dict[float, list[float]] = {}
        for row in rows:
            if labels[row["run"]] == label:
                points.setdefault(row["sigma"], []).append(row["psnr_mean"])
        at = sorted(points)
        mean = [float(np.mean(points[s])) for s in at]
        axes.plot(at, mean, label=label, markersize=4, linewidth=1.3, **style(index))
        low, high = ([f(points[s]) for s in at] for f in (min, max))
        axes.fill_between(at, low, high, color=style(index)["color"], alpha=0.2, linewidth=0)
    axes.plot(*zip(*before, strict=True), "k--", linewidth=1, label="measured y")
    if logarithmic:
        axes.set_xscale("log")
        axes.set_xticks(sigmas, [f"{s:g}" for s in sigmas])
        axes.minorticks_off()
    axes.set_xlabel("sigma of the noise at test")
    axes.set_ylabel("PSNR (dB)")
    axes.grid(alpha=0.3)
    _legend(axes, len(labels))
    save(figure, path)


Curve = tuple[list[int], list[float]]


def training_curves(curves: dict[str, list[dict[str, Curve]]], path: Path) -> bool:
    """Training loss and validation PSNR against steps, a colour a label, a line a run; whether there are any.

    Args:
        curves: for each label its runs, each with steps and values of `train/loss` and `val/psnr`.
        path: the PNG; not written if no run has either.
    """
    curves = {
        label: [run for run in runs if any(at for at, _ in run.values())] for label, runs in curves.items()
    }
    curves = {label: runs for label, runs in curves.items() if runs}
    if not curves:
        return False
    figure, (loss, psnr) = pyplot().subplots(1, 2, figsize=(11, 4), layout="constrained")
    for index, (label, runs) in enumerate(curves.items()):
        for number, run in enumerate(runs):
            look = style(index) | {"linewidth": 1, "label": None if number else label}
            steps, values = run["train/loss"]
            loss.plot(*smoothed(steps, values), **look | {"marker": ""})
            psnr.plot(*run["val/psnr"], **look, markersize=3)
    losses = [value for runs in curves.values() for run in runs for value in run["train/loss"][1]]
    if all(value > 0 for value in losses):  # task.loss=log_mse is a logarithm already
        loss.set_yscale("log")
    loss.set_ylabel("training loss, running mean")
    psnr.set_ylabel("validation PSNR (dB)")
    for axes in (loss, psnr):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3, which="both")
    _legend(psnr, len(curves))
    save(figure, path)
    return True


def smoothed(steps: list[int], values: list[float]) -> Curve:
    """The running mean over a twentieth of the points, at the middles of its windows."""
    width = max(1, len(values) // 20)
    if width == 1:
        return steps, values
    means = np.convolve(values, np.full(width, 1 / width), "valid")
    middles = np.convolve(steps, np.full(width, 1 / width), "valid")
    return middles.tolist(), means.tolist()


def _legend(axes, lines: int) -> None:
    """Inside, or beside the axes where many lines would be hidden by it."""
    beside = {"loc": "upper left", "bbox_to_anchor": (1.01, 1)} if lines > 5 else {}
    axes.legend(fontsize=8, **beside)
