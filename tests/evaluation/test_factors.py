"""In what runs differ."""

from imaging.evaluation.factors import factors, of_measurement, varied


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


def test_a_setting_that_the_operator_follows_changes_the_measurement():
    """As in the real configs, where `psf` stands at the top, and the operator and a filter refer to it."""

    def blurred(sigma):
        psf = {"name": "gaussian", "sigma": sigma}
        return {"psf": psf, "physics": {"operator": {"psf": psf}}, "model": {"name": "wiener", "psf": psf}}

    found = factors({"a": blurred(1.0), "b": blurred(2.0)})
    assert found == {"psf.sigma": ["psf.sigma", "physics.operator.psf.sigma", "model.psf.sigma"]}
    assert of_measurement(found) == {"psf.sigma"}
    assert of_measurement(factors({"a": config(), "b": config(seed=1)})) == set()
