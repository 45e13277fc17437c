"""Which runs there are, and what their tests have left."""

import pytest

from imaging.errors import ImagingError
from imaging.evaluation.records import per_image_csv
from imaging.sweeps.collect import collect, find_runs
from tests.results import result


def test_runs_come_in_the_order_of_their_numbers(tmp_path):
    for name in ("10-bias", "2-bias", "0-bias"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").touch()
    (tmp_path / "notes").mkdir()
    assert [run.name for run in find_runs(tmp_path)] == ["0-bias", "2-bias", "10-bias"]
    assert find_runs(tmp_path / "2-bias") == [tmp_path / "2-bias"]


def test_without_runs_there_are_the_files_of_weights(tmp_path):
    for name in ("b.safetensors", "a.safetensors", "a.md"):
        (tmp_path / name).touch()
    assert find_runs(tmp_path) == [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    (tmp_path / "0-bias").mkdir()
    (tmp_path / "0-bias" / "config.yaml").touch()
    assert find_runs(tmp_path) == [tmp_path / "0-bias"]


def test_a_directory_without_runs_is_named(tmp_path):
    with pytest.raises(ImagingError, match=f"^{tmp_path} is neither a run directory nor a sweep"):
        find_runs(tmp_path)


def test_the_records_of_a_renamed_directory_have_its_new_name(tmp_path):
    old = result("0-bias", [30.0, 31.0], {"bias": True})
    run = tmp_path / "mine"
    run.mkdir()
    (run / "per_image.csv").write_text(per_image_csv(old.records))
    (found,), left_out = collect([run], {"mine": old.config}, {"mine": {"state": "completed"}})
    assert left_out == []
    assert [(record.run, record.psnr) for record in found.records] == [("mine", 30.0), ("mine", 31.0)]
