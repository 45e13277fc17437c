"""The tables that people read."""

import math
from dataclasses import replace

import pytest

from imaging.evaluation.table import Table
from imaging.reporting.tables import markdown_table, matrices, matrix_lines, pivot, text_table
from tests.results import result

POISSON = {"operator": {"name": "identity"}, "noise": {"name": "poisson", "peak": 100}}


def two_runs() -> Table:
    one = result("a", [[30.126] * 3, [25.0] * 3], {"bias": True}, sigma=[0.1, 0.2], before=19.9)
    return Table([one, result("b", [31.0] * 3, {"bias": False}, before=19.9)])


def test_one_line_a_run_and_one_column_a_sigma():
    header, lines = pivot(two_runs())
    assert header == ["method", "bias", "test sigma 0.1", "test sigma 0.2"]
    assert lines == [
        ["dncnn", "yes", "30.13", "25.00"],
        ["dncnn", "no", "31.00", "-"],
        ["measured y", "", "19.90", "19.90"],
    ]


def test_a_column_has_the_name_of_the_noises_level():
    def at_peaks(run):
        one = result(run, [[30.0], [35.0]], {"physics": POISSON}, sigma=[10.0, 100.0])
        return replace(one, records=[replace(record, level="peak") for record in one.records])

    assert pivot(Table([at_peaks("a")]))[0] == ["method", "test peak 10", "test peak 100"]
    mixed = Table([at_peaks("a"), result("b", [30.0])])
    assert pivot(mixed)[0][-3:] == ["test noise level 0.1", "test noise level 10", "test noise level 100"]


def test_runs_that_differ_in_their_seed_share_a_line():
    values = [(True, 0, 30.0), (True, 1, 32.0), (False, 0, 33.0), (False, 1, 33.0)]
    results = [result(f"{b}-{s}", [v, v], {"bias": b, "seed": s}) for b, s, v in values]
    header, lines = pivot(Table(results))
    assert header == ["method", "bias", "seeds", "test sigma 0.1"]
    assert lines[:2] == [["dncnn", "yes", "2", "31.00 ± 1.41"], ["dncnn", "no", "2", "33.00 ± 0.00"]]


@pytest.mark.parametrize("shown", ["psnr", "gain", "ssim"])
def test_infinite_and_undefined_values_are_printed_as_such(shown):
    results = [result(str(s), [math.inf, math.inf], {"seed": s}, before=math.inf) for s in (0, 1)]
    line = pivot(Table(results), shown)[1][0]
    assert line[-1] == {"psnr": "inf", "gain": "-", "ssim": "0.9000 ± 0.0000"}[shown]


def noises() -> Table:
    def physics(sigma):
        return {"operator": {"name": "identity"}, "noise": {"sigma": sigma}}

    psnr = {0.05: [30.0, 25.0], 0.2: [28.0, 27.0]}
    return Table(
        [
            result(
                f"{sigma}{bias}",
                [[v + bias] for v in row],
                {"physics": physics(sigma), "bias": bias},
                sigma=[0.05, 0.2],
            )
            for sigma, row in psnr.items()
            for bias in (True, False)
        ]
    )


def test_training_noise_against_test_noise_for_each_level_of_the_others():
    yes, no = matrices(noises())
    assert (yes.title, no.title) == ("dncnn, bias yes", "dncnn, bias no")
    assert no.psnr == [[30.0, 25.0], [28.0, 27.0]]
    assert no.loss == [[0.0, -2.0], [-2.0, 0.0]]
    assert matrix_lines(yes) == (
        ["training sigma", "test sigma 0.05", "test sigma 0.2"],
        [["0.05", "31.00 (best)", "26.00 (-2.00)"], ["0.2", "29.00 (-2.00)", "28.00 (best)"]],
    )
    assert matrices(two_runs()) == []


def test_columns_are_aligned():
    lines = text_table(*pivot(two_runs())).splitlines()
    assert lines[0].endswith("test sigma 0.2")
    assert lines[1].endswith("    25.00")
    assert len({line.index("3") for line in lines[1:3]}) == 1


def test_markdown_has_as_many_cells_in_every_line():
    header, lines = pivot(two_runs())
    lines[0][0] = "a|b"
    written = markdown_table(header, lines).splitlines()
    assert len(written) == 5
    assert {line.replace("\\|", "").count("|") for line in written} == {5}
