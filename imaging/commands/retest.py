"""The settings of `evaluate.py` that can differ from the run's, and the directory of the tables."""

import hashlib
import json
from pathlib import Path

from imaging.errors import ImagingError
from imaging.evaluation.statistics.factors import LEVELS
from imaging.settings import flatten

TEST_DATA_SETTINGS = ("max_test_images", "clean")
# Settings of `test` that evaluate.py can change.
PROTOCOL = (*(f"{level}s" for level in LEVELS), "noise_seeds", "pixel", "convention")


def check_data_settings(words: list[str]) -> list[str]:
    """The settings of the data set in a command line, except those of its source.

    Raises:
        ImagingError: a setting that would have no effect, because the run determines it.
    """
    keys = [
        word.lstrip("+~").partition("=")[0].removeprefix("data.") for word in words if "data." in word[:7]
    ]
    keys = [key for key in keys if not key.startswith("source.")]
    for key in keys:
        if key not in TEST_DATA_SETTINGS:
            raise ImagingError(
                f"data.{key} cannot change: it is the run's; evaluate.py takes data=…, data.source.… and "
                f"data.{', data.'.join(TEST_DATA_SETTINGS)}"
            )
    return keys


def variants(settings: dict) -> list[str]:
    """The changes to a network with the same weights, as words for its row of the table."""
    words = ["self-ensemble"] * settings["self_ensemble"]
    words += ["sigma estimated"] * (settings["sigma"] == "estimated")
    if (psf := settings.get("psf")) is not None:
        values = (Path(v).name if isinstance(v, str) else f"{v:g}" for v in psf.values() if v is not None)
        words.append(f"psf {' '.join(values)}")
    if settings["boundary"] is not None:
        words.append(f"{settings['boundary']} boundary")
    return words


def unseeded(config: dict) -> str:
    """A text that is equal for runs that differ only in their seeds, names and places."""
    flat = flatten({key: value for key, value in config.items() if key not in ("name", "paths", "figures")})
    return json.dumps({k: v for k, v in flat.items() if k.split(".")[-1] != "seed"}, default=str)


def test_digest(config: dict, settings: dict) -> str:
    """Six hexadecimal digits that differ between tests of other images, or of another blur.

    Args:
        config: of the run, with the data set of the test.
        settings: of the command.
    """
    differs = config["data"], settings.get("psf"), settings["boundary"]
    return hashlib.blake2b(json.dumps(differs, default=str).encode(), digest_size=3).hexdigest()


def output_directory(target: Path, settings: dict, tests: list[dict], data: str) -> Path:
    """The directory of the tables: `output`, or the run's, or one below it if the protocol differs.

    Args:
        target: run, sweep or file of weights.
        settings: of the command.
        tests: `test` of the config of each run.
        data: name of the data set.
    """
    if settings["output"] is not None:
        return Path(str(settings["output"]))
    directory = target if target.is_dir() else target.with_suffix("")
    if target.suffix == ".safetensors" or any(directory.glob("*.safetensors")):
        # Not among the weights, which may belong to others.
        directory = Path("outputs") / directory.resolve().name
    names = []
    if "data" in settings:
        names.append(data)
        if (folder := settings["data"]["source"].get("test")) is not None:
            place = Path(str(folder)).resolve()  # with a digest, because many folders are called `test`
            names += [place.name, hashlib.blake2b(str(place).encode(), digest_size=3).hexdigest()]
        if (limit := settings["data"].get("max_test_images")) is not None:
            names.append(f"first-{limit}")
    names += [word.replace(" ", "-") for word in variants(settings)]
    for key in PROTOCOL:
        value = settings[key]
        if value is not None and any(value != test.get(key) for test in tests):
            values = value if isinstance(value, list) else [value]
            names.append(f"{key}-{'-'.join(map(str, values))}")
    return directory / "_".join(names) if names else directory
