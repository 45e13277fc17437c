"""How lines are told apart: the first factor by colour, the second by dash, the third by marker."""

from dataclasses import dataclass

from imaging.evaluation.factors import cell, spoken
from imaging.evaluation.table import Cell
from imaging.reporting.figures import COLOURS, DASHES, MARKERS

PLAIN = {"color": "#444444", "linestyle": "-", "marker": ""}  # of a legend's entry for one level


@dataclass(frozen=True)
class Looks:
    """Styles of lines, and what a legend says of them.

    Args:
        styles: matplotlib's keywords, one dict a configuration.
        legend: label and style of each entry: one a level, or one a configuration where the factors are more
            than can be told apart so.
    """

    styles: list[dict]
    legend: list[tuple[str, dict]]


def looks(cells: list[Cell]) -> Looks:
    """A style for each configuration, such that equal levels look alike."""
    settings = [{"method": one.method} | one.settings for one in cells]
    factors: list[str] = []
    for name in settings[0]:
        told = {repr([s[n] for n in factors]) for s in settings}
        if len({repr([s[n] for n in (*factors, name)]) for s in settings}) > len(told):
            factors.append(name)  # it tells apart what those before it do not
    levels = [list({repr(s[name]): s[name] for s in settings}.values()) for name in factors]
    kinds = (("color", COLOURS), ("linestyle", DASHES), ("marker", MARKERS))
    enough = all(len(have) <= len(of) for have, (_, of) in zip(levels, kinds, strict=False))
    if len(factors) < 2 or len(factors) > len(kinds) or not enough:
        styles = [_numbered(index) for index in range(len(cells))]
        return Looks(styles, [(one.label, style) for one, style in zip(cells, styles, strict=True)])
    styles, legend = [{"color": COLOURS[0], "linestyle": "-", "marker": "o"} for _ in cells], []
    for name, have, (kind, of) in zip(factors, levels, kinds, strict=False):
        by_level = {repr(level): of[index] for index, level in enumerate(have)}
        for style, setting in zip(styles, settings, strict=True):
            style[kind] = by_level[repr(setting[name])]
        for level in have:
            words = str(level) if name == "method" else f"{spoken(name)} {cell(level)}"
            legend.append((words, PLAIN | {kind: by_level[repr(level)]}))
    return Looks(styles, legend)


def _numbered(index: int) -> dict:
    return {
        "color": COLOURS[index % len(COLOURS)],
        "marker": MARKERS[index % len(MARKERS)],
        "linestyle": DASHES[index // len(COLOURS) % len(DASHES)],
    }
