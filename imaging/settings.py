"""Settings: which values they may have, and the shortest names that say which one is meant.

A setting is an annotated argument of the component that it configures, and has its type, range and default
there:

    def __init__(depth: Annotated[int, at_least(2)] = 5, padding: Literal["zeros", "circular"] = "zeros")

`check` refuses any other value. `imaging.registry` calls it for all that a config can name.
"""

import difflib
import inspect
import math
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from imaging.errors import ImagingError, brief


@dataclass(frozen=True)
class Limit:
    """A condition on a value, beside its type.

    Args:
        words: the values that fit, to follow "expected ".
        fits: whether a value of the type does.
        bare: whether the words follow those of the type: "a whole number, at least 1".
    """

    words: str
    fits: Callable[[Any], bool]
    bare: bool = False


def at_least(low: float) -> Limit:
    return Limit(f"at least {low}", lambda value: value >= low, bare=True)


def within(low: float, high: float) -> Limit:
    return Limit(f"from {low} to {high}", lambda value: low <= value <= high, bare=True)


def list_of(words: str, annotation, length: int | None = None, least: int = 0) -> Limit:
    """A list of so many elements, each of which fits an annotation."""

    def fit(values) -> bool:
        right = len(values) == length if length is not None else len(values) >= least
        return right and all(fits(value, annotation) for value in values)

    return Limit(words, fit)


Count = Annotated[int, at_least(1)]
Positive = Annotated[float, Limit("a positive number", lambda value: value > 0)]
NotNegative = Annotated[float, Limit("a number >= 0", lambda value: value >= 0)]
Share = Annotated[float, Limit("a number in [0, 1)", lambda value: 0 <= value < 1)]

# A whole number may stand for a float, any sequence for a list.
WIDER: dict[Any, Any] = {float: (int, float), dict: Mapping, tuple: (tuple, list), list: (tuple, list)}
WORDS = {
    float: "a number", int: "a whole number", bool: "true or false", str: "text", list: "a list",
    tuple: "a list", dict: "a mapping", type(None): "null",
}  # fmt: skip


def fits(value, annotation) -> bool:
    """Whether a setting that is annotated so may have a value. What is no plain type says nothing."""
    if annotation in (inspect.Parameter.empty, Any):
        return True
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        return any(fits(value, option) for option in typing.get_args(annotation))
    if typing.get_origin(annotation) is Annotated:
        kind, limit = typing.get_args(annotation)
        return fits(value, kind) and limit.fits(value)
    if typing.get_origin(annotation) is Literal:
        return any(value == option and type(value) is type(option) for option in typing.get_args(annotation))
    kind = typing.get_origin(annotation) or annotation
    if kind not in WORDS:
        return True
    if isinstance(value, bool) != (kind is bool) or not isinstance(value, WIDER.get(kind, kind)):
        return False
    return kind is not float or math.isfinite(value)


def expected(annotation) -> str:
    """The values that fit an annotation, in words."""
    *others, last = _options(annotation)
    return f"{', '.join(others)} or {last}" if others else last


def _options(annotation) -> list[str]:
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        options = sorted(typing.get_args(annotation), key=lambda option: option is type(None))
        return [words for option in options for words in _options(option)]
    if typing.get_origin(annotation) is Annotated:
        kind, limit = typing.get_args(annotation)
        return [f"{expected(kind)}, {limit.words}" if limit.bare else limit.words]
    if typing.get_origin(annotation) is Literal:
        return [str(option) for option in typing.get_args(annotation)]
    return [WORDS[typing.get_origin(annotation) or annotation]]


def closest(word: str, words) -> str:
    """' (did you mean …?)' with the nearest of `words`, or nothing."""
    near = difflib.get_close_matches(str(word), [str(w) for w in words], n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def check(name: str, value, annotation) -> None:
    """Refuse a value that a setting may not have.

    Args:
        name: as in the config, e.g. "model.depth".
        value: plain data.
        annotation: its type, and `Annotated` with a `Limit` where not all of these fit.

    Raises:
        ImagingError: it does not fit.

    Example:
        >>> check("model.depth", 1, Annotated[int, at_least(2)])
        Traceback (most recent call last):
        imaging.errors.ImagingError: model.depth is 1; expected a whole number, at least 2
    """
    if not fits(value, annotation):
        options = [o for a in (annotation, *typing.get_args(annotation)) for o in typing.get_args(a)]
        hint = closest(value, [o for o in options if isinstance(o, str)]) if isinstance(value, str) else ""
        value = list(value) if isinstance(value, tuple) else value
        raise ImagingError(f"{name} is {brief(value)}{hint}; expected {expected(annotation)}")


def flatten(config: dict, prefix: str = "") -> dict:
    """Nested settings as one dict with dotted keys."""
    flat: dict[str, Any] = {}
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
