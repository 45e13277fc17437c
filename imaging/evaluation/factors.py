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


def varied(configs: dict[str, dict]) -> dict[str, dict]:
    """For each run the settings in which the runs differ, by their shortest unambiguous names.

    A setting that differs only because its group does (a U-Net has `levels`, a Wiener filter not) is left
    out: the group's name tells it. So is one that follows another of its name (`model.seed` the `seed`).

    Args:
        configs: resolved config of each run.

    Returns:
        for each run the same names; None where its config has no such setting.
    """
    flat = {run: flatten(config) for run, config in configs.items()}
    names = short_names(_varied_keys(flat), RESERVED)
    return {run: {name: f.get(key) for key, name in names.items()} for run, f in flat.items()}


def of_measurement(configs: dict[str, dict]) -> set[str]:
    """Those names of `varied` that make the measurements of two runs different ones."""
    flat = {run: flatten(config) for run, config in configs.items()}
    names = short_names(_varied_keys(flat), RESERVED)
    return {name for key, name in names.items() if key.startswith(OF_MEASUREMENT)}


def _varied_keys(flat: dict[str, dict]) -> list[str]:
    keys = dict.fromkeys(key for f in flat.values() for key in f if not key.startswith(NOT_VARIED))
    keys = [key for key in keys if _differs(key, flat)]
    leaders: dict[tuple, str] = {}
    for key in keys:
        leaders.setdefault((key.split(".")[-1], *(repr(f.get(key)) for f in flat.values())), key)
    return list(leaders.values())


def _differs(key: str, flat: dict[str, dict]) -> bool:
    having = [f for f in flat.values() if key in f]
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
