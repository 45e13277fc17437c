"""The words of a command line that make a run what it is."""

from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from imaging.places import command_line
from imaging.runs.names import quoted

# Settings that are paths, whose text is taken as it was typed; the first three are one path each.
SINGLE_PATHS = ("run", "resume", "output")
PATHS = (
    *SINGLE_PATHS,
    "data.source.train",
    "data.source.test",
    "data.source.root",
    "paths.data",
    "paths.cache",
    "psf.path",
    "physics.operator.image",
    "hydra.run.dir",
    "hydra.sweep.dir",
)
# Settings of a command, not of its runs: they are in no run's config.yaml.
NO_SETTINGS_OF_RUNS = ("resume", "decide", "decide_max_seeds")
# Of the sweep, not of its jobs; each job goes on with what it finds in its directory.
NOT_PASSED = ("launcher", "hydra.mode", *NO_SETTINGS_OF_RUNS)
NOT_PASSED_GROUPS = ("hydra.sweep.", "hydra.sweeper.", "hydra.launcher.", "hydra/launcher", "hydra/sweeper")


def passed(words: Sequence[str]) -> list[str]:
    """The overrides of a job without the launcher's; the sweep's file stays, it may have settings for all."""

    def key(word: str) -> str:
        return word.lstrip("+~").split("=")[0].split("@")[0]

    return [w for w in words if key(w) not in NOT_PASSED and not key(w).startswith(NOT_PASSED_GROUPS)]


def as_typed(word: str) -> str:
    """An override whose value is a path, quoted where Hydra would read it as something else.

    Hydra refuses `run=photo (1)` and `resume=run=a`, and reads `output=2026_12_01` as a number. A word that
    is quoted for Hydra already is left as it is, and so are interpolations (`${…}`), null, and several
    values where a sweep can vary the path.

    Args:
        word: of a command line.

    Example:
        >>> as_typed("output=2026_12_01"), as_typed("seed=1_000")
        ("output='2026_12_01'", 'seed=1_000')
    """
    key, _, text = word.partition("=")
    if key.lstrip("+") not in PATHS or not text or "${" in text:
        return word
    try:
        override = OverridesParser.create().parse_override(word)
    except HydraException:
        return f"{key}={quoted(text)}"
    if override.is_sweep_override():
        return f"{key}={quoted(text)}" if key in SINGLE_PATHS else word
    value, marks = override.value(), text[0] + text[-1]
    return word if value is None or value == text or marks in ("''", '""') else f"{key}={quoted(text)}"


def own_command() -> str | None:
    """The command that makes this process's run anew, alone; None if it goes on with one."""
    if not HydraConfig.initialized():
        return None
    words = HydraConfig.get().overrides.task
    kept = passed(words)
    if not kept and any(word.startswith("resume=") for word in words):
        return None
    single = ["hydra.mode=RUN"] if any(word.startswith("sweep=") for word in kept) else []
    return command_line("train", *kept, *single)
