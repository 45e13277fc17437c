"""The messages of errors of Hydra that have no words of their own here."""

import sys

import pytest
from hydra.errors import HydraException

from imaging.commands.process.complaints import complaint
from imaging.errors import ImagingError


def test_an_error_without_words_of_its_own_is_told_in_one_line():
    assert complaint(HydraException("first\n\n  second  \n")) == "first second"


def test_a_cause_of_ours_is_told_instead():
    error = HydraException("Error in a callback")
    error.__cause__ = KeyError("between")
    error.__cause__.__cause__ = ImagingError("what to do")
    assert complaint(error) == "what to do"


@pytest.mark.parametrize("words", [["seed=3"], ["data.repeat=null"], ["model=dncnn", "-m"]])
def test_a_choice_that_is_not_found_among_the_words_is_told_as_hydra_does(words, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    text = "Config group override value type cannot be int"
    assert complaint(ValueError(text)) == text


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "gone" / "there")
    with pytest.raises(FileNotFoundError) as error:
        (tmp_path / "link" / "run").mkdir()
    assert complaint(error.value).startswith(
        f"cannot make the directory {tmp_path / 'link' / 'run'}: No such"
    )
    with pytest.raises(FileNotFoundError) as error:
        (tmp_path / "missing").read_text()
    assert complaint(error.value) is None


def test_other_errors_are_bugs():
    assert complaint(ValueError("x")) is None
    assert complaint(OSError(5, "Input/output error")) is None
