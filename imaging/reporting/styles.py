"""Styles of lines in figures: the first factor sets the colour, the second the dash, the third the marker."""

from dataclasses import dataclass

from imaging.evaluation.statistics.factors import name_text, value_text
from imaging.evaluation.table import Cell
from imaging.reporting.figures import COLOURS, DASHES, MARKERS

PLAIN = {"color": "#444444", "linestyle": "-", "marker": ""}  # for the legend entry of one level


@dataclass(frozen=True)
class Styles:
    """Styles of lines and the entries of their legend.

    Args:
        styles: keywords of matplotlib's `plot`, one dict per configuration.
        legend: label and style of each entry, one per level, or one per configuration if there are too many
            factors or levels.
    """

    styles: list[dict]
    legend: list[tuple[str, dict]]


def line_styles(cells: list[Cell]) -> Styles:
    """Choose a style for each configuration such that equal levels share a colour, dash or marker."""
    settings = [{"method": one.method} | one.settings for one in cells]
    factors: list[str] = []
    for name in settings[0]:
        groups = {repr([s[n] for n in factors]) for s in settings}
        if len({repr([s[n] for n in (*factors, name)]) for s in settings}) > len(groups):
            factors.append(name)  # it distinguishes configurations that the factors before it do not
    levels = [list({repr(s[name]): s[name] for s in settings}.values()) for name in factors]
    kinds = (("color", COLOURS), ("linestyle", DASHES), ("marker", MARKERS))
    enough = all(len(values) <= len(options) for values, (_, options) in zip(levels, kinds, strict=False))
    if len(factors) < 2 or len(factors) > len(kinds) or not enough:
        styles = [_numbered(index) for index in range(len(cells))]
        return Styles(styles, [(one.label, style) for one, style in zip(cells, styles, strict=True)])
    styles, legend = [{"color": COLOURS[0], "linestyle": "-", "marker": "o"} for _ in cells], []
    for name, values, (kind, options) in zip(factors, levels, kinds, strict=False):
        by_level = {repr(level): options[index] for index, level in enumerate(values)}
        for style, setting in zip(styles, settings, strict=True):
            style[kind] = by_level[repr(setting[name])]
        for level in values:
            label = str(level) if name == "method" else f"{name_text(name)} {value_text(level)}"
            legend.append((label, PLAIN | {kind: by_level[repr(level)]}))
    return Styles(styles, legend)


def _numbered(index: int) -> dict:
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index // len(COLOURS) % len(DASHES)],
    }
