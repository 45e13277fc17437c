"""Read and check a run's `config.yaml`."""

import contextlib
from pathlib import Path

from omegaconf import Container, OmegaConf

from imaging.errors import ImagingError, brief, one_line

CONFIG = "config.yaml"
# Where a run's images lie, which is no part of what the run is.
PLACES = (
    "data.source.root",
    "data.source.train",
    "data.source.test",
    "data.source.train_again",
    "data.source.test_again",
)
LARGEST_BITS = 1000  # of an integer; larger ones do not fit a float, and very large ones cannot be printed


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


SECTIONS = ("model", "task", "loss", "data", "data.source", "physics", "physics.operator", "physics.noise",
            "optimizer", "schedule", "trainer", "test", "figures", "paths")  # fmt: skip
# Settings in the configs of all versions. Their ranges are checked where they are used.
REQUIRED = {
    "model.name": (_is_name, "a name"),
    "task.name": (_is_name, "a name"),
    "data.source.name": (_is_name, "a name"),
    "physics.operator.name": (_is_name, "a name"),
    "physics.noise": (lambda value: isinstance(value, dict), "a mapping"),
    "physics.noise.sigma": (_is_number_or_pair, "a number or a pair of numbers"),
    "test.sigmas": (_are_numbers, "a number or a list of numbers"),
    "test.noise_seeds": (lambda value: _is_whole(value) and value >= 1, "a whole number, at least 1"),
    "test.examples": (_is_whole, "a whole number"),
    "test.examples_sigma": (_is_number, "a number"),
    "seed": (_is_whole, "a whole number"),
    "optimizer": (lambda value: isinstance(value, dict), "a mapping"),
    "schedule": (lambda value: isinstance(value, dict), "a mapping"),
    "trainer": (lambda value: isinstance(value, dict), "a mapping"),
}
# And in one that was just composed.
COMPOSED = REQUIRED | {
    "name": (
        lambda value: isinstance(value, str | int | float) and str(value) != "" and "/" not in str(value),
        "text without /, since directories are called by it",
    ),
    "imports": (lambda value: isinstance(value, list) and all(map(_is_name, value)), "a list of modules"),
    "loss.name": (_is_name, "a name"),
    "optimizer.name": (_is_name, "a name"),
    "schedule.name": (_is_name, "a name"),
    "paths": (lambda value: isinstance(value, dict), "a mapping"),
}


@contextlib.contextmanager
def reading(path: Path, what: str, advice: str):
    """Report any exception of the body as a failure to read a file.

    Args:
        path: the file.
        what: what the file should be, e.g. 'the config of a run'.
        advice: what the user can do.

    Raises:
        ImagingError: the body raised an exception.
    """
    try:
        yield
    except Exception as error:  # PyYAML and OmegaConf raise many types for a damaged file
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if isinstance(error, RecursionError):
            reason = "it is nested too deeply, or contains itself"
        raise ImagingError(f"{path} cannot be read as {what} ({one_line(reason)}); {advice}") from None


def as_dict(config: Container, resolve: bool = True) -> dict:
    """A config that is a mapping as plain data; unless resolved, with its interpolations and '???'."""
    plain = OmegaConf.to_container(config, resolve=resolve, throw_on_missing=resolve)
    assert isinstance(plain, dict)
    return plain


def read_config(directory: Path | str) -> dict:
    """The resolved config of a run directory as plain data: mappings with text keys, lists, text and numbers.

    Raises:
        ImagingError: the directory does not exist or is not a run directory, or its config cannot be read.
    """
    path = Path(directory) / CONFIG
    with reading(path, "the config of a run", "start this run again in another directory"):
        if path.is_file():
            config = OmegaConf.to_container(OmegaConf.load(path), resolve=True, throw_on_missing=True)
            if not isinstance(config, dict) or not config:
                raise ValueError(f"it is {brief(config)}; expected a mapping")
            _check_plain(config)
            return upgrade_config(config)
    raise ImagingError(f"{directory} is not a run directory: it has no {CONFIG}")


def upgrade_config(config: dict) -> dict:
    """Convert a config of an earlier version to the keys of this version.

    Args:
        config: plain data, not modified. Values of an unexpected type stay as they are.
    """
    config = {"imports": [], "figures": {"width": None}} | config
    task, physics = config.get("task"), config.get("physics")
    if isinstance(task, dict) and "loss" not in config:
        config["task"] = {key: value for key, value in task.items() if key != "loss"}
        config["loss"] = {"name": task.get("loss", "mse")}
    if isinstance(physics, dict) and isinstance(physics.get("noise"), dict):
        config["physics"] = physics | {"noise": {"name": "gaussian"} | physics["noise"]}
    return config


def with_local_paths(config: dict, paths: dict) -> dict:
    """A run's config with the paths of data sets and caches on this machine.

    A run may be resumed or tested on another machine, so its paths are not part of what identifies it.

    Args:
        config: config of the run.
        paths: the `paths` of a config composed on this machine.
    """
    if not isinstance(before := config.get("paths"), dict):
        return config
    local = {before[key]: path for key, path in paths.items() if isinstance(before.get(key), str)}

    def localise(value):
        if isinstance(value, dict):
            return {key: localise(child) for key, child in value.items()}
        return local.get(value, value) if isinstance(value, str) else value

    return config | {"paths": localise(before), "data": localise(config.get("data"))}


def at_places(config: dict, now: dict) -> dict:
    """A run's config with its images at those of `PLACES` that another config names.

    Args:
        config: config of the run.
        now: a config composed with what is typed.
    """
    data, new = config.get("data"), now.get("data")
    if not (isinstance(data, dict) and isinstance(source := data.get("source"), dict)):
        return config
    new = new["source"] if isinstance(new, dict) and isinstance(new.get("source"), dict) else {}
    keys = (place.rpartition(".")[2] for place in PLACES)
    moved = {key: new[key] for key in keys if isinstance(new.get(key), str) and key in source}
    return config | {"data": data | {"source": source | moved}}


def read_config_here(directory: Path | str, now: dict) -> dict:
    """A run's config as `read_config` gives it, with the paths and places of a config composed here."""
    return at_places(with_local_paths(read_config(directory), now["paths"]), now)


def _check_plain(value, where: str = "it") -> None:
    """Raise a ValueError for a value that is not plain data, or that cannot be printed or written."""
    if isinstance(value, dict):
        for key, child in value.items():
            if not isinstance(key, str):
                raise ValueError(f"{where} has the key {brief(key)}; expected text")
            _check_plain(key, "a key")
            _check_plain(child, key if where == "it" else f"{where}.{key}")
    elif isinstance(value, list):
        for child in value:
            _check_plain(child, where)
    elif isinstance(value, str):
        value.encode()  # a UnicodeEncodeError is a ValueError
    elif isinstance(value, int) and value.bit_length() > LARGEST_BITS:
        raise ValueError(f"{where} is a number of {value.bit_length()} bits")
    elif value is not None and not isinstance(value, bool | int | float):
        raise ValueError(f"{where} is {brief(value)}; expected text or a number")


def check_config(config: dict, path: Path | str | None = None) -> None:
    """Check that a run's config has the settings in `REQUIRED`, each of the right type.

    Args:
        config: plain data, see `read_config`.
        path: the file of the config, for the message; None: it was composed.

    Raises:
        ImagingError: a setting is missing or has the wrong type.
    """
    where = "" if path is None else f"{path}: "
    for key in SECTIONS:
        value = leaf(config, key)
        if value is not None and not isinstance(value, dict):
            raise ImagingError(f"{where}{key} is {brief(value)}; expected a mapping of settings")
    psf, own = config.get("psf"), config.get("imports")
    if path is None and psf is not None and not own and not _holds(config.get("physics"), psf):
        raise ImagingError("psf has no effect on this physics: choose physics=blur, or leave it out")
    for key, (is_right, expected) in (COMPOSED if path is None else REQUIRED).items():
        if key == "physics.noise.sigma" and config["physics"]["noise"].get("name", "gaussian") != "gaussian":
            continue  # another noise has another setting
        value = config
        for part in key.split("."):
            if not isinstance(value, dict) or part not in value:
                raise ImagingError(f"{where}{key} is missing; expected {expected}")
            value = value[part]
        if not is_right(value):
            raise ImagingError(f"{where}{key} is {brief(value)}; expected {expected}")
    for key, value in config["physics"]["noise"].items():  # of another noise, too
        if key not in ("name", "draw") and not _is_number_or_pair(value):
            expected = "a number or a pair of numbers"
            raise ImagingError(f"{where}physics.noise.{key} is {brief(value)}; expected {expected}")


def _holds(value, part) -> bool:
    """Whether plain data is `part` or has it in it."""
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value == part or any(_holds(child, part) for child in children)


def leaf(config: dict, key: str):
    """The value of 'a.b.c' in a nested config; None if there is none."""
    value: object = config
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def differences(old: dict, new: dict, prefix: str = "") -> list[str]:
    """A line 'key: old -> new' for every leaf in which two nested configs differ."""
    lines = []
    for key in sorted(old.keys() | new.keys(), key=str):
        a, b = old.get(key), new.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            lines += differences(a, b, f"{prefix}{key}.")
        elif a != b:
            lines.append(f"{prefix}{key}: {a} -> {b}")
    return lines
