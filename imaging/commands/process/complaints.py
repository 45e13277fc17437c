"""One-line messages for the errors that a user can fix, including Hydra's."""

import errno
import re
import sys
import traceback
from pathlib import Path

import hydra
import omegaconf
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from imaging.errors import ImagingError, one_line
from imaging.machine import lacks_memory
from imaging.places import CONF
from imaging.settings import closest

# Former settings of evaluate.py, and the commands that replace them.
MOVED = dict.fromkeys(("image", "mask"), "photographs are restored by: imaging restore")
MOVED |= dict.fromkeys(("export", "export_size"), "networks are exported by: imaging export")
PACKAGE = Path(__file__).parents[2]
RUNS = ("imaging/commands/train.py", "imaging/commands/evaluate.py")
# Errors of directories and disks, which a user can fix; other OSErrors are bugs.
USER_ERRORS = {
    getattr(errno, name)
    for name in (
        *("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EFBIG"),
        *("EEXIST", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP"),
    )
    if hasattr(errno, name)
}


def complaint(error: BaseException, name: str = "train") -> str | None:
    """The message of an error that the user can fix, in one line; None for a bug.

    Args:
        error: the exception.
        name: of the primary config, for Hydra's errors.
    """
    if isinstance(error, ImagingError):
        return str(error)
    if isinstance(error, HydraException | OmegaConfBaseException):
        return hydra_message(error, name)
    if isinstance(error, ValueError) and str(error).startswith("Config group override"):
        return _wrong_choice() or str(error)
    if lacks_memory(error):
        reason = one_line(str(error)) or "an allocation failed"
        return f"not enough memory ({reason}): make the network, the batches or the images smaller"
    if not isinstance(error, OSError) and _of_composing(error):
        return f"these settings cannot be composed: {one_line(str(error)) or type(error).__name__}"
    named = isinstance(error, OSError) and error.filename is not None
    if isinstance(error, FileNotFoundError) and named and _last_function(error) in ("mkdir", "makedirs"):
        return f"cannot make the directory {error.filename}: {error.strerror}"
    if isinstance(error, OSError) and (error.errno in USER_ERRORS or (named and error.errno == errno.EIO)):
        # A file in place of a directory, e.g. resume=run/checkpoints/last.ckpt.
        if isinstance(error, FileExistsError) and Path(error.filename).is_file():
            return f"{error.filename} is a file; expected a directory, e.g. that of a run"
        return f"cannot write {error.filename}: {error.strerror}"
    return None


def _last_function(error: BaseException) -> str:
    return traceback.extract_tb(error.__traceback__)[-1].name


def _of_composing(error: BaseException) -> bool:
    """Whether Hydra or OmegaConf raised an error before the run began, of a value they do not expect."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    theirs = [Path(module.__file__).parent for module in (hydra, omegaconf)]
    known = [name for name in frames if any(Path(name).is_relative_to(place) for place in (*theirs, PACKAGE))]
    of_theirs = bool(known) and not Path(known[-1]).is_relative_to(PACKAGE)
    return of_theirs and not any(name.endswith(RUNS) for name in frames)


def hydra_message(error: BaseException, name: str) -> str:
    """The message of a Hydra error about a config in one line, with the nearest existing key."""
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
        if match := re.match(r"Interpolation key '([^']+)' not found", str(cause)):
            full = getattr(cause, "full_key", None) or "a setting"
            hint = "; choose physics=blur" if match[1] == "psf" else ""
            return f"{full} is that of '{match[1]}', which the other choices do not bring{hint}"
        if "is not in struct" in str(cause):
            keys = list(parent) if isinstance(parent, DictConfig) else []
            full = getattr(cause, "full_key", None) or key
            if full in ("launcher", "sweep"):
                return f"no setting '{full}' (did you mean 'hydra.{full}'?)"
            if full and (options := _options(full)) and full != "experiment":
                if f" {full}:" not in defaults:
                    return _no_group(full)
                names = ", ".join(options)
                return f"no settings of '{full}' without a choice of it: add {full}=…, one of: {names}"
            there = f"; there are: {', '.join(map(str, keys))}" if keys else ""
            return f"no setting '{full}'{_below(parent, full) or closest(key, keys)}{there}"
    if match := re.search(r"Could not override '([^'@]+)[^']*'\. No match in the defaults list", text):
        return _no_group(match[1])
    match = re.search(
        r"Could not find '([^']+)'.*?Available options in '[^']*': (.*?)(?: Config search.*)?$", text
    )
    if match:
        (group, _, option), options = match[1].rpartition("/"), match[2].split()
        there = f"{closest(option, options)}; there are: {', '.join(options)}"
        return f"no '{option}' in {group or 'the config'}{there}"
    return text


def _options(group: str) -> list[str]:
    """The names of the configs in a group, sorted; empty for an unknown group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml")) if group else []


def _wrong_choice() -> str | None:
    """The message for a config chosen by a number or null, which Hydra's message does not name."""
    words = [word for word in sys.argv[1:] if "=" in word and not word.startswith("-")]
    for override in OverridesParser.create().parse_overrides(words):
        group, value = override.key_or_group, override.value()
        for element in value.list if isinstance(value, ChoiceSweep) else [value]:
            if not isinstance(element, bool | int | float | None) or not (options := _options(group)):
                continue
            if element is None:
                return f"{group}=null chooses nothing: leave it out"
            swept = isinstance(value, ChoiceSweep)
            choice = element if swept else override.input_line.split("=", 1)[1]
            return f"no {choice} in {group}; there are: {', '.join(options)}"
    return None


def _no_group(group: str) -> str:
    files = (path for path in sorted(CONF.rglob("*.yaml")) if f"/{group}@" in path.read_text("utf-8"))
    owners = " or ".join(f"{path.parent.relative_to(CONF)}={path.stem}" for path in files)
    return f"no choice of '{group}' here" + (f"; it comes with {owners}" if owners else "")


def _below(parent: DictConfig | None, full: str) -> str:
    """A hint ' (did you mean …?)' with the settings of this name below `parent`, or an empty string."""
    above, _, key = full.rpartition(".")
    paths = _paths(parent, key) if isinstance(parent, DictConfig) else []
    names = " or ".join(f"'{'.'.join(filter(None, (above, path)))}'" for path in paths[:3])
    return f" (did you mean {names}?)" if names else ""


def _paths(config: DictConfig, key: str) -> list[str]:
    children = dict(config.items_ex(resolve=False))
    paths = [key] if key in children else []
    for name, child in children.items():
        if isinstance(child, DictConfig) and name != "hydra":
            paths += [f"{name!s}.{path}" for path in _paths(child, key)]
    return paths
