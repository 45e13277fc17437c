"""Settings: their valid values, and short unique names for them.

A setting is an annotated argument of the component that it configures, which gives its type, range and
default:

    def __init__(self, depth: Annotated[int, at_least(2)] = 5, bias: bool = True)

`check` refuses any other value. `imaging.registry` calls it for every component of a config.
"""

import difflib
import inspect
import sys
import types
import typing
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from imaging.errors import ImagingError, brief


@dataclass(frozen=True)
class Limit:
    """A condition on a value, in addition to its type.

    Args:
        words: description of the valid values, to follow "expected " in a message.
        fits: returns whether a value of the type is valid.
        bare: whether the words follow those of the type, as in "a whole number, at least 1".
    """

    words: str
    fits: Callable[[Any], bool]
    bare: bool = False


def at_least(low: float) -> Limit:
    return Limit(f"at least {low}", lambda value: value >= low, bare=True)


def within(low: float, high: float) -> Limit:
    return Limit(f"from {low} to {high}", lambda value: low <= value <= high, bare=True)


def list_of(words: str, annotation, length: int | None = None, least: int = 0) -> Limit:
    """A condition on a list: every element fits `annotation`, and there are `length`, or at least `least`."""

    def fit(values) -> bool:
        right = len(values) == length if length is not None else len(values) >= least
        return right and all(fits(value, annotation) for value in values)

    return Limit(words, fit)


Count = Annotated[int, within(1, 2**31 - 1)]  # beyond it products of sizes overflow
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
    """Whether a value is valid for a setting with this annotation; other classes allow any."""
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
    return kind is not float or abs(value) <= sys.float_info.max  # `math.isfinite` fails for huge integers


def plain(value, annotation):
    """A value that fits an annotation, as a float if it is an integer beyond 64 bits that stands for one."""
    huge = type(value) is int and abs(value) >= 2**63 and annotation not in (inspect.Parameter.empty, Any)
    return float(value) if huge and fits(float(value), annotation) else value


def expected(annotation) -> str:
    """A description of the values that fit an annotation, e.g. "a whole number, at least 2 or null"."""
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
    """A hint ' (did you mean …?)' with the nearest of `words`, or an empty string."""
    near = difflib.get_close_matches(str(word), [str(w) for w in words], n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


def check(name: str, value, annotation) -> None:
    """Check the value of a setting.

    Args:
        name: of the setting in the config, e.g. "model.depth".
        value: plain data.
        annotation: the type, or `Annotated` with the type and a `Limit`.

    Raises:
        ImagingError: the value does not fit the annotation.

    Examples:
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
    """Flatten nested settings to one dict with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def short_names(keys: Iterable[str], reserved: Collection[str] = ()) -> dict[str, str]:
    """The shortest unique tail of each dotted key, e.g. `depth` for `model.depth`.

    Only the key `seed` is called `seed`; other keys with that tail keep their prefix, e.g. `data.seed`.

    Args:
        keys: distinct dotted keys.
        reserved: names that no key may get; a key without a dot that equals one becomes `config.<key>`.

    Returns:
        The name of each key; all names are different.
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
