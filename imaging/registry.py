"""Names that a config or a checkpoint may ask for: an allow-list of this project's own classes.

A config says `{name: dncnn, depth: 5}`; nothing in it can name a Python object, so that neither a
config nor a checkpoint from a stranger can run code. Every module of the registry's package is
looked at, so that a new operator or network is one new file.
"""

import difflib
import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Mapping

from imaging.errors import ImagingError


def closest(word: str, words) -> str:
    """' (did you mean …?)' with the nearest of `words`, or nothing."""
    near = difflib.get_close_matches(str(word), [str(w) for w in words], n=1)
    return f" (did you mean '{near[0]}'?)" if near else ""


class Registry:
    """A table of constructors, filled by decorators in the modules of one package.

    Args:
        kind: what the user calls such a thing, e.g. "model"; messages begin with it.
        package: where the modules lie, e.g. "imaging.models".
    """

    def __init__(self, kind: str, package: str):
        self.kind, self.package = kind, package
        self._table: dict[str, Callable] = {}

    def register(self, name: str):
        """Class or function decorator: make it known as `name`."""

        def add(constructor):
            assert name not in self._table, f"two {self.kind}s called {name}"
            self._table[name] = constructor
            return constructor

        return add

    def names(self) -> list[str]:
        package = importlib.import_module(self.package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self.package}.{module.name}")
        return sorted(self._table)

    def parameters(self, name: str) -> dict[str, inspect.Parameter]:
        """The settings of what is called `name`: the parameters of its constructor.

        Raises:
            ImagingError: nothing has this name.
        """
        if name not in self.names():
            hint = closest(name, self._table)
            raise ImagingError(f"unknown {self.kind} '{name}'{hint}; there are: {', '.join(self._table)}")
        return {
            key: parameter
            for key, parameter in inspect.signature(self._table[name]).parameters.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }

    def build(self, config: Mapping, **given):
        """Construct what `config` names.

        Args:
            config: `name`, and the constructor's keyword arguments as plain data.
            given: arguments that do not come from a config.

        Raises:
            ImagingError: unknown name, unknown or missing setting, or a value of the wrong type.
        """
        settings = dict(config)
        name = settings.pop("name", None)
        parameters = self.parameters(name)
        for key, value in settings.items():
            if key not in parameters or key in given:
                offered = ", ".join(k for k in parameters if k not in given)
                hint = closest(key, parameters)
                raise ImagingError(f"{self.kind} '{name}' has no setting '{key}'{hint}; it has: {offered}")
            check_type(f"{self.kind}.{key}", value, parameters[key].annotation)
        for key, parameter in parameters.items():
            if parameter.default is parameter.empty and key not in settings and key not in given:
                raise ImagingError(f"{self.kind} '{name}' needs the setting '{key}'")
        return self._table[name](**settings, **given)


def check_type(what: str, value, annotation) -> None:
    """Refuse a value that is not of the annotated type (int, float, bool, str, None, list, dict, unions)."""
    options = typing.get_args(annotation) if isinstance(annotation, types.UnionType) else (annotation,)
    accepted = []
    for option in options:
        option = typing.get_origin(option) or option
        if option in (inspect.Parameter.empty, typing.Any):
            return
        if isinstance(value, WIDER.get(option, option)) and isinstance(value, bool) == (option is bool):
            return
        accepted.append("null" if option is type(None) else option.__name__)
    raise ImagingError(f"{what} is {value!r}; expected {' or '.join(accepted)}")


def check_least(kind: str, values: Mapping[str, int], least: Mapping[str, int]) -> None:
    """Refuse settings that are smaller than they may be; `least` has those for which that is not 1."""
    for setting, value in values.items():
        if value < least.get(setting, 1):
            raise ImagingError(f"{kind}.{setting} is {value}; expected at least {least.get(setting, 1)}")


# What may stand for an annotated type: a whole number for a float, any sequence for a list.
WIDER = {float: (int, float), dict: Mapping, tuple: (tuple, list), list: (tuple, list)}
