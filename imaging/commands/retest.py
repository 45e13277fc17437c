"""The settings of `evaluate.py`: which may differ from the run's own, and where the tables go."""

import hashlib
from pathlib import Path

from imaging.errors import ImagingError

TEST_DATA_SETTINGS = ("max_test_images",)
PROTOCOL = ("sigmas", "noise_seeds", "pixel", "convention")  # of a run's `test`, what evaluate.py may change


def refuse_data_settings(words: list[str]) -> list[str]:
    """Which settings of the data set are asked for; sizes and patches are as the run has them.

    Raises:
        ImagingError: one that would have no effect.
    """
    keys = [
        word.lstrip("+~").partition("=")[0].removeprefix("data.") for word in words if "data." in word[:7]
    ]
    keys = [key for key in keys if not key.startswith("source.")]
    for key in keys:
        if key not in TEST_DATA_SETTINGS:
            raise ImagingError(
                f"data.{key} is as the run has it; evaluate.py takes data=…, data.source.… and "
                f"data.{', data.'.join(TEST_DATA_SETTINGS)}"
            )
    return keys


def variants(given: dict) -> list[str]:
    """What is done otherwise with the same weights, in the words of the table's row."""
    return ["self-ensemble"] * given["self_ensemble"] + ["sigma estimated"] * (given["sigma"] == "estimated")


def output_directory(target: Path, given: dict, own: list[dict], data: str) -> Path:
    """`output`, or else beside the run; numbers of another protocol do not replace those of its own.

    Args:
        target: run, sweep or file of weights.
        given: the settings of the command.
        own: `test` of the config of each run.
        data: name of the data set.
    """
    if given["output"] is not None:
        return Path(str(given["output"]))
    directory = target if target.is_dir() else target.with_suffix("")
    if target.suffix == ".safetensors" or any(directory.glob("*.safetensors")):
        directory = Path("outputs") / target.stem  # weights lie among files of others
    names = []
    if "data" in given:
        names.append(data)
        if (folder := given["data"]["source"].get("test")) is not None:
            place = Path(str(folder)).resolve()  # all folders have one name, and many are called `test`
            names += [place.name, hashlib.blake2b(str(place).encode(), digest_size=3).hexdigest()]
        if (fewer := given["data"].get("max_test_images")) is not None:
            names.append(f"first-{fewer}")
    names += [word.replace(" ", "-") for word in variants(given)]
    for key in PROTOCOL:
        value = given[key]
        if value is not None and any(value != test.get(key) for test in own):
            values = value if isinstance(value, list) else [value]
            names.append(f"{key}-{'-'.join(map(str, values))}")
    return directory / "_".join(names) if names else directory
