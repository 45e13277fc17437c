"""Which values settings may have, and their names."""

import inspect
import math
import random
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from imaging.errors import ImagingError
from imaging.settings import (
    Count,
    NotNegative,
    Positive,
    Share,
    at_least,
    check,
    closest,
    fits,
    flatten,
    list_of,
    plain,
    short_names,
    within,
)


def test_nested_settings_have_dotted_keys():
    assert flatten({"a": 1, "b": {"c": [2], "d": {"e": None}}, "f": {}}) == {
        "a": 1,
        "b.c": [2],
        "b.d.e": None,
        "f": {},
    }


@pytest.mark.parametrize(
    ("keys", "reserved", "names"),
    [
        (["model.bias", "seed"], (), ["bias", "seed"]),
        (["physics.noise.sigma", "physics.operator.psf.sigma"], (), ["noise.sigma", "psf.sigma"]),
        (["physics.noise.sigma"], {"sigma"}, ["noise.sigma"]),
        (["data.seed"], (), ["data.seed"]),
        (["seed", "data.seed"], (), ["seed", "data.seed"]),
        (["run"], {"run"}, ["config.run"]),
        (["run", "config.run"], {"run"}, ["config.config.run", "config.run"]),
    ],
)
def test_the_shortest_name_that_says_which_setting_is_meant(keys, reserved, names):
    assert list(short_names(keys, reserved).values()) == names


@pytest.mark.parametrize("seed", range(50))
def test_names_are_different_and_none_is_reserved(seed):
    draw = random.Random(seed)
    words = ["sigma", "seed", "run", "method", "state", "psnr_mean", "a", "config"]
    keys = list({".".join(draw.choices(words, k=draw.randint(1, 4))) for _ in range(draw.randint(1, 12))})
    reserved = {"sigma", "run", "method", "state", "psnr_mean", "a.b"}
    names = short_names(keys, reserved)
    assert list(names) == keys
    assert len(set(names.values())) == len(keys)
    assert not reserved & set(names.values())
    assert all(key == "seed" for key, name in names.items() if name == "seed")


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        (1, float),
        (1.5, float),
        (1, int),
        (None, int | None),
        ((1, 2), list),
        ([0.1], float | list),
        ({}, dict),
    ],
)
def test_values_that_fit(value, annotation):
    check("x", value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(True, float), (True, int), (1.5, int), ("1", float), (None, int), ("ab", list), ([], dict), (0, bool)],
)
def test_values_that_do_not_fit(value, annotation):
    with pytest.raises(ImagingError, match="x is "):
        check("x", value, annotation)


Pair = Annotated[list, list_of("[height, width]", Count, length=2)]


@pytest.mark.parametrize(
    ("value", "annotation"),
    [(1, Count), (0, NotNegative), (0.5, Positive), (0, Share), ([3, 4], Pair), (None, Pair | None),
     ("zeros", Literal["zeros", "circular"]), (-1, Annotated[int, at_least(-1)]), (object(), Path)],
)  # fmt: skip
def test_limited_values_that_fit(value, annotation):
    check("x", value, annotation)


@pytest.mark.parametrize(
    ("value", "annotation", "words"),
    [
        (0, Count, "a whole number, from 1 to 2147483647"),
        (10**20, Count, "a whole number, from 1 to 2147483647"),
        (1.0, Count, "a whole number, from 1 to 2147483647"),
        (-0.1, NotNegative, "a number >= 0"),
        (math.inf, Positive, "a positive number"),
        (math.nan, float, "a number"),
        (1, Share, "a number in [0, 1)"),
        (3, Annotated[float, within(0, 1)], "a number, from 0 to 1"),
        ([3, 0], Pair, "[height, width]"),
        ([3], Pair | None, "[height, width] or null"),
        ("zero", Literal["zeros", "circular"], "zeros or circular"),
        (True, Literal[1, 3], "1 or 3"),
        (0, Count | None, "a whole number, from 1 to 2147483647 or null"),
    ],
)
def test_limited_values_that_do_not_fit(value, annotation, words):
    with pytest.raises(ImagingError) as error:
        check("model.x", value, annotation)
    assert str(error.value).startswith("model.x is ")
    assert str(error.value).endswith(f"; expected {words}")


def test_a_word_that_is_nearly_right_is_named():
    with pytest.raises(
        ImagingError, match=r"x is 'circlar' \(did you mean 'circular'\?\); expected zeros, circular or null"
    ):
        check("x", "circlar", Literal["zeros", "circular"] | None)


def test_closest():
    assert closest("denosing", ["denoising", "deconvolution"]) == " (did you mean 'denoising'?)"
    assert closest("zebra", ["denoising"]) == ""


def test_a_huge_whole_number_that_stands_for_a_float_becomes_one():
    for annotation in (float, float | None, NotNegative, Annotated[float, at_least(1)]):
        assert type(plain(10**20, annotation)) is float
        assert type(plain(10**18, annotation)) is int
    for annotation in (int, Count, int | None, Any, inspect.Parameter.empty):
        assert type(plain(10**20, annotation)) is int
    assert not fits(10**400, float)
