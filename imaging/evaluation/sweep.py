"""Which runs a directory holds, and in what they differ."""

from pathlib import Path

from imaging.errors import ImagingError

# Not hyper-parameters: where things lie, how they are called, and what the column "method" says.
NOT_VARIED = ("paths.", "name", "model.name")


def flatten(config: dict, prefix: str = "") -> dict:
    """Nested settings as one dict with dotted keys."""
    flat = {}
    for key, value in config.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def find_runs(directory: Path | str) -> list[Path]:
    """The run directories that `directory` is or holds, jobs of a sweep in the order of their numbers.

    Of a directory of weights, its safetensors files.

    Raises:
        ImagingError: there is none.
    """
    directory = Path(directory)
    if (directory / "config.yaml").is_file():
        return [directory]
    runs = [path.parent for path in directory.glob("*/config.yaml")]
    if not runs and (weights := sorted(directory.glob("*.safetensors"))):
        return weights
    if not runs:
        raise ImagingError(
            f"{directory} is neither a run directory nor a sweep of such: no config.yaml in it"
        )

    def number(run: Path) -> tuple:
        first = run.name.split("-")[0]
        return (not first.isdigit(), int(first) if first.isdigit() else 0, run.name)

    return sorted(runs, key=number)


def varied(configs: dict[str, dict]) -> dict[str, dict]:
    """For each run the settings in which the runs differ, by their shortest unambiguous names.

    A setting that differs only because its group does (a U-Net has `levels`, a Wiener filter not) is left
    out: the group's name tells it. So is one that follows another of its name (`model.seed` the `seed`).

    Args:
        configs: resolved config of each run.
    """
    flat = {run: flatten(config) for run, config in configs.items()}
    shared = set.intersection(*(set(f) for f in flat.values())) if flat else set()
    keys = [
        key
        for key in next(iter(flat.values()), {})
        if key in shared and not key.startswith(NOT_VARIED) and len({repr(f[key]) for f in flat.values()}) > 1
    ]
    leaders = {}
    for key in keys:
        leaders.setdefault((key.split(".")[-1], *(repr(f[key]) for f in flat.values())), key)
    keys = list(leaders.values())
    short = {}
    for key in keys:
        parts = key.split(".")
        tails = (".".join(parts[-n:]) for n in range(1, len(parts) + 1))
        alone = (t for t in tails if [k for k in keys if k == t or k.endswith(f".{t}")] == [key])
        short[key] = next(alone, key)
    return {run: {short[k]: f[k] for k in keys} for run, f in flat.items()}
