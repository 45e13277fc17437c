"""The frame around a command: Hydra composes, a user's error is one line, exit codes are true."""

import os
import re
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from imaging.errors import ImagingError
from imaging.registry import closest
from imaging.runs.memory import keep_freed_memory
from imaging.runs.run import Interrupted


def register_resolvers() -> None:
    """`${started:}` and `${varied:…}`, from which the names of directories are made."""
    # To the microsecond: two runs started in the same second must not share a directory.
    started = f"{datetime.now():%Y-%m-%d/%H-%M-%S.%f}"
    OmegaConf.register_new_resolver("started", lambda: started, replace=True)
    OmegaConf.register_new_resolver("varied", varied, replace=True)
    OmegaConf.register_new_resolver("checkout", lambda: str(Path(__file__).parents[2]), replace=True)
    OmegaConf.register_new_resolver("run_directory", lambda resume, new: resume or new, replace=True)


def varied(params: DictConfig | None, overrides: list[str]) -> str:
    """What a job of a sweep varied, as part of a directory's name: 'bias-false-hidden_channels-32'.

    Args:
        params: `hydra.sweeper.params`, the swept keys of the sweep file.
        overrides: the job's own overrides.
    """
    asked = [f"{key}={value}" for key, value in (params or {}).items()] + sys.argv[1:]
    parsed = OverridesParser.create().parse_overrides([a for a in asked if "=" in a])
    swept = {o.key_or_group for o in parsed if o.is_sweep_override()}
    words = []
    for override in overrides:
        key, _, value = override.lstrip("+~").partition("=")
        if key in swept:
            words.append(f"{key.split('.')[-1]}-{value}")
    return re.sub(r"[^\w.-]+", "_", "-".join(words))


class Sweeps(Callback):
    """Notes the directory of a sweep when Hydra begins one."""

    directory: Path | None = None

    def on_multirun_start(self, config: DictConfig, **kwargs) -> None:
        Sweeps.directory = Path(config.hydra.sweep.dir)


def command(
    name: str,
    body: Callable[[DictConfig], object],
    after_sweep: Callable[[Path], object] | None = None,
) -> None:
    """Run `body` as the Hydra command `name`, and leave with a true exit status.

    Args:
        name: the primary config in `conf/`.
        body: called with the composed config, once or, in a sweep, once a job.
        after_sweep: called with the sweep's directory when all its jobs have ended, failed or not.

    Exit status: 0 done; 1 a failure of ours, with its traceback; 2 something to mend by the user, in one
    line; 130 interrupted and saved.
    """
    register_resolvers()
    keep_freed_memory()
    Sweeps.directory = None
    # Hydra swallows the traceback of the body and prints its own mixture; here each error is told once.
    wanted = os.environ.setdefault("HYDRA_FULL_ERROR", "1")
    conf = str(Path(__file__).parents[2] / "conf")
    failures: list[Exception] = []

    def job(config: DictConfig) -> object:
        try:
            return body(config)
        except (ImagingError, OmegaConfBaseException) as error:
            if HydraConfig.get().mode == RunMode.MULTIRUN:
                raise  # Hydra says which job it was, and goes on with the others
            failures.append(error)
            return None

    main = hydra.main(version_base="1.3", config_path=conf, config_name=name)(job)
    try:
        try:
            main()
            if failures:
                raise failures[0]
        finally:
            if after_sweep is not None and Sweeps.directory is not None:
                after_sweep(Sweeps.directory)
    except ImagingError as error:
        fail(str(error), 2)
    except (HydraException, OmegaConfBaseException) as error:
        if wanted != "1":
            raise
        fail(one_line(error), 2)
    except (Interrupted, KeyboardInterrupt) as error:
        fail(str(error) or "interrupted", 130)


def fail(message: str, status: int) -> None:
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(status)


def one_line(error: Exception) -> str:
    """Hydra's complaint about a config in one line, with the nearest key that does exist."""
    causes = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    text = " ".join(line.strip() for line in str(error).splitlines() if line.strip())
    if isinstance(error, OverrideParseException):
        return f"cannot read '{error.override}' ({text.split(' See ')[0]}); is a bracket or a quote open?"
    if isinstance(error, MissingMandatoryValue):
        return f"'{error.full_key}' is not set: add {error.full_key}=…"
    for cause in causes:
        parent, key = getattr(cause, "parent_node", None), getattr(cause, "key", None)
        if "is not in struct" in str(cause):
            known = list(parent) if isinstance(parent, DictConfig) else []
            full = getattr(cause, "full_key", None) or key
            there = f"; there are: {', '.join(map(str, known))}" if known else ""
            return f"no setting '{full}'{closest(key, known)}{there}"
    match = re.search(
        r"Could not find '([^']+)'.*?Available options in '[^']*': (.*?)(?: Config search.*)?$", text
    )
    if match:
        asked, options = match[1], match[2].split()
        group, _, option = asked.rpartition("/")
        there = f"{closest(option, options)}; there are: {', '.join(options)}"
        return f"no '{option}' in {group or 'the config'}{there}"
    return text
