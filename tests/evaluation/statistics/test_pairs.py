"""Which runs are compared with which, where they differ in more than one setting."""

from dataclasses import replace

import numpy as np
import pytest

from imaging.evaluation.statistics.comparisons import Comparison, compare, comparisons_csv, uncompared
from imaging.evaluation.table import Table
from imaging.reporting.tables import pivot
from tests.results import result


def model(name, seed=None, **settings):
    return {"name": name, **settings} | ({} if seed is None else {"seed": seed})


def test_a_network_is_compared_with_a_filter_that_has_no_seed():
    """As in `sweep=deconvolution`: two seeds are two seeds, though only networks have `model.seed`."""
    results = []
    for s in (0, 1):
        results.append(result(f"w{s}", [30.0, 31.0], {"seed": s, "model": model("wiener")}, "wiener"))
        results.append(result(f"u{s}", [32.0, 33.0 + s], {"seed": s, "model": model("unet", s)}, "unet"))
    table = Table(results)
    assert [line[:3] for line in pivot(table)[1]] == [
        ["wiener", "2", "30.50 ± 0.00"],
        ["unet", "2", "32.75 ± 0.35"],
        ["measured y", "", "20.00"],
    ]
    (only,) = compare(table)
    assert (only.change, only.n_seeds, only.difference) == ("unet instead of wiener", 2, 2.25)
    assert uncompared(table, [only]) == []


def test_what_a_choice_brings_with_it_is_told_and_not_held_against_it():
    """Each optimizer has its own learning rate, two of them the same one."""
    rates = {"adam": 1e-3, "sgd": 1e-1, "muon": 1e-3}
    results = [
        result(f"{name}{s}", [30.0 + i, 31.0 + i], {"seed": s, "optimizer": {"name": name, "lr": lr}})
        for i, (name, lr) in enumerate(rates.items())
        for s in (0, 1)
    ]
    table = Table(results)
    found = compare(table)
    assert [(c.factor, c.change, c.difference) for c in found] == [
        ("optimizer", "optimizer sgd instead of adam, and with it lr 0.1 instead of 0.001", 1.0),
        ("optimizer", "optimizer muon instead of adam", 2.0),
        ("optimizer", "optimizer muon instead of sgd, and with it lr 0.001 instead of 0.1", 1.0),
    ]
    assert uncompared(table, found) == []
    assert "lr 0.1 instead of 0.001" in comparisons_csv(found)


def test_a_rate_that_is_crossed_with_the_choice_is_a_factor_of_its_own():
    results = [
        result(f"{name}-{lr}", [30.0 + 100 * lr, 31.0], {"optimizer": {"name": name, "lr": lr}})
        for name in ("adam", "muon")
        for lr in (0.01, 0.02)
    ]
    assert {c.factor for c in compare(Table(results))} == {"optimizer", "lr"}


def folders(**gain: float) -> Table:
    """Two networks on each of several folders of two images; without biases it is better by `gain`."""
    results = []
    for index, (folder, better) in enumerate(gain.items()):
        for s in (0, 1):
            for bias in (True, False):
                values = [
                    30.0 + 5 * index + s + (0 if bias else better),
                    28.0 - index + (0 if bias else better),
                ]
                data = {"source": {"name": "folder", "test": folder}}
                settings = {"seed": s, "bias": bias, "data": data}
                results.append(result(f"{folder}-{bias}-{s}", values, settings))
    return Table(results)


def test_images_of_one_name_in_two_folders_are_not_compared():
    table = folders(a=1.0, b=1.0)
    found = compare(table)
    assert [(c.change, c.n_images, c.difference) for c in found] == [
        ("Removing the bias (test a)", 2, 1.0),
        ("Removing the bias (test b)", 2, 1.0),
    ]
    assert uncompared(table, found) == ["test: it changes the images or how they are tested"]


def test_folders_of_other_images_each_have_the_effect():
    table = folders(a=1.0, b=2.0)
    for one in table.results:
        if one.run.startswith("b"):
            one.records[:] = [replace(record, image=f"other {record.image}") for record in one.records]
    found = compare(Table(table.results))
    assert [c.difference for c in found] == [1.0, 2.0]


def test_a_run_in_a_renamed_directory_is_the_run_of_that_directory():
    results = [
        result(f"{bias}{s}", [30.0 + (not bias), 31.0], {"bias": bias, "seed": s})
        for bias in (True, False)
        for s in (0, 1)
    ]
    results[3].run = "mine"  # its records still have the old name
    (only,) = compare(Table(results))
    assert (only.n_seeds, only.difference) == (2, 0.5)


def test_a_run_that_was_not_tested_at_a_sigma_costs_its_seed_there_alone():
    results = [
        result(
            f"{bias}{s}",
            [[30.0 + (not bias), 31.0]] * (1 if (bias, s) == (True, 2) else 2),
            {"bias": bias, "seed": s},
            sigma=[0.1] if (bias, s) == (True, 2) else [0.1, 0.2],
        )
        for bias in (True, False)
        for s in (0, 1, 2)
    ]
    assert [(c.sigma, c.n_seeds) for c in compare(Table(results))] == [(0.1, 3), (0.2, 2)]


def test_what_cannot_be_compared_is_named_with_the_reason():
    lonely = [
        result("a", [30.0], {"bias": True, "depth": 3}),
        result("b", [31.0], {"bias": False, "depth": 5}),
    ]
    table = Table(lonely)
    assert compare(table) == []
    reason = "no two runs agree in all other settings"
    assert uncompared(table, []) == [f"bias: {reason}", f"depth: {reason}"]
    exact = Table([result("a", [np.inf], {"depth": 3}), result("b", [31.0], {"depth": 5})])
    (line,) = uncompared(exact, compare(exact))
    assert line == "depth: the runs have no seed, test sigma and image of finite PSNR in common"


def test_runs_of_other_images_have_no_difference():
    one, two = result("a", [30.0, 31.0], {"depth": 3}), result("b", [31.0, 32.0], {"depth": 5})
    two.records[:] = [replace(record, image=f"other {record.image}") for record in two.records]
    table = Table([one, two])
    assert compare(table) == []
    assert uncompared(table, []) == [
        "depth: the runs have no seed, test sigma and image of finite PSNR in common"
    ]


def test_a_run_twice_splits_its_own_row_alone():
    results = [
        result(f"{bias}{s}", [30.0], {"bias": bias, "seed": s}) for bias in (True, False) for s in (0, 1)
    ]
    results.append(result("copy", [30.0], {"bias": False, "seed": 1}))
    table = Table(results)
    lines = [line[:4] for line in pivot(table)[1]]
    assert lines == [
        ["dncnn", "-", "yes", "2"],
        ["dncnn", "-", "no", "1"],
        ["dncnn", "False1", "no", "1"],
        ["dncnn", "copy", "no", "1"],
        ["measured y", "", "", ""],
    ]
    assert table.cells[0].label == "dncnn, bias yes"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((1.0, 0.5, 1.5), "+1.00 dB [0.50, 1.50] at test sigma 0.1"),
        ((0.004, 0.0004, 0.0076), "+0.0040 dB [0.0004, 0.0076] at test sigma 0.1"),
        ((0.64, -0.004, 1.28), "+0.640 dB [-0.004, 1.280] at test sigma 0.1"),
        ((0.0, 0.0, 0.0), "+0.00 dB [0.00, 0.00] at test sigma 0.1"),
        ((-1e-9, -0.5, 0.5), "+0.00 dB [-0.50, 0.50] at test sigma 0.1"),
        ((1.0, np.nan, np.nan), "+1.00 dB at test sigma 0.1"),
    ],
)
def test_an_effect_shows_on_which_side_of_0_its_interval_ends(numbers, text):
    difference, low, high = numbers
    one = Comparison("bias", False, True, (), (), (), 0.1, 3, 9, difference, low, high, "images", 0.5)
    assert one.effect == text
