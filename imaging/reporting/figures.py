"""Figures of a run and of a sweep, with matplotlib, from arrays and records."""

from pathlib import Path

import numpy as np

# Okabe and Ito's colours: told apart by colour-blind readers, and in print by the markers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
MARKERS = "osD^vPX*"


def _pyplot():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def _show(axes, image: np.ndarray, title: str = "", note: str = "") -> None:
    """One (C, H, W) image in [0, 1], clipped for the eye only."""
    image = np.clip(image, 0, 1).transpose(1, 2, 0)
    smooth = "antialiased" if image.shape[0] > 64 else "nearest"
    axes.imshow(image.squeeze(), cmap="gray", vmin=0, vmax=1, interpolation=smooth)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(title, fontsize=10)
    axes.set_xlabel(note, fontsize=9)


def _psnr(x_hat: np.ndarray, x: np.ndarray) -> str:
    error = float(np.mean((x_hat.astype(np.float64) - x) ** 2))
    return "identical" if error == 0 else f"{-10 * np.log10(error):.2f} dB"


def save(figure, path: Path) -> None:
    figure.savefig(path, dpi=150, bbox_inches="tight")
    _pyplot().close(figure)


def inpainting_figure(examples: dict, steps: list[int], losses: list[float], path: Path) -> None:
    """Four panels: ground truth, measurements, reconstructed image, and the loss against iterations.

    Args:
        examples: arrays `clean`, `measured`, `restored` of shape (n, C, H, W) in [0, 1].
        steps, losses: the training loss; its axis is logarithmic.
        path: the PNG.
    """
    widths = {"width_ratios": [1, 1, 1, 1.5]}
    figure, axes = _pyplot().subplots(1, 4, figsize=(12, 3), gridspec_kw=widths, layout="constrained")
    clean, measured, restored = (examples[k][0] for k in ("clean", "measured", "restored"))
    _show(axes[0], clean, "ground truth")
    _show(axes[1], measured, "measurements")
    _show(axes[2], restored, "reconstructed image", _psnr(restored, clean))
    axes[3].semilogy(steps, losses, color=COLOURS[0], linewidth=1)
    for axis in (axes[3].yaxis.set_major_formatter, axes[3].yaxis.set_minor_formatter):
        axis("{x:g}")  # less than a decade has no power of ten to tick
    axes[3].tick_params(axis="y", which="both", labelsize=8)
    axes[3].set_title("loss", fontsize=10)
    axes[3].set_xlabel("iteration")
    axes[3].grid(alpha=0.3, which="both")
    save(figure, path)


def reconstruction_grid(examples: dict, path: Path, columns: int = 10) -> None:
    """Three rows: ground truth, measurements, reconstructions, one column an image."""
    names = (("clean", "ground truth"), ("measured", "measurements"), ("restored", "reconstructed"))
    columns = min(columns, len(examples["clean"]))
    figure, axes = _pyplot().subplots(3, columns, figsize=(1.2 * columns, 3.9), squeeze=False)
    for row, (key, label) in enumerate(names):
        for column in range(columns):
            note = ""
            if key == "restored":
                note = _psnr(examples[key][column], examples["clean"][column])
            _show(axes[row, column], examples[key][column], note=note)
        axes[row, 0].set_ylabel(label, fontsize=9)
    save(figure, path)


def strips(examples: dict, path: Path, sigma: float, size: int = 160) -> None:
    """Clean | measured | restored, one row an image, with the PSNR under each, and the middle enlarged."""
    count = len(examples["clean"])
    figure, axes = _pyplot().subplots(count, 6, figsize=(17, 2.2 * count), squeeze=False)
    for row in range(count):
        clean = examples["clean"][row]
        height, width = clean.shape[-2:]
        top, left = max(0, (height - size) // 2), max(0, (width - size) // 2)
        for column, key in enumerate(("clean", "measured", "restored")):
            image = examples[key][row]
            title = f"{key}, sigma {sigma:g}" if key == "measured" else key
            note = str(examples["names"][row]) if key == "clean" else _psnr(image, clean)
            _show(axes[row, column], image, title if row == 0 else "", note)
            inset = image[:, top : top + size, left : left + size]
            _show(axes[row, column + 3], inset, f"{key}, enlarged" if row == 0 else "")
    save(figure, path)


def psnr_against_sigma(rows: list[dict], labels: dict[str, str], path: Path) -> None:
    """Mean PSNR of the estimate against the noise at test, one line a label; the measurement dashed.

    Runs of one label, those that differ in their seed, make one line: their mean, with their range shaded.

    Args:
        rows: of `summarise`.
        labels: how to call each run.
        path: the PNG.
    """
    plt = _pyplot()
    figure, axes = plt.subplots(figsize=(6.5, 4.2))
    for index, label in enumerate(dict.fromkeys(labels.values())):
        points: dict[float, list[float]] = {}
        for row in rows:
            if labels[row["run"]] == label:
                points.setdefault(row["sigma"], []).append(row["psnr_mean"])
        at = sorted(points)
        colour, marker = COLOURS[index % len(COLOURS)], MARKERS[index % len(MARKERS)]
        mean = [float(np.mean(points[s])) for s in at]
        axes.plot(at, mean, label=label, color=colour, marker=marker, markersize=4, linewidth=1.3)
        low, high = ([f(points[s]) for s in at] for f in (min, max))
        axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
    before = sorted({r["sigma"]: r["psnr_input_mean"] for r in rows}.items())
    axes.plot(*zip(*before, strict=True), "k--", linewidth=1, label="measured y")
    sigmas = [s for s, _ in before]
    if min(sigmas) > 0:
        axes.set_xscale("log")
        axes.set_xticks(sigmas, [f"{s:g}" for s in sigmas])
        axes.minorticks_off()
    axes.set_xlabel("sigma of the noise at test")
    axes.set_ylabel("PSNR (dB)")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    save(figure, path)
