"""The components that a config or a checkpoint can name: an allow-list of registered classes and functions.

A config says `{name: dncnn, depth: 5}`. It cannot name a Python object, so that neither a config nor a
checkpoint from an untrusted source can run code. A registry imports every module of its package, so that a
new operator or network is one new file. Code outside this package is named on the command line
(`imports=[my_lab.networks]`) or by an installed package's entry points in the group `imaging`.
"""

import functools
import importlib
import inspect
import os
import pkgutil
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

from imaging.errors import ImagingError, brief, one_line
from imaging.settings import check, closest, list_of, plain


def checked(kind: str, constructor: Callable) -> Callable:
    """Make a class or function check its arguments against their annotations on every call.

    Args:
        kind: prefix of the argument names in messages, e.g. "model"; may be empty.
        constructor: the class, which is changed in place, or the function.

    Returns:
        The class, or a wrapper of the function; a call raises ImagingError for a wrong argument.
    """
    inner = constructor.__init__ if inspect.isclass(constructor) else constructor
    signature = inspect.signature(inner)

    @functools.wraps(inner)
    def wrapper(*arguments, **settings):
        bound = signature.bind(*arguments, **settings)
        for name, value in bound.arguments.items():
            annotation = signature.parameters[name].annotation
            check(f"{kind}.{name}".lstrip("."), value, annotation)
            bound.arguments[name] = plain(value, annotation)
        return inner(*bound.args, **bound.kwargs)

    if not isinstance(constructor, type):
        return wrapper
    constructor.__init__ = wrapper  # type: ignore[misc]
    return constructor


def import_own(modules: list) -> None:
    """Import a user's modules, which register their own networks, operators, losses, …

    Args:
        modules: names of modules; the working directory is searched, too.

    Raises:
        ImagingError: not a list of names, or a module that does not exist or cannot be imported.
    """
    check(
        "imports", modules, Annotated[list, list_of("a list of modules, e.g. imports=[my_lab.networks]", str)]
    )
    if modules and (here := os.getcwd()) not in sys.path:
        sys.path.append(here)
    for module in modules:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise ImagingError(f"imports: {module} cannot be imported ({one_line(str(error))})") from None


@functools.cache
def load_entry_points() -> None:
    """Import the entry points of installed packages in the group `imaging`, once."""
    from importlib.metadata import entry_points  # here, because --help would wait for it

    for point in entry_points(group="imaging"):
        point.load()


class Registry:
    """A table of constructors, filled by decorators in the modules of one package.

    Args:
        kind: the user's word for the constructors, e.g. "model"; messages begin with it.
        packages: the package of the modules, e.g. "imaging.models", and others, or single modules.
    """

    def __init__(self, kind: str, *packages: str):
        self.kind, self.packages = kind, packages
        self._table: dict[str, Callable] = {}

    def register(self, name: str):
        """Decorate a class or function: register it as `name`, and check its arguments on every call."""

        def add(constructor):
            assert name not in self._table, f"two {self.kind}s called {name}"
            self._table[name] = checked(self.kind, constructor)
            return self._table[name]

        return add

    def names(self) -> list[str]:
        """All registered names, after importing the packages' modules and the entry points; sorted."""
        for name in self.packages:
            package = importlib.import_module(name)
            for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
                importlib.import_module(f"{name}.{module.name}")
        load_entry_points()
        return sorted(self._table)

    def find(self, name: str) -> Any:
        """The constructor `name`.

        Raises:
            ImagingError: unknown name.
        """
        if name not in self.names():
            hint = closest(name, self._table)
            raise ImagingError(f"unknown {self.kind} '{name}'{hint}; there are: {', '.join(self._table)}")
        return self._table[name]

    def parameters(self, name: str) -> dict[str, inspect.Parameter]:
        """The parameters of the constructor `name`, by their names.

        Raises:
            ImagingError: unknown name.
        """
        return {
            key: parameter
            for key, parameter in inspect.signature(self.find(name)).parameters.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        }

    def build(self, config: Mapping, **extra):
        """Construct the component that `config` names.

        Args:
            config: `name`, and the constructor's keyword arguments as plain data.
            extra: keyword arguments that do not come from a config.

        Raises:
            ImagingError: unknown name, unknown or missing setting, or a wrong value.
        """
        name, settings = self._of(config, extra)
        return self._table[name](**settings, **extra)

    def check(self, config: Mapping, *extra: str) -> None:
        """Check a config as `build` does, without constructing the component.

        Args:
            config: as in `build`.
            extra: names of the arguments that do not come from a config.
        """
        name, settings = self._of(config, extra)
        parameters = self.parameters(name)
        for key, value in settings.items():
            check(f"{self.kind}.{key}", value, parameters[key].annotation)

    def _of(self, config: Mapping, extra: Collection[str]) -> tuple[str, dict]:
        """The name in a config, and the settings, which have the right names."""
        if not isinstance(config, Mapping):
            raise ImagingError(f"{self.kind} is {brief(config)}; expected a mapping, e.g. {{name: …}}")
        settings = dict(config)
        name = settings.pop("name", None)
        parameters = self.parameters(name)
        for key in settings:
            if key not in parameters or key in extra:
                names = ", ".join(k for k in parameters if k not in extra)
                hint = closest(key, parameters)
                raise ImagingError(f"{self.kind} '{name}' has no setting '{key}'{hint}; it has: {names}")
        for key, parameter in parameters.items():
            if parameter.default is parameter.empty and key not in settings and key not in extra:
                raise ImagingError(f"{self.kind} '{name}' needs the setting '{key}'")
        return name, settings
