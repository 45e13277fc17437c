"""A config is plain and has what the rest relies on, or the error says in one line what is wrong with it."""

import copy
import math

import pytest
from omegaconf import OmegaConf

from imaging.errors import ImagingError
from imaging.runs.config import check_config, differences, read_config, upgrade_config, with_local_paths
from imaging.sweeps.collect import readable

UNREADABLE = {
    "empty": b"",
    "a list": b"[1, 2]",
    "a number": b"3",
    "an open bracket": b"a: [b",
    "a key twice": b"a: 1\na: 2",
    "in itself": b"a: &a [*a]",
    "in itself by a mapping": b"a: &a {b: *a}",
    "in itself as a whole": b"&a {b: *a}",
    "nested": b"a: " + b"[" * 5000,
    "nested mappings": b"a: " + b"{a: " * 2000 + b"1" + b"}" * 2000,
    "an object": b"a: !!python/object:os.system {}",
    "a call": b"a: !!python/object/apply:os.getcwd []",
    "a path": b"a: !!python/object/apply:pathlib.Path [b]",
    "binary": b"a: !!binary aGVsbG8=",
    "a set": b"a: !!set {b, c}",
    "an unknown tag": b"a: !mine b",
    "not utf-8": b"a: \xff\xfe",
    "a control character": b"a: b\x00c",
    "half a character": b'a: "\\ud800"',
    "half a character in a key": b'"\\ud800": a',
    "an interpolation of nothing": b"a: ${b}",
    "interpolations in a circle": b"a: ${b}\nb: ${a}",
    "an interpolation of itself": b"a: ${a}",
    "an open interpolation": b"a: ${b",
    "an unknown resolver": b"a: ${nobody:1}",
    "a variable that is not set": b"a: ${oc.env:NO_SUCH_NAME}",
    "a value to be given": b"a: ???",
    "a number as key": b"a: {1: b}",
    "a truth as key": b"a: {true: b}",
    "null as key": b"null: b",
    "a list as key": b"? [a]\n: b",
    "a key in a list": b"a: [{b: {2: c}}]",
    "a number without end": b"a: " + b"9" * 5000,
    "a hexadecimal number without end": b"a: 0x" + b"f" * 5000,
    "two documents": b"a: 1\n---\nb: 2",
    "an alias of nothing": b"a: *b",
    "a tab": b"a:\n\t- b",
}
WRONG = {
    "model": "dncnn",
    "model.name": 3,
    "task.name": None,
    "data.source": [],
    "data.source.name": "",
    "physics.operator": None,
    "physics.operator.name": ["blur"],
    "physics.noise": 0.1,
    "physics.noise.sigma": "x",
    "test": [],
    "test.sigmas": [],
    "test.noise_seeds": 0,
    "test.examples": "all",
    "test.examples_sigma": None,
    "seed": "one",
    "trainer": None,
    "optimizer": "adam",
    "schedule": [1],
}
SIGMAS = [
    ("physics.noise.sigma", value)
    for value in (None, True, [], [0.1], [0.1, 0.2, 0.3], [0.1, "x"], {}, float("nan"))
]
OTHERS = [
    ("test.sigmas", [0.1, None]), ("test.sigmas", "0.1"), ("test.sigmas", True), ("test.noise_seeds", True),
    ("test.noise_seeds", 1.5), ("seed", 1.5), ("seed", True), ("seed", None), ("test.examples", 2.5),
    ("test.examples_sigma", float("inf")),
]  # fmt: skip


def put(config: dict, key: str, value) -> dict:
    """The config with a value in another place."""
    config = copy.deepcopy(config)
    *above, last = key.split(".")
    inner = config
    for part in above:
        inner = inner[part]
    inner[last] = value
    return config


def assert_plain(value) -> None:
    assert isinstance(value, dict | list | str | int | float | None)
    if isinstance(value, str):
        value.encode()
    for child in value if isinstance(value, list) else []:
        assert_plain(child)
    for key, child in value.items() if isinstance(value, dict) else []:
        assert isinstance(key, str)
        key.encode()
        assert_plain(child)
    if isinstance(value, int):
        float(value)  # of a number that is too large this, like printing it, raises


@pytest.fixture
def config_of(tmp_path):
    def config_of(content: bytes):
        tmp_path.joinpath("config.yaml").write_bytes(content)
        return read_config(tmp_path)

    return config_of


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_an_unreadable_config_is_told_in_one_line(content, config_of, tmp_path):
    with pytest.raises(ImagingError) as told:
        config_of(content)
    text = str(told.value)
    assert text.startswith(f"{tmp_path / 'config.yaml'} cannot be read as the config of a run (")
    assert "\n" not in text
    assert len(text) < len(str(tmp_path)) + 260


def test_a_directory_in_the_place_of_a_config(tmp_path):
    (tmp_path / "config.yaml").mkdir()
    with pytest.raises(ImagingError, match=r"is not a run directory: it has no config\.yaml"):
        read_config(tmp_path)


def test_a_config_is_read_as_it_was_written(composed, config_of, tmp_path):
    config = config_of(OmegaConf.to_yaml(OmegaConf.create(composed)).encode())
    assert config == composed
    check_config(config, "there")


def test_what_configs_of_earlier_runs_lack_is_not_asked_for(composed):
    test = {key: composed["test"][key] for key in ("sigmas", "noise_seeds", "examples", "examples_sigma")}
    check_config(composed | {"test": test}, "there")


@pytest.mark.parametrize("sigma", [0, 0.1, [0.1, 0.2], [0, 1]])
def test_a_number_or_a_pair_is_a_sigma(sigma, composed):
    check_config(put(composed, "physics.noise.sigma", sigma), "there")
    check_config(put(composed, "test.sigmas", sigma), "there")


@pytest.mark.parametrize(("key", "value"), [*WRONG.items(), *SIGMAS, *OTHERS])
def test_a_wrong_type_is_told_with_its_key(key, value, composed):
    with pytest.raises(ImagingError, match=rf"^there/config.yaml: {key}\S* is .*; expected "):
        check_config(put(composed, key, value), "there/config.yaml")


def test_the_message_says_what_was_expected(composed):
    with pytest.raises(ImagingError) as told:
        check_config(put(composed, "physics.noise.sigma", "x"), "a/config.yaml")
    assert str(told.value) == (
        "a/config.yaml: physics.noise.sigma is 'x'; expected a number or a pair of numbers"
    )
    del composed["test"]["noise_seeds"]
    with pytest.raises(ImagingError, match=r"^a/config.yaml: test.noise_seeds is missing; expected a whole"):
        check_config(composed, "a/config.yaml")


@pytest.mark.parametrize(
    "key", ["model", "task", "data", "physics", "test", "seed", "optimizer", "schedule", "trainer"]
)
def test_nothing_that_is_relied_on_may_be_missing(key, composed):
    with pytest.raises(ImagingError, match=rf"^there: {key}\S* is missing; expected "):
        check_config({k: v for k, v in composed.items() if k != key}, "there")


def test_one_damaged_config_costs_only_its_own_run(composed, tmp_path):
    text = OmegaConf.to_yaml(OmegaConf.create(composed))
    contents = {"0-a": text, "1-b": "a: &a [*a]", "2-c": text.replace("sigma: 0.1", "sigma: x"), "4-e": text}
    for name, content in contents.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(content)
    configs, left_out = readable([tmp_path / name for name in ("0-a", "1-b", "2-c", "3-d", "4-e")])
    assert configs == {"0-a": composed, "4-e": composed}
    assert [line.split(": ")[0] for line in left_out] == ["1-b", "2-c", "3-d"]
    assert "contains itself" in left_out[0]
    assert left_out[1].endswith(
        "config.yaml: physics.noise.sigma is 'x'; expected a number or a pair of numbers"
    )
    assert "is not a run directory" in left_out[2]


def test_any_damage_of_the_bytes_leaves_plain_data_or_one_line(text, tmp_path, mutations):
    refused = []
    for content in mutations(text.encode(), seed=1, count=300):
        (tmp_path / "config.yaml").write_bytes(content)
        configs, left_out = readable([tmp_path])
        refused += left_out
        for config in configs.values():
            assert_plain(config)
            groups = config["model"], config["task"], config["data"]["source"], config["physics"]["operator"]
            assert all(isinstance(group["name"], str) for group in groups)
            sigma = config["physics"]["noise"].get("sigma", 0.0)  # another name of the noise needs none
            low, high = sigma if isinstance(sigma, list) else (sigma, sigma)
            assert math.isfinite(low + high)
            assert type(config["seed"]) is int
    assert 50 < len(refused) < 300  # some damage does no harm
    assert not any("\n" in line for line in refused)


def test_differences_name_the_leaf():
    old = {"model": {"bias": True, "depth": 5}, "seed": 0}
    new = {"model": {"bias": False, "depth": 5, "extra": 1}, "seed": 0}
    assert differences(old, new) == ["model.bias: True -> False", "model.extra: None -> 1"]
    assert differences(old, old) == []


def test_a_config_of_an_earlier_version_is_read_as_one_of_this():
    old = {
        "task": {"name": "denoiser", "loss": "log_mse"},
        "physics": {"operator": {}, "noise": {"sigma": 0.1}},
    }
    new = upgrade_config(old)
    assert new["task"] == {"name": "denoiser"}
    assert new["loss"] == {"name": "log_mse"}
    assert new["physics"]["noise"] == {"name": "gaussian", "sigma": 0.1}
    assert new["imports"] == []
    assert upgrade_config(new) == new
    assert upgrade_config({"task": {"name": "denoiser"}})["loss"] == {"name": "mse"}
    assert old["task"]["loss"] == "log_mse"


@pytest.mark.parametrize(
    "strange", [{}, {"task": None, "physics": 3}, {"task": [], "physics": {"noise": "loud"}}]
)
def test_what_is_no_config_stays_as_it_is(strange):
    assert upgrade_config(strange) == strange | {"imports": [], "figures": {"width": None}}


def test_where_data_lie_is_no_part_of_what_a_run_is():
    paths = {"data": "/there", "cache": "/there/cache"}
    data = {"source": {"name": "bsds300", "root": "/there"}, "cache": "/there/cache", "batch_size": 4}
    here = with_local_paths(
        {"paths": paths, "data": data, "name": "/there"}, {"data": "/here", "cache": "/tmp/cache"}
    )
    assert here["data"] == {
        "source": {"name": "bsds300", "root": "/here"},
        "cache": "/tmp/cache",
        "batch_size": 4,
    }
    assert here["paths"] == {"data": "/here", "cache": "/tmp/cache"}
    assert here["name"] == "/there"
    assert data["cache"] == "/there/cache"
    assert with_local_paths({"name": "a"}, paths) == {"name": "a"}


@pytest.mark.parametrize("name", ["../../elsewhere", "a/b", "/", ""])
def test_a_name_that_is_a_path_is_refused(composed, name):
    with pytest.raises(ImagingError, match=r"name is .*; expected text without /"):
        check_config(composed | {"name": name})
