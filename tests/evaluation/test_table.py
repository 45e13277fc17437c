"""The table of results: rows that stay apart, and means that are none."""

import csv
import io
import math
import random
import statistics

import pytest

from imaging.evaluation.statistics.factors import RESERVED
from imaging.evaluation.table import Table, records_csv, summarise, summary_csv
from imaging.reporting.tables import pivot
from tests.results import result

NAMES = ["sigma", "seed", "run", "method", "state", "psnr_mean", "depth", "image", "gain"]


def test_summary_is_the_mean_and_deviation_over_images():
    (row,) = summarise(result("a", [30.0, 31.0, 33.5]))
    assert row["psnr_mean"] == pytest.approx(31.5)
    assert row["psnr_std"] == pytest.approx(statistics.stdev([30.0, 31.0, 33.5]))
    assert (row["psnr_input_mean"], row["gain_mean"], row["n_images"]) == (20.0, 11.5, 3)


def test_images_are_counted_once_however_often_their_noise_is_drawn():
    one = result("a", [30.0])
    one.records += result("a", [31.0]).records
    assert summarise(one)[0]["n_images"] == 1


def test_what_is_infinite_stays_so_and_what_is_undefined_is_none():
    (row,) = summarise(result("a", [math.inf, 30.0], before=math.inf))
    assert row["psnr_mean"] == math.inf
    assert math.isnan(row["psnr_std"])
    assert math.isnan(row["gain_mean"])


@pytest.mark.parametrize("seed", range(40))
def test_a_table_has_as_many_rows_as_there_are_configurations(seed):
    """Whatever the settings are called, and whatever values they have."""
    draw = random.Random(seed)
    names = draw.sample(NAMES, draw.randint(1, 4))
    keys = [name if draw.random() < 0.5 else f"{draw.choice('ab')}.{name}" for name in names]
    if draw.random() < 0.3:
        keys.append(f"c.{draw.choice(names)}")
    values = [0, 1, 0.0, True, None, "1", [0.1, 0.2], [0.2, 0.1], "a b"]
    configurations = {}
    for _ in range(draw.randint(1, 8)):
        flat = {key: draw.choice(values) for key in keys}
        configurations[repr(flat)] = flat
    results = []
    for index, flat in enumerate(configurations.values()):
        settings: dict = {}
        for key, value in flat.items():
            *above, last = key.split(".")
            place = settings.setdefault(above[0], {}) if above else settings
            place[last] = value
        results.append(result(f"run{index}", [30.0 + index], settings))
    draw.shuffle(results)
    table = Table(results)
    without_seed = {repr({k: v for k, v in flat.items() if k != "seed"}) for flat in configurations.values()}
    assert len(table.cells) == len(without_seed)
    _, lines = pivot(table)
    assert len(lines) == len(without_seed) + len(table.measurements)
    rows = list(csv.DictReader(io.StringIO(summary_csv(table.summary()))))
    assert {float(row["sigma"]) for row in rows} == {0.1}
    columns = (
        set(rows[0])
        - {"run", "method", "sigma", "n_images"}
        - {c for c in rows[0] if c.endswith(("_mean", "_std"))}
    )
    varied = [key for key in keys if len({repr(flat[key]) for flat in configurations.values()}) > 1]
    assert len(columns) <= len(varied)
    assert not columns & RESERVED
    assert len({tuple(row[c] for c in columns) for row in rows}) <= len(configurations)
    records = list(csv.DictReader(io.StringIO(records_csv(table))))
    assert {float(record["psnr"]) for record in records} == {30.0 + i for i in range(len(configurations))}


def test_two_training_noises_are_two_rows_of_two_seeds():
    def physics(sigma):
        return {"operator": {"name": "identity"}, "noise": {"sigma": sigma}}

    results = [
        result(f"{s}-{seed}", [[v + seed], [v - 5]], {"physics": physics(s), "seed": seed}, sigma=[0.1, 0.2])
        for s, v in ((0.05, 27.0), (0.2, 25.0))
        for seed in (0, 2)
    ]
    header, lines = pivot(Table(results))
    assert header == ["method", "training sigma", "seeds", "test sigma 0.1", "test sigma 0.2"]
    assert lines[:2] == [
        ["dncnn", "0.05", "2", "28.00 ± 1.41", "22.00 ± 0.00"],
        ["dncnn", "0.2", "2", "26.00 ± 1.41", "20.00 ± 0.00"],
    ]
    rows = list(csv.DictReader(io.StringIO(summary_csv(Table(results).summary()))))
    assert [(row["noise.sigma"], row["sigma"]) for row in rows[:2]] == [("0.05", "0.1"), ("0.05", "0.2")]


def test_weights_of_one_kind_are_told_apart_by_their_names():
    header, lines = pivot(Table([result("dncnn-0-10", [30.0]), result("dncnn-0-55", [31.0])]))
    assert header == ["method", "run", "test sigma 0.1"]
    assert [line[1:] for line in lines[:2]] == [["dncnn-0-10", "30.00"], ["dncnn-0-55", "31.00"]]


def test_each_physics_has_its_measurement_and_the_gain_is_over_it():
    def blurred(sigma):
        return {
            "physics": {
                "operator": {"name": "blur", "psf": {"sigma": sigma}},
                "noise": {"sigma": 0.0},
            }
        }

    results = [
        result("a", [30.0], blurred(1.0), before=26.0),
        result("b", [28.0], blurred(2.0), before=23.0),
    ]
    header, lines = pivot(Table(results))
    assert header == ["method", "psf sigma", "test sigma 0.1"]
    assert lines[2:] == [["measured y", "1", "26.00"], ["measured y", "2", "23.00"]]
    assert [line[2] for line in pivot(Table(results), "gain")[1]] == ["4.00", "5.00"]


def test_a_setting_of_one_model_alone_keeps_its_runs_apart():
    results = [
        result("a", [30.0], {"model": {"name": "dncnn", "depth": 3}}),
        result("b", [31.0], {"model": {"name": "dncnn", "depth": 5}}),
        result("c", [29.0], {"model": {"name": "unet", "levels": 3}}, method="unet"),
    ]
    header, lines = pivot(Table(results))
    assert header == ["method", "depth", "test sigma 0.1"]
    assert [line[:2] for line in lines[:3]] == [["dncnn", "3"], ["dncnn", "5"], ["unet", "-"]]


def test_a_metric_that_only_one_run_has_is_an_empty_cell_of_the_others():
    one, two = result("a", [30.0], {"depth": 3}), result("b", [31.0], {"depth": 5})
    one.records[0].numbers["lost"] = 0.1234567
    rows = list(csv.DictReader(io.StringIO(records_csv(Table([one, two])))))
    cells = [(row["run"], row["depth"], row["lost"]) for row in rows]
    assert cells == [("a", "3", "0.123457"), ("b", "5", "")]
