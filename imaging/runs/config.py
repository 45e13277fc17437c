"""A run's `config.yaml`: read whatever it holds, and checked before the rest relies on it."""

import contextlib
from pathlib import Path

from omegaconf import Container, OmegaConf

from imaging.errors import ImagingError, brief, one_line

CONFIG = "config.yaml"
LARGEST_BITS = 1000  # of a whole number: larger ones are no floats, and the largest cannot be printed


def _is_name(value) -> bool:
    return isinstance(value, str) and value != ""


def _is_whole(value) -> bool:
    return type(value) is int


def _is_number(value) -> bool:
    return type(value) is int or (type(value) is float and abs(value) < float("inf"))


def _is_number_or_pair(value) -> bool:
    return _is_number(value) or (isinstance(value, list) and len(value) == 2 and all(map(_is_number, value)))


def _are_numbers(value) -> bool:
    return _is_number(value) or (isinstance(value, list) and value != [] and all(map(_is_number, value)))


# What no config of any version lacks, and the rest takes for granted. Ranges are for those who use them.
RELIED_ON = {
    "model.name": (_is_name, "a name"),
    "task.name": (_is_name, "a name"),
    "data.source.name": (_is_name, "a name"),
    "physics.operator.name": (_is_name, "a name"),
    "physics.noise.sigma": (_is_number_or_pair, "a number or a pair of numbers"),
    "test.sigmas": (_are_numbers, "a number or a list of numbers"),
    "test.noise_seeds": (lambda value: _is_whole(value) and value >= 1, "a whole number >= 1"),
    "test.examples": (_is_whole, "a whole number"),
    "test.examples_sigma": (_is_number, "a number"),
    "seed": (_is_whole, "a whole number"),
    "optimizer": (lambda value: isinstance(value, dict), "a mapping"),
    "schedule": (lambda value: isinstance(value, dict), "a mapping"),
    "trainer": (lambda value: isinstance(value, dict), "a mapping"),
}


@contextlib.contextmanager
def readable_as(path: Path, what: str, advice: str):
    """Any failure of the body is one to read `path` as `what`.

    Args:
        path: the file.
        what: 'the config of a run'.
        advice: what to do.

    Raises:
        ImagingError: the body has raised.
    """
    try:
        yield
    except Exception as error:  # PyYAML and OmegaConf have many kinds for bytes that are no config
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, RecursionError):
            reason = "it is nested too deeply, or in itself"
        raise ImagingError(f"{path} cannot be read as {what} ({one_line(reason)}); {advice}") from None


def as_dict(config: Container, resolve: bool = True) -> dict:
    """A config that is a mapping as plain data; unless resolved, with its interpolations and '???'."""
    plain = OmegaConf.to_container(config, resolve=resolve, throw_on_missing=resolve)
    assert isinstance(plain, dict)
    return plain


def read_config(directory: Path | str) -> dict:
    """The resolved config of a run directory as plain data: mappings by text, lists, text, numbers.

    Raises:
        ImagingError: no such directory, or not one of a run, or a file that is no config.
    """
    path = Path(directory) / CONFIG
    with readable_as(path, "the config of a run", "start this run anew elsewhere"):
        if path.is_file():
            config = OmegaConf.to_container(OmegaConf.load(path), resolve=True, throw_on_missing=True)
            if not isinstance(config, dict) or not config:
                raise ValueError(f"it is {brief(config)}; expected a mapping")
            _refuse_strange(config)
            return current(config)
    raise ImagingError(f"{directory} is not a run directory: it has no {CONFIG}")


def current(config: dict) -> dict:
    """A config of this or an earlier version, with what it lacked and where this one has it.

    Args:
        config: plain data; is not changed. What is of another type than expected stays as it is.
    """
    config = {"imports": []} | config
    task, physics = config.get("task"), config.get("physics")
    if isinstance(task, dict) and "loss" not in config:
        config["task"] = {key: value for key, value in task.items() if key != "loss"}
        config["loss"] = {"name": task.get("loss", "mse")}
    if isinstance(physics, dict) and isinstance(physics.get("noise"), dict):
        config["physics"] = physics | {"noise": {"name": "gaussian"} | physics["noise"]}
    return config


def at_places(config: dict, paths: dict) -> dict:
    """A run's config with the data sets and caches where they lie here; where is no part of what a run is.

    Args:
        config: of the run.
        paths: `paths` of a config that was composed here.
    """
    if not isinstance(before := config.get("paths"), dict):
        return config
    moved = {before[key]: path for key, path in paths.items() if isinstance(before.get(key), str)}

    def place(value):
        if isinstance(value, dict):
            return {key: place(child) for key, child in value.items()}
        return moved.get(value, value) if isinstance(value, str) else value

    return config | {"paths": place(before), "data": place(config.get("data"))}


def _refuse_strange(value, where: str = "it") -> None:
    """Raise a ValueError for what is no plain data, or could be neither printed nor written."""
    if isinstance(value, dict):
        for key, child in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{where} has the key {brief(key)}; expected text")
            _refuse_strange(key, "a key")
            _refuse_strange(child, key if where == "it" else f"{where}.{key}")
    elif isinstance(value, list):
        for child in value:
            _refuse_strange(child, where)
    elif isinstance(value, str):
        value.encode()  # a UnicodeEncodeError is a ValueError
    elif isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise ValueError(f"{where} is a number of {value.bit_length()} bits")
    elif value is not None and not isinstance(value, bool | int | float):
        raise ValueError(f"{where} is {brief(value)}; expected text or a number")


def check_config(config: dict, path: Path | str) -> None:
    """See that a run's config has what the rest relies on, each of the right type.

    Args:
        config: plain data, of `read_config`.
        path: where it is from, for the message.

    Raises:
        ImagingError: something is missing or of another type.
    """
    for key, (is_right, expected) in RELIED_ON.items():
        value = config
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise ImagingError(f"{path}: {key} is missing; expected {expected}")
            value = value[part]
        if not is_right(value):
            raise ImagingError(f"{path}: {key} is {brief(value)}; expected {expected}")


def differences(old: dict, new: dict, prefix: str = "") -> list[str]:
    """Lines 'key: old -> new' for every leaf in which two nested configs differ."""
    lines = []
    for key in sorted(old.keys() | new.keys(), key=str):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            lines += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            lines.append(f"{prefix}{key}: {a} -> {b}")
    return lines
