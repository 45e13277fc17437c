"""Shared parts of all figures: their style and width, images with PSNR, and the files of a figure."""

import csv
import functools
import io
import re
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import numpy as np

from imaging.files import write_text
from imaging.settings import Limit, check

STYLE = Path(__file__).with_name("figures.mplstyle")
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999933")
DASHES = ("-", "--", ":", "-.")
MARKERS = "osD^vPX*"
# A width that is stated is of a printed page, where text is smaller and pixels are closer.
PRINTED = {"font.size": 7, "savefig.dpi": 300, "lines.markersize": 3, "lines.linewidth": 1}
INCHES = {"mm": 1 / 25.4, "cm": 1 / 2.54, "in": 1.0, "pt": 1 / 72}
NARROWEST, WIDEST = 80 / 25.4, 400 / 25.4  # inches

Rows = Iterable[Sequence]


def inches(width: str | None) -> float | None:
    """A width such as '89mm', '8.9cm', '3.5in' or '252pt' in inches; None if it is None or no such width."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) ?(mm|cm|in|pt)", width) if isinstance(width, str) else None
    return float(found[1]) * INCHES[found[2]] if found else None


def _fits(width: str) -> bool:
    return NARROWEST <= (inches(width) or 0) <= WIDEST


Width = Annotated[str, Limit("a width from 80mm to 400mm, such as 89mm or 3.5in", _fits)] | None


def read_width(config: dict) -> float | None:
    """The setting `figures.width` of a config in inches; None if it is null, or if the config has none.

    Raises:
        ImagingError: it is no width.
    """
    figures = config.get("figures")
    check("figures", figures, dict | None)
    check("figures.width", width := (figures or {}).get("width"), Width)
    return inches(width)


def pyplot():
    """Import `matplotlib.pyplot` with the Agg backend, which needs no display."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def styled(draw):
    """Decorate a function that draws a figure: it draws in the style of `STYLE`, or of a printed page.

    Args:
        draw: takes, besides its own arguments, the keyword `width` in inches, or None.
    """

    @functools.wraps(draw)
    def styled_draw(*arguments, width: float | None = None, **keywords):
        plt = pyplot()
        with plt.rc_context(fname=STYLE), plt.rc_context({} if width is None else PRINTED):
            return draw(*arguments, width=width, **keywords)

    return styled_draw


def fitting(panels: int, width: float | None, least: float) -> int:
    """How many of the panels fit beside each other, each at least `least` inches wide; None: all."""
    return panels if width is None else max(1, min(panels, int(width / least)))


def grid(panels: int, panel: tuple[float, float], width: float | None, least: float) -> tuple:
    """Make a figure with a grid of panels, in as few rows as fit.

    Args:
        panels: their number.
        panel: width and height of each, in inches, if no width is stated.
        width: of the figure, in inches; None: all panels are in one row, each as wide as `panel`.
        least: the smallest width of a panel, in inches, for fewer rows.

    Returns:
        The figure, and its axes (rows, columns); those without a panel are switched off.
    """
    columns = fitting(panels, width, least)
    rows = -(-panels // columns)
    across = panel[0] if width is None else width / columns
    size = across * columns, panel[1] * max(across / panel[0], 0.6) * rows
    figure, axes = pyplot().subplots(rows, columns, figsize=size, squeeze=False)
    for empty in list(axes.flat)[panels:]:
        empty.set_axis_off()
    return figure, axes


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
    axes.set_title(plain(title))
    axes.set_xlabel(plain(note), fontsize="small")


def psnr_note(x_hat: np.ndarray, x: np.ndarray | None) -> str:
    """The PSNR of the unclipped estimate: '29.53 dB', or 'identical'; '' without a clean image."""
    if x is None:
        return ""
    error = float(np.mean((x_hat.astype(np.float64) - x) ** 2))
    return "identical" if error == 0 else f"{-10 * np.log10(error):.2f} dB"


def csv_text(header: Sequence[str], rows: Rows) -> str:
    """A table as the text of a CSV file; floats have seven digits."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([f"{value:.7g}" if isinstance(value, float) else value for value in row])
    return file.getvalue()


def save(figure, path: Path, header: Sequence[str], rows: Rows, width: float | None = None) -> None:
    """Write the figure as PNG to `path`, and as SVG and PDF beside it, and its data as CSV.

    Args:
        figure: drawn in a function that is `styled`.
        path: the PNG.
        header, rows: what the figure shows, as a table.
        width: of the figure in inches, exactly; None: margins are cut off.
    """
    from matplotlib.transforms import Bbox

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a glyph that the font lacks is drawn as a box
        figure.draw_without_rendering()  # computes the layout once for all files
        figure.set_layout_engine("none")
        whole = figure.get_tightbbox().padded(0.02 if width else 0.1)
        if width is not None:
            whole = Bbox.from_extents(0, whole.y0, width, whole.y1)
        for suffix, metadata in (
            (path.suffix, {}),
            (".svg", {"Date": None}),
            (".pdf", {"CreationDate": None}),
        ):
            figure.savefig(path.with_suffix(suffix), bbox_inches=whole, metadata=metadata)
    pyplot().close(figure)
    write_text(path.with_suffix(".csv"), csv_text(header, rows))
