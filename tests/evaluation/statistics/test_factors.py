"""In what runs differ."""

import pytest

from imaging.evaluation.statistics.factors import (
    factors,
    group_settings,
    image_factors,
    measurement_factors,
    value_text,
    varied_settings,
)


def config(**changes):
    return {"seed": 0, "model": {"name": "dncnn", "bias": True, "depth": 5}, "paths": {"data": "a"}} | changes


def test_only_what_differs_is_varied():
    other = config(model={"name": "dncnn", "bias": False, "depth": 5}, paths={"data": "elsewhere"})
    assert varied_settings({"a": config(), "b": other}) == {"a": {"bias": True}, "b": {"bias": False}}


def test_a_single_run_varies_nothing():
    assert varied_settings({"a": config()}) == {"a": {}}


def test_settings_that_only_one_kind_of_model_has_are_told_by_the_method():
    other = config(model={"name": "wiener", "snr": 100.0}, seed=1)
    assert varied_settings({"a": config(), "b": other}) == {"a": {"seed": 0}, "b": {"seed": 1}}


def test_settings_that_follow_the_seed_are_not_varied_themselves():
    def seeded(seed, other):
        return {"seed": seed, "data": {"seed": seed}, "physics": {"seed": other}}

    names = varied_settings({"a": seeded(0, 5), "b": seeded(1, 7)})
    assert names == {"a": {"seed": 0, "physics.seed": 5}, "b": {"seed": 1, "physics.seed": 7}}


def test_two_settings_of_one_name_are_told_apart():
    def both(model, optimizer):
        return {"model": {"decay": model}, "optimizer": {"decay": optimizer}}

    names = varied_settings({"a": both(1, 2), "b": both(3, 4)})
    assert names == {
        "a": {"model.decay": 1, "optimizer.decay": 2},
        "b": {"model.decay": 3, "optimizer.decay": 4},
    }


def test_a_setting_that_the_operator_follows_changes_the_measurement():
    """As in the real configs, where `psf` stands at the top, and the operator and a filter refer to it."""

    def blurred(sigma):
        psf = {"name": "gaussian", "sigma": sigma}
        return {"psf": psf, "physics": {"operator": {"psf": psf}}, "model": {"name": "wiener", "psf": psf}}

    found = factors({"a": blurred(1.0), "b": blurred(2.0)})
    assert found == {"psf.sigma": ["psf.sigma", "physics.operator.psf.sigma", "model.psf.sigma"]}
    assert measurement_factors(found) == {"psf.sigma"}
    assert measurement_factors(factors({"a": config(), "b": config(seed=1)})) == set()


def test_a_seed_that_only_some_networks_have_is_told_with_the_seed():
    """A Wiener filter beside a U-Net and a U-Net inside of something, three seeds of each."""
    configs = {}
    for seed in (0, 1, 2):
        configs[f"w{seed}"] = config(seed=seed, model={"name": "wiener"})
        configs[f"u{seed}"] = config(seed=seed, model={"name": "unet", "seed": seed})
        network = {"name": "unet", "seed": seed}
        configs[f"b{seed}"] = config(seed=seed, model={"name": "wiener_unet", "network": network})
    assert factors(configs) == {"seed": ["seed", "model.seed", "model.network.seed"]}
    assert varied_settings(configs)["u2"] == {"seed": 2}


def test_a_seed_of_its_own_is_not():
    configs = {"w": config(model={"name": "wiener"})}
    configs |= {f"u{s}": config(seed=0, model={"name": "unet", "seed": s}) for s in (0, 1)}
    assert varied_settings(configs)["u1"] == {"model.seed": 1}


def test_a_group_is_called_as_it_is_and_not_name():
    one, other = {"name": "adam", "lr": 1e-3, "betas": [0.9, 0.999]}, {"name": "muon", "lr": 0.02}
    names = factors({"a": config(optimizer=one), "b": config(optimizer=other)})
    assert names == {"optimizer": ["optimizer.name"], "lr": ["optimizer.lr"]}
    assert group_settings("optimizer", names) == {"lr"}
    assert group_settings("lr", names) == set()


def test_a_group_that_may_be_none_keeps_both_names():
    configs = {"a": {"schedule": None, "depth": 1}}
    configs |= {name: {"schedule": {"name": name}, "depth": 1} for name in ("cosine", "step")}
    configs["c"] = {"schedule": 5, "depth": 1}
    found = varied_settings(configs)
    assert len({repr(settings) for settings in found.values()}) == 4


def test_other_training_images_leave_the_test_as_it_is():
    def of(**source):
        return config(data={"source": {"name": "folder", "train": "a", "test": "b"} | source})

    training = factors({"a": of(), "b": of(train="c")})
    assert (measurement_factors(training), image_factors(training)) == (set(), set())
    assert image_factors(factors({"a": of(), "b": of(test="c")})) == {"test"}
    for setting in ("side", "circular"):  # of the psfs of a training
        random = factors({str(i): config(physics={"operator": {setting: i}}) for i in (1, 3)})
        assert (measurement_factors(random), image_factors(random)) == (set(), set())
    blurred = {"operator": {"name": "blur", "sigma": 2.0}}
    sharp = config(physics={"operator": {}})
    assert image_factors(factors({"a": config(physics=blurred), "b": sharp})) == set()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (0.1000001, "0.1000001"),
        (2.0, "2"),
        (1e-5, "1e-05"),
        ([0.005, 0.25], "0.005 to 0.25"),
        ([0.1, 0.10000001], "0.1 to 0.10000001"),
        (None, "-"),
        (True, "yes"),
        (1234567, "1234567"),
    ],
)
def test_values_that_differ_are_written_differently(value, text):
    assert value_text(value) == text


def test_a_noises_own_settings_change_the_measurements_and_its_level_and_draw_do_not():
    noises = [{"name": "mine", "peak": 10 * i, "draw": i, "dark_current": i} for i in (1, 2)]
    names = factors({str(i): config(physics={"noise": noise}) for i, noise in enumerate(noises)})
    assert len(names) == 3
    assert measurement_factors(names) == {"dark_current"}
