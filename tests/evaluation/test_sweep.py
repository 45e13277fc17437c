"""Which runs there are, and in what they differ."""

import pytest

from imaging.errors import ImagingError
from imaging.evaluation.sweep import find_runs, varied


def test_runs_come_in_the_order_of_their_numbers(tmp_path):
    for name in ("10-bias", "2-bias", "0-bias"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
    (tmp_path / "notes").mkdir()
    assert [run.name for run in find_runs(tmp_path)] == ["0-bias", "2-bias", "10-bias"]
    assert find_runs(tmp_path / "2-bias") == [tmp_path / "2-bias"]


def test_a_directory_without_runs_is_named(tmp_path):
    with pytest.raises(ImagingError, match=f"^{tmp_path} is neither a run directory nor a sweep"):
        find_runs(tmp_path)


def config(**changes):
    return {"seed": 0, "model": {"name": "dncnn", "bias": True, "depth": 5}, "paths": {"data": "a"}} | changes


def test_only_what_differs_is_varied():
    other = config(model={"name": "dncnn", "bias": False, "depth": 5}, paths={"data": "elsewhere"})
    assert varied({"a": config(), "b": other}) == {"a": {"bias": True}, "b": {"bias": False}}


def test_a_single_run_varies_nothing():
    assert varied({"a": config()}) == {"a": {}}


def test_settings_that_only_one_kind_of_model_has_are_told_by_the_method():
    other = config(model={"name": "wiener", "snr": 100.0}, seed=1)
    assert varied({"a": config(), "b": other}) == {"a": {"seed": 0}, "b": {"seed": 1}}


def test_settings_that_follow_the_seed_are_not_varied_themselves():
    def seeded(seed, other):
        return {"seed": seed, "data": {"seed": seed}, "physics": {"seed": other}}

    names = varied({"a": seeded(0, 5), "b": seeded(1, 7)})
    assert names == {"a": {"seed": 0, "physics.seed": 5}, "b": {"seed": 1, "physics.seed": 7}}


def test_two_settings_of_one_name_are_told_apart():
    def both(model, optimizer):
        return {"model": {"decay": model}, "optimizer": {"decay": optimizer}}

    names = varied({"a": both(1, 2), "b": both(3, 4)})
    assert names == {
        "a": {"model.decay": 1, "optimizer.decay": 2},
        "b": {"model.decay": 3, "optimizer.decay": 4},
    }
