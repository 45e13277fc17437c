"""Shared parts of all figures: matplotlib without a display, colours, images with PSNR, PNG and SVG."""

import warnings
from pathlib import Path

import numpy as np

# The colours of Okabe and Ito, which colour-blind readers can distinguish.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
DASHES = ("-", "--", ":", "-.")
MARKERS = "osD^vPX*"


def pyplot():
    """Import `matplotlib.pyplot` with the Agg backend, which needs no display."""
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "imaging"  # makes files reproducible
    import matplotlib.pyplot as plt

    return plt


def plain(text: str) -> str:
    """Escape `$`, so that matplotlib does not draw the text between two of them as a formula."""
    return text.replace("$", r"\$")


def show(axes, image: np.ndarray, title: str = "", note: str = "") -> None:
    """Draw an image (C, H, W), clipped to [0, 1]."""
    image = np.clip(image, 0, 1).transpose(1, 2, 0)
    smooth = "antialiased" if image.shape[0] > 64 else "nearest"
    axes.imshow(
        image.squeeze(-1) if image.shape[-1] == 1 else image, "gray", vmin=0, vmax=1, interpolation=smooth
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(plain(title), fontsize=10)
    axes.set_xlabel(plain(note), fontsize=9)


def psnr_note(x_hat: np.ndarray, x: np.ndarray | None) -> str:
    """The PSNR of the unclipped estimate: '29.53 dB', or 'identical'; '' without a clean image."""
    if x is None:
        return ""
    error = float(np.mean((x_hat.astype(np.float64) - x) ** 2))
    return "identical" if error == 0 else f"{-10 * np.log10(error):.2f} dB"


def save(figure, path: Path) -> None:
    """Write the figure as PNG to `path` and as SVG beside it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a glyph that the font lacks is drawn as a box
        figure.draw_without_rendering()  # computes the layout once for both files
        figure.set_layout_engine(None)
        whole = figure.get_tightbbox().padded(0.1)
        figure.savefig(path, dpi=150, bbox_inches=whole)
        figure.savefig(path.with_suffix(".svg"), dpi=150, bbox_inches=whole, metadata={"Date": None})
    pyplot().close(figure)
