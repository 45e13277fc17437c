"""What all figures share: matplotlib without a screen, colours, an image with its PSNR, PNG and SVG."""

import warnings
from pathlib import Path

import numpy as np

# Okabe and Ito's colours: told apart by colour-blind readers, and in print by the markers.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
DASHES = ("-", "--", ":", "-.")
MARKERS = "osD^vPX*"


def pyplot():
    import matplotlib

    matplotlib.use("Agg")
    matplotlib.rcParams["svg.hashsalt"] = "imaging"  # the same figure is the same file
    import matplotlib.pyplot as plt

    return plt


def plain(text: str) -> str:
    """Text that matplotlib draws as it is: it would read what is between two `$` as a formula."""
    return text.replace("$", r"\$")


def show(axes, image: np.ndarray, title: str = "", note: str = "") -> None:
    """One (C, H, W) image in [0, 1], clipped for the eye only."""
    image = np.clip(image, 0, 1).transpose(1, 2, 0)
    smooth = "antialiased" if image.shape[0] > 64 else "nearest"
    axes.imshow(
        image.squeeze(-1) if image.shape[-1] == 1 else image, "gray", vmin=0, vmax=1, interpolation=smooth
    )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_title(plain(title), fontsize=10)
    axes.set_xlabel(plain(note), fontsize=9)


def psnr_note(x_hat: np.ndarray, x: np.ndarray) -> str:
    """'29.53 dB', of the unclipped estimate as everywhere."""
    error = float(np.mean((x_hat.astype(np.float64) - x) ** 2))
    return "identical" if error == 0 else f"{-10 * np.log10(error):.2f} dB"


def save(figure, path: Path) -> None:
    """Write the PNG at `path`, and beside it the same as SVG."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # the font lacks it: a box here, itself in the tables
        figure.draw_without_rendering()  # the layout, once for both
        figure.set_layout_engine(None)
        whole = figure.get_tightbbox().padded(0.1)
        figure.savefig(path, dpi=150, bbox_inches=whole)
        figure.savefig(path.with_suffix(".svg"), dpi=150, bbox_inches=whole, metadata={"Date": None})
    pyplot().close(figure)
