"""A config shows every setting of its component, with the default of the code."""

import inspect
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from imaging.data import DATA, SOURCES
from imaging.evaluation.protocol import Protocol
from imaging.models import MODELS
from imaging.physics.noise import NOISES
from imaging.physics.operator import OPERATORS
from imaging.physics.psf import PSFS
from imaging.tasks import LOSSES, OPTIMIZERS, SCHEDULES, TASKS
from imaging.training.callbacks import CALLBACKS
from imaging.training.loggers import LOGGERS
from imaging.training.settings import TrainerSettings

CONF = Path(__file__).parents[1] / "conf"


REGISTRIES = {
    "model": MODELS, "psf": PSFS, "task": TASKS, "optimizer": OPTIMIZERS, "schedule": SCHEDULES,
    "physics": OPERATORS, "data": SOURCES, "loss": LOSSES, "noise": NOISES, "callbacks": CALLBACKS,
    "logger": LOGGERS,
}  # fmt: skip
# Arguments that come from the program, not from a config.
OBJECTS = {
    "network", "physics", "optimizer", "schedule", "loss",
    "parameters", "steps", "source", "directory", "step",
}  # fmt: skip


def settings_in_code(group: str, values) -> dict:
    """The defaults of what a config names, by setting; `inspect.Parameter.empty` for none."""
    parameters = REGISTRIES[group].parameters(values["name"])
    others = OBJECTS | ({"seed"} if group == "task" else set())
    return {name: p.default for name, p in parameters.items() if name not in others}


def agree(values, defaults: dict) -> None:
    """A config shows every setting of a component, and the value that it has by default."""
    shown = {key: values._get_node(key) for key in values if key not in ("name", "defaults")}
    assert shown.keys() == defaults.keys()
    for key, default in defaults.items():
        if default is not inspect.Parameter.empty and not OmegaConf.is_interpolation(values, key):
            value = OmegaConf.to_container(values)[key]
            assert value == (list(default) if isinstance(default, tuple) else default), key


GROUPS = ("model", "psf", "task", "optimizer", "schedule", "loss", "noise", "callbacks", "logger")


@pytest.mark.parametrize(
    "path",
    [path for group in GROUPS for path in sorted((CONF / group).glob("*.yaml"))],
    ids=lambda path: f"{path.parent.name}/{path.stem}",
)
def test_a_config_and_the_code_have_the_same_defaults(path):
    values = OmegaConf.load(path)
    if path.parent.name in ("callbacks", "logger"):  # several may be chosen, each under its name
        (values,) = values.values()
    if "name" in values and not values.name.endswith("_front_end"):  # whose parts are mappings
        agree(values, settings_in_code(path.parent.name, values))


@pytest.mark.parametrize("path", sorted((CONF / "physics").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_operators_config_and_the_code_have_the_same_defaults(path):
    values = OmegaConf.load(path).operator
    defaults = settings_in_code("physics", values)
    if "rows" in defaults:  # one of three settings must be set, and the config sets this
        defaults["rows"] = inspect.Parameter.empty
    agree(values, defaults)


@pytest.mark.parametrize("path", sorted((CONF / "physics").glob("*.yaml")), ids=lambda path: path.stem)
def test_an_operators_config_measures_images(path):
    values = OmegaConf.merge({"psf": OmegaConf.load(CONF / "psf" / "digit.yaml")}, OmegaConf.load(path))
    config = OmegaConf.to_container(values, resolve=True)["operator"]
    operator = OPERATORS.build(config)
    y = operator(torch.rand(2, 3, 28, 28))
    assert operator.adjoint(y).shape == (2, 3, 28, 28)


def test_the_datas_config_and_the_code_have_the_same_defaults():
    values = OmegaConf.load(CONF / "data" / "common" / "settings.yaml")
    del values["source"]
    parameters = DATA.parameters("images")
    defaults = {name: p.default for name, p in parameters.items() if name not in OBJECTS}
    agree(values, defaults)


def test_the_trainers_config_and_the_code_have_the_same_defaults():
    values = OmegaConf.load(CONF / "trainer" / "default.yaml")
    agree(values, {field.name: field.default for field in fields(TrainerSettings)})


def test_the_tests_config_and_the_code_have_the_same_defaults():
    values = OmegaConf.load(CONF / "train.yaml").test
    defaults = {field.name: field.default for field in fields(Protocol) if field.default is not MISSING}
    for name in ("level", "clean", "pairs"):  # of the noise and of the data
        del defaults[name]
    agree(OmegaConf.create({name: values[name] for name in defaults}), defaults)
