"""Names of settings: where they are in a config, and the shortest that says which one is meant."""

from collections.abc import Collection, Iterable


def flatten(config: dict, prefix: str = "") -> dict:
    """Nested settings as one dict with dotted keys."""
    flat = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def short_names(keys: Iterable[str], reserved: Collection[str] = ()) -> dict[str, str]:
    """For each dotted key the shortest tail of it that names no other key and nothing that is reserved.

    `seed` is the run's; another key of that name (`data.seed`) keeps what is before it.

    Args:
        keys: each once.
        reserved: names that no key gets; a key without a dot that has one of them becomes `config.<key>`.

    Returns:
        for each key a name; all are different.
    """
    keys = list(keys)
    names: dict[str, str] = {}
    for key in keys:
        parts = key.split(".")
        tails = [".".join(parts[-n:]) for n in range(1, len(parts) + 1)]
        others = [k for k in keys if k != key]
        free = (
            tail
            for tail in tails
            if tail not in reserved
            and (tail != "seed" or key == "seed")
            and (tail == key or not any(k == tail or k.endswith(f".{tail}") for k in others))
        )
        names[key] = next(free, "")
    for key, name in names.items():
        while not name or [*names.values()].count(name) > 1 or name in reserved:
            name = f"config.{name or key}"
            names[key] = name
    return names
