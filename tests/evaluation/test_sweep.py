"""Which runs there are."""

import pytest

from imaging.errors import ImagingError
from imaging.evaluation.sweep import find_runs


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
