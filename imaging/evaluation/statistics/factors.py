"""Find the settings in which the runs of a sweep differ."""

from collections.abc import Collection

from imaging.evaluation.records import COLUMNS
from imaging.settings import flatten, short_names

# Not hyper-parameters: paths, names, and the model, which is the column "method".
NOT_VARIED = ("paths.", "name", "model.name")
# Settings that change the test images or their PSNR; two different images may have the same name.
IMAGE_SETTINGS = (
    "data.source.",
    "data.clean",
    "data.crop",
    "data.orientation",
    "data.test_patch_size",
    "data.max_test_images",
    "test.convention",
)
MEASUREMENT_SETTINGS = ("physics.", *IMAGE_SETTINGS)
LEVELS = ("sigma", "peak")  # settings of noises that are the axis of a test, which has its own values
# Settings with the prefixes above that affect only the training.
TRAINING_SETTINGS = (
    "data.source.train",
    "data.crops_per_image",
    "physics.operator.side",  # of a random blur, whose test has a psf of its own
    "physics.operator.circular",
    *(f"physics.noise.{setting}" for setting in (*LEVELS, "draw")),
)
# Of summary.csv, without clean images and with them.
EXPECTED_COLUMNS = ("expected_psnr_mean", "expected_psnr_std", "expected_psnr_input_mean")
MEASURED_COLUMNS = ("psnr_mean", "psnr_std", "psnr_input_mean", "ssim_mean")
# Columns of summary.csv; a setting with such a name keeps its prefix, as `noise.sigma` does.
SUMMARY_HEAD = ("run", "method")
SUMMARY_TAIL = (
    "n_images",
    "psnr_mean",
    "psnr_std",
    "psnr_input_mean",
    *EXPECTED_COLUMNS,
    "gain_mean",
    "ssim_mean",
    "state",
)
RESERVED = {*SUMMARY_HEAD, *SUMMARY_TAIL, *COLUMNS, *LEVELS, "seeds", "gain"}
TRAINING_LEVELS = {
    f"{prefix}noise.{level}": f"training {level}" for level in LEVELS for prefix in ("", "physics.")
}


def factors(configs: dict[str, dict]) -> dict[str, list[str]]:
    """The settings in which runs differ, by their shortest unambiguous names.

    A setting that differs only because its group does (a U-Net has `levels`, a Wiener filter does not) is
    left out, since the group's name determines it. A setting that equals another one of the same name in
    every run that has it (`model.seed` and `seed`) is merged with it. `optimizer.name` is called `optimizer`.

    Args:
        configs: resolved config of each run.

    Returns:
        for each name the dotted keys that it stands for; the first key gives the name, and the others have
        its value in all runs that have them.
    """
    flat = [flatten(config) for config in configs.values()]
    keys = dict.fromkeys(key for f in flat for key in f if not key.startswith(NOT_VARIED))
    groups: list[list[str]] = []
    for key in sorted((k for k in keys if _differs(k, flat)), key=lambda k: not all(k in f for f in flat)):
        leader = next((group for group in groups if _follows(key, group[0], flat)), None)
        leader.append(key) if leader else groups.append([key])
    order = {key: index for index, key in enumerate(keys)}
    leaders = {_group_name(group[0], keys): group for group in sorted(groups, key=lambda g: order[g[0]])}
    return {name: leaders[key] for key, name in short_names(leaders, RESERVED).items()}


def _group_name(key: str, keys: Collection[str]) -> str:
    group = key.removesuffix(".name")
    return key if group in keys else group  # a run may have `schedule: null`


def _follows(key: str, leader: str, flat: list[dict]) -> bool:
    """Whether a setting has the name of another one, and its value in every run that has it."""
    same_name = key.split(".")[-1] == leader.split(".")[-1]
    return same_name and all(leader in f and repr(f[key]) == repr(f[leader]) for f in flat if key in f)


def varied_settings(configs: dict[str, dict], names: dict[str, list[str]] | None = None) -> dict[str, dict]:
    """The values of the varied settings of each run; None if its config does not have the setting.

    Args:
        configs: resolved config of each run.
        names: the `factors` of the configs; None: they are computed.
    """
    names = factors(configs) if names is None else names
    flat = {run: flatten(config) for run, config in configs.items()}
    return {run: {name: f.get(keys[0]) for name, keys in names.items()} for run, f in flat.items()}


def measurement_factors(names: dict[str, list[str]]) -> set[str]:
    """The names of the `factors` that change the measurements of a test."""
    return _with_prefix(names, MEASUREMENT_SETTINGS)


def image_factors(names: dict[str, list[str]]) -> set[str]:
    """The names of the `factors` that change the test images."""
    return _with_prefix(names, IMAGE_SETTINGS)


def _with_prefix(names: dict[str, list[str]], prefixes: tuple[str, ...]) -> set[str]:
    return {
        name
        for name, keys in names.items()
        if any(key.startswith(prefixes) and not key.startswith(TRAINING_SETTINGS) for key in keys)
    }


def group_settings(name: str, names: dict[str, list[str]]) -> set[str]:
    """The names of the other `factors` in a config group.

    Args:
        name: the factor that selects an option of the group: `optimizer`, or `method` for the group `model`.
        names: the `factors` of a sweep.
    """
    group = "model." if name == "method" else names[name][0].removesuffix("name")
    if not group.endswith("."):
        return set()
    return {other for other, keys in names.items() if other != name and keys[0].startswith(group)}


def _differs(key: str, flat: list[dict]) -> bool:
    configs = [f for f in flat if key in f]
    if len(configs) == len(flat):
        return len({repr(f[key]) for f in configs}) > 1
    # If some runs do not have it, it must differ between runs of one model, or the model determines it.
    models = {repr(f.get("model.name")) for f in configs}
    return len({(repr(f.get("model.name")), repr(f[key])) for f in configs}) > len(models)


def name_text(name: str) -> str:
    """The name of a setting for display: 'training sigma', 'hidden channels'."""
    return TRAINING_LEVELS.get(name) or name.replace("_", " ").replace(".", " ")


def value_text(value) -> str:
    """The value of a setting for display: 'yes', '0.005 to 0.25', '-' for None."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple) and len(value) == 2 and all(isinstance(v, int | float) for v in value):
        return f"{_shortest(value[0])} to {_shortest(value[1])}"
    return _shortest(value) if isinstance(value, float) else str(value)


def _shortest(value: float) -> str:
    """The shortest text that reads back as the same number: 0.1, 2, 1e-05, 0.1000001."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
