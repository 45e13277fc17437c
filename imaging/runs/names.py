"""Names of directories: the start time of a run, and the settings that a job of a sweep varies."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from imaging.places import CHECKOUT
from imaging.runs.config import as_dict
from imaging.settings import short_names

LONGEST = 220  # bytes of the varied settings in the name of a job; a file system allows 255 in all


def register_resolvers() -> None:
    """Register `${started:}`, `${varied:…}`, `${either:…}` and `${checkout:}` for `conf/train.yaml`."""
    # To the microsecond: two runs started in the same second must not share a directory.
    started = f"{datetime.now():%Y-%m-%d/%H-%M-%S.%f}"
    OmegaConf.register_new_resolver("started", lambda: started, replace=True)
    OmegaConf.register_new_resolver("varied", job_name, replace=True)
    OmegaConf.register_new_resolver("checkout", lambda: str(CHECKOUT or Path.cwd()), replace=True)
    OmegaConf.register_new_resolver("either", lambda value, default: value or default, replace=True)


def swept_keys(params: Mapping | None, overrides: Sequence[str]) -> list[str]:
    """The keys that a sweep varies.

    Args:
        params: `hydra.sweeper.params`, the swept keys of the sweep file.
        overrides: the overrides of the command line, which may replace a swept value by a fixed one.
    """
    last = last_overrides(params, overrides)
    return [key for key, override in last.items() if override.is_sweep_override()]


def last_overrides(params: Mapping | None, overrides: Sequence[str]) -> dict[str, Override]:
    """The last override of each key, which is the one that counts.

    Args:
        params: `hydra.sweeper.params`, the swept keys of the sweep file.
        overrides: the overrides of the command line.
    """
    words = [f"{key}={value}" for key, value in (params or {}).items()] + list(overrides)
    parsed = OverridesParser.create().parse_overrides([word for word in words if "=" in word])
    return {override.key_or_group: override for override in parsed}


def job_name(keys: str, overrides: list[str]) -> str:
    """The varied settings of a job as a part of its directory's name: 'bias-false-hidden_channels-32'.

    Args:
        keys: the swept keys, separated by commas.
        overrides: the overrides of the job.
    """
    words, names = [], short_names(keys.split(","))
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        key = key.partition("@")[0]  # a group's package is not part of its name
        if key in names:
            words.append(f"{_plain(names[key])}-{_plain(_short(value))}")
    name = "-".join(words)
    if len(name.encode()) <= LONGEST:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{name.encode()[:LONGEST].decode(errors='ignore')}-{digest}"


def _plain(word: str) -> str:
    """Replace characters that a file system may not allow: '[0.005,0.25]' becomes '0.005_0.25'."""
    return re.sub(r"[^\w.-]+", "_", word).strip("_")


def _short(value: str) -> str:
    """Shorten a number to four digits; values from a search have many more."""
    try:
        return f"{float(value):.4g}" if len(value) > 8 else value
    except ValueError:
        return value


def quoted(value: str) -> str:
    """Quote a value for Hydra's override syntax."""
    value = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{value}'"


def resolve_directories(config: DictConfig) -> None:
    """Replace the interpolations in a sweep's directory and in its jobs' directories by their values.

    Each job composes its config from these overrides, perhaps hours later and on another machine, where the
    start time and the command line of the sweep are not available.
    """
    directory, subdir = config.hydra.sweep.dir, as_dict(config.hydra.sweep, resolve=False)["subdir"]
    keys = swept_keys(config.hydra.sweeper.get("params"), config.hydra.overrides.task)
    if config.get("decide") is not None:
        keys.append("seed")
    subdir = subdir.replace("${swept}", ",".join(keys))
    with open_dict(config):
        config.hydra.sweep.dir, config.hydra.sweep.subdir = directory, subdir
        for key, value in (("dir", directory), ("subdir", subdir)):
            config.hydra.overrides.hydra.append(f"hydra.sweep.{key}={quoted(value)}")
