"""Names of settings."""

import random

import pytest

from imaging.settings import flatten, short_names


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
