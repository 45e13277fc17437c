"""In what the runs of a sweep differ."""

from imaging.evaluation.records import COLUMNS
from imaging.settings import flatten, short_names

# Not hyper-parameters: where things lie, how they are called, and what the column "method" says.
NOT_VARIED = ("paths.", "name", "model.name")
# What decides the measurement of a test image beside its noise.
OF_MEASUREMENT = (
    "physics.operator.",
    "data.source.",
    "data.crop",
    "data.orientation",
    "data.test_patch_size",
    "data.max_test_images",
    "test.convention",
)
# Columns of summary.csv: a setting of such a name keeps what stands before it, `noise.sigma`.
SUMMARY_HEAD = ("run", "method")
SUMMARY_TAIL = (
    "sigma",
    "n_images",
    "psnr_mean",
    "psnr_std",
    "psnr_input_mean",
    "gain_mean",
    "ssim_mean",
    "state",
)
RESERVED = {*SUMMARY_HEAD, *SUMMARY_TAIL, *COLUMNS, "seeds", "gain"}
TRAINING_SIGMA = ("noise.sigma", "physics.noise.sigma")


def factors(configs: dict[str, dict]) -> dict[str, list[str]]:
    """The settings in which runs differ, by their shortest unambiguous names.

    A setting that differs only because its group does (a U-Net has `levels`, a Wiener filter not) is left
    out: the group's name tells it. One that follows another of its name (`model.seed` the `seed`) is told
    with that one.

    Args:
        configs: resolved config of each run.

    Returns:
        for each name the dotted keys that it stands for, all of the same values; the first one names it.
    """
    flat = [flatten(config) for config in configs.values()]
    keys = dict.fromkeys(key for f in flat for key in f if not key.startswith(NOT_VARIED))
    alike: dict[tuple, list[str]] = {}
    for key in (key for key in keys if _differs(key, flat)):
        alike.setdefault((key.split(".")[-1], *(repr(f.get(key)) for f in flat)), []).append(key)
    leaders = {group[0]: group for group in alike.values()}
    return {name: leaders[key] for key, name in short_names(leaders, RESERVED).items()}


def varied(configs: dict[str, dict], names: dict[str, list[str]] | None = None) -> dict[str, dict]:
    """For each run its values of what is varied; None where its config has no such setting.

    Args:
        configs: resolved config of each run.
        names: their `factors`, if these are known.
    """
    names = factors(configs) if names is None else names
    flat = {run: flatten(config) for run, config in configs.items()}
    return {run: {name: f.get(keys[0]) for name, keys in names.items()} for run, f in flat.items()}


def of_measurement(names: dict[str, list[str]]) -> set[str]:
    """Those of the `factors` that make the measurements of two runs different ones."""
    return {name for name, keys in names.items() if any(key.startswith(OF_MEASUREMENT) for key in keys)}


def _differs(key: str, flat: list[dict]) -> bool:
    having = [f for f in flat if key in f]
    if len(having) == len(flat):
        return len({repr(f[key]) for f in having}) > 1
    # Not all have it: then it must differ among those of one model, or the model's name tells it.
    models = {repr(f.get("model.name")) for f in having}
    return len({(repr(f.get("model.name")), repr(f[key])) for f in having}) > len(models)


def spoken(name: str) -> str:
    """A setting as people read it: 'training sigma', 'hidden channels'."""
    return "training sigma" if name in TRAINING_SIGMA else name.replace("_", " ").replace(".", " ")


def cell(value) -> str:
    """A setting's value as people write it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return f"{value[0]:g} to {value[1]:g}"
    return f"{value:g}" if isinstance(value, float) else str(value)
