"""In what the runs of a sweep differ."""

from collections.abc import Collection

from imaging.evaluation.records import COLUMNS
from imaging.settings import flatten, short_names

# Not hyper-parameters: where things lie, how they are called, and what the column "method" says.
NOT_VARIED = ("paths.", "name", "model.name")
# Which images are tested, and how their PSNR is taken; of equal names two may be different images.
OF_TEST = (
    "data.source.",
    "data.crop",
    "data.orientation",
    "data.test_patch_size",
    "data.max_test_images",
    "test.convention",
)
OF_MEASUREMENT = ("physics.operator.", *OF_TEST)  # what decides a measurement beside its noise
OF_TRAINING = ("data.source.train", "data.crops_per_image")  # though they begin like these
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
    out: the group's name tells it. One that equals another of its name wherever there is such a setting
    (`model.seed` the `seed`) is told with that one. What a group is called has the name of the group:
    `optimizer` is `optimizer.name`.

    Args:
        configs: resolved config of each run.

    Returns:
        for each name the dotted keys that it stands for; the first one names it, and all runs that have
        another one have the same value there.
    """
    flat = [flatten(config) for config in configs.values()]
    keys = dict.fromkeys(key for f in flat for key in f if not key.startswith(NOT_VARIED))
    groups: list[list[str]] = []
    for key in sorted((k for k in keys if _differs(k, flat)), key=lambda k: not all(k in f for f in flat)):
        leader = next((group for group in groups if _follows(key, group[0], flat)), None)
        leader.append(key) if leader else groups.append([key])
    order = {key: index for index, key in enumerate(keys)}
    leaders = {_of_group(group[0], keys): group for group in sorted(groups, key=lambda g: order[g[0]])}
    return {name: leaders[key] for key, name in short_names(leaders, RESERVED).items()}


def _of_group(key: str, keys: Collection[str]) -> str:
    group = key.removesuffix(".name")
    return key if group in keys else group  # a run may have `schedule: null`


def _follows(key: str, leader: str, flat: list[dict]) -> bool:
    """Whether a setting is called as another one, and equals it in every run that has it."""
    same_name = key.split(".")[-1] == leader.split(".")[-1]
    return same_name and all(leader in f and repr(f[key]) == repr(f[leader]) for f in flat if key in f)


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
    return _beginning(names, OF_MEASUREMENT)


def of_test(names: dict[str, list[str]]) -> set[str]:
    """Those of the `factors` with which two runs are tested on different images."""
    return _beginning(names, OF_TEST)


def _beginning(names: dict[str, list[str]], starts: tuple[str, ...]) -> set[str]:
    return {
        name
        for name, keys in names.items()
        if any(key.startswith(starts) and not key.startswith(OF_TRAINING) for key in keys)
    }


def members(name: str, names: dict[str, list[str]]) -> set[str]:
    """The other `factors` that are settings of the group of which `name` says which one it is.

    `method` is that of the group `model`.
    """
    group = "model." if name == "method" else names[name][0].removesuffix("name")
    if not group.endswith("."):
        return set()
    return {other for other, keys in names.items() if other != name and keys[0].startswith(group)}


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
        return f"{_shortest(value[0])} to {_shortest(value[1])}"
    return _shortest(value) if isinstance(value, float) else str(value)


def _shortest(value: float) -> str:
    """As short as it can be read back: 0.1, 2, 1e-05, 0.1000001."""
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
