"""The names of directories: when a run was started, and what a job of a sweep varied."""

import re
from datetime import datetime
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf, open_dict


def register_resolvers() -> None:
    """`${started:}`, `${varied:…}`, `${either:…}` and `${checkout:}` that `conf/train.yaml` uses."""
    # To the microsecond: two runs started in the same second must not share a directory.
    started = f"{datetime.now():%Y-%m-%d/%H-%M-%S.%f}"
    OmegaConf.register_new_resolver("started", lambda: started, replace=True)
    OmegaConf.register_new_resolver("varied", varied, replace=True)
    OmegaConf.register_new_resolver("checkout", lambda: str(Path(__file__).parents[2]), replace=True)
    OmegaConf.register_new_resolver("either", lambda value, default: value or default, replace=True)


def swept(params: DictConfig | None, overrides: list[str]) -> list[str]:
    """The keys that a sweep varies.

    Args:
        params: `hydra.sweeper.params`, the swept keys of the sweep file.
        overrides: those of the command line, which may replace a swept value by a fixed one.
    """
    asked = [f"{key}={value}" for key, value in (params or {}).items()] + list(overrides)
    parsed = OverridesParser.create().parse_overrides([a for a in asked if "=" in a])
    last = {override.key_or_group: override.is_sweep_override() for override in parsed}
    return [key for key, is_swept in last.items() if is_swept]


def varied(keys: str, overrides: list[str]) -> str:
    """What a job of a sweep varied, as part of a directory's name: 'bias-false-hidden_channels-32'.

    Args:
        keys: the swept keys, with commas between.
        overrides: the job's own overrides.
    """
    words = []
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in keys.split(","):
            words.append(f"{key.split('.')[-1]}-{_short(value)}")
    return re.sub(r"[^\w.-]+", "_", "-".join(words))


def _short(value: str) -> str:
    """A value from a search has all its digits."""
    try:
        return f"{float(value):.4g}" if len(value) > 8 else value
    except ValueError:
        return value


def quoted(value: str) -> str:
    """A value as Hydra's overrides quote it."""
    value = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{value}'"


def concrete(config: DictConfig) -> None:
    """Write a sweep's directory and its jobs' into the config as they are now.

    Each job composes its config anew, perhaps on another machine and after hours: from these overrides, where
    the time and the command line of the beginning are not to be had.
    """
    directory, subdir = config.hydra.sweep.dir, OmegaConf.to_container(config.hydra.sweep)["subdir"]
    keys = ",".join(swept(config.hydra.sweeper.get("params"), config.hydra.overrides.task))
    subdir = subdir.replace("${swept}", keys)
    with open_dict(config):
        config.hydra.sweep.dir, config.hydra.sweep.subdir = directory, subdir
        for key, value in (("dir", directory), ("subdir", subdir)):
            config.hydra.overrides.hydra.append(f"hydra.sweep.{key}={quoted(value)}")
