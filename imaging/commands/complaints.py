"""What a user can mend, in one line; Hydra's complaints too."""

import errno
import re
import sys
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from imaging.errors import ImagingError
from imaging.places import CONF
from imaging.settings import closest

# Settings that evaluate.py had, and which other commands have instead.
MOVED = dict.fromkeys(("image", "mask", "psf"), "photographs are restored by: imaging restore")
MOVED |= dict.fromkeys(("export", "export_size"), "networks are exported by: imaging export")
# Of directories and disks; other errors of the system are bugs.
MENDABLE = {
    getattr(errno, name)
    for name in ("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EEXIST", "ENOTDIR", "EISDIR")
    if hasattr(errno, name)
}


def complaint(error: BaseException, name: str = "train") -> str | None:
    """An error in one line, if it is one for the user to mend; None for a bug of ours.

    Args:
        error: as it was raised.
        name: of the primary config, for Hydra's errors.
    """
    if isinstance(error, ImagingError):
        return str(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return one_line(error, name)
    if isinstance(error, ValueError) and str(error).startswith("Config group override"):
        return _wrong_choice() or str(error)
    if isinstance(error, OSError) and error.errno in MENDABLE:
        # Where a directory was to be, e.g. resume=run/checkpoints/last.ckpt.
        if isinstance(error, FileExistsError) and Path(error.filename).is_file():
            return f"{error.filename} is a file; expected a directory, e.g. that of a run"
        return f"cannot write {error.filename}: {error.strerror}"
    return None


def one_line(error: BaseException, name: str) -> str:
    """Hydra's complaint about a config in one line, with the nearest key that does exist."""
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    for cause in causes:
        if isinstance(cause, ImagingError):
            return str(cause)
    if name == "evaluate":
        for word in sys.argv[1:]:
            if (key := word.lstrip("+").partition("=")[0].partition(".")[0]) in MOVED:
                return f"no setting '{key}': {MOVED[key]}"
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    if isinstance(error, OverrideParseException):
        return f"cannot read '{error.override}' ({text.split(' See ')[0]}); is a bracket or a quote open?"
    if isinstance(error, MissingMandatoryValue):
        return f"'{error.full_key}' is not set: add {error.full_key}=…"
    defaults = (CONF / f"{name}.yaml").read_text(encoding="utf-8")
    for cause in causes:
        parent, key = getattr(cause, "parent_node", None), getattr(cause, "key", None)
        if "is not in struct" in str(cause):
            known = list(parent) if isinstance(parent, DictConfig) else []
            full = getattr(cause, "full_key", None) or key
            if full in ("launcher", "sweep"):
                return f"no setting '{full}' (did you mean 'hydra.{full}'?)"
            if full and (options := _options(full)) and full != "experiment":
                if f" {full}:" not in defaults:
                    return _not_here(full)
                one_of = ", ".join(options)
                return f"no settings of '{full}' without a choice of it: add {full}=…, one of: {one_of}"
            there = f"; there are: {', '.join(map(str, known))}" if known else ""
            return f"no setting '{full}'{_below(parent, full) or closest(key, known)}{there}"
    if match := re.search(r"Could not override '([^'@]+)[^']*'\. No match in the defaults list", text):
        return _not_here(match[1])
    match = re.search(
        r"Could not find '([^']+)'.*?Available options in '[^']*': (.*?)(?: Config search.*)?$", text
    )
    if match:
        asked, options = match[1], match[2].split()
        group, _, option = asked.rpartition("/")
        there = f"{closest(option, options)}; there are: {', '.join(options)}"
        return f"no '{option}' in {group or 'the config'}{there}"
    return text


def _options(group: str) -> list[str]:
    """The names of the configs in a group; empty if there is no such group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml")) if group else []


def _wrong_choice() -> str | None:
    """The word of the command line that chooses a config by a number or null; Hydra does not say which."""
    words = [word for word in sys.argv[1:] if "=" in word and not word.startswith("-")]
    for override in OverridesParser.create().parse_overrides(words):
        group, value = override.key_or_group, override.value()
        for element in value.list if isinstance(value, ChoiceSweep) else [value]:
            if not isinstance(element, bool | int | float | None) or not (options := _options(group)):
                continue
            if element is None:
                return f"{group}=null chooses nothing: leave it out"
            swept = isinstance(value, ChoiceSweep)
            told = element if swept else override.input_line.split("=", 1)[1]
            return f"no {told} in {group}; there are: {', '.join(options)}"
    return None


def _not_here(group: str) -> str:
    files = (path for path in sorted(CONF.rglob("*.yaml")) if f"/{group}@" in path.read_text("utf-8"))
    owners = " or ".join(f"{path.parent.relative_to(CONF)}={path.stem}" for path in files)
    return f"no choice of '{group}' here" + (f"; it comes with {owners}" if owners else "")


def _below(parent: DictConfig | None, full: str) -> str:
    """' (did you mean …?)' with the settings of this name that are further down."""
    above, _, key = full.rpartition(".")
    found = _paths(parent, key) if isinstance(parent, DictConfig) else []
    meant = " or ".join(f"'{'.'.join(filter(None, (above, path)))}'" for path in found[:3])
    return f" (did you mean {meant}?)" if meant else ""


def _paths(config: DictConfig, key: str) -> list[str]:
    children = dict(config.items_ex(resolve=False))
    paths = [key] if key in children else []
    for name, child in children.items():
        if isinstance(child, DictConfig) and name != "hydra":
            paths += [f"{name!s}.{path}" for path in _paths(child, key)]
    return paths
