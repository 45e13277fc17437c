"""Styles of lines and their legends."""

from imaging.evaluation.table import Table
from imaging.reporting.styles import line_styles
from tests.results import result


def cells(*settings):
    return Table([result(str(i), [30.0], one) for i, one in enumerate(settings)]).cells


def test_the_first_factor_is_the_colour_the_second_the_dash_the_third_the_marker():
    levels = [{"a": a, "b": b, "c": c} for a in (1, 2, 3) for b in (True, False) for c in (8, 9)]
    look = line_styles(cells(*levels))
    for index, kind in (("a", "color"), ("b", "linestyle"), ("c", "marker")):
        by_level = {}
        for level, style in zip(levels, look.styles, strict=True):
            by_level.setdefault(level[index], set()).add(style[kind])
        assert all(len(styles) == 1 for styles in by_level.values())
        assert len(set.union(*by_level.values())) == len(by_level)
    words = ["a 1", "a 2", "a 3", "b yes", "b no", "c 8", "c 9"]
    assert [label for label, _ in look.legend] == words  # one entry a level, not twelve


def test_a_factor_that_follows_another_is_not_told_twice():
    look = line_styles(cells({"a": 1, "b": 10}, {"a": 2, "b": 20}))
    assert [label for label, _ in look.legend] == ["dncnn, a 1, b 10", "dncnn, a 2, b 20"]


def test_many_lines_can_all_be_told_apart():
    look = line_styles(cells(*({"a": a} for a in range(20))))
    assert len({repr(style) for style in look.styles}) == 20
    four = [{"a": a, "b": b, "c": c, "d": d} for a in "xy" for b in "xy" for c in "xy" for d in "xy"]
    assert len(line_styles(cells(*four)).legend) == 16
