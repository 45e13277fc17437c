"""The overrides on a command line that belong to a run."""

from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from imaging.places import command_line
from imaging.runs.config import PLACES
from imaging.runs.names import quoted

# Settings that are paths. The first three accept one path only, never several to sweep over.
SINGLE_PATHS = ("run", "resume", "output")
PATHS = (
    *SINGLE_PATHS,
    *PLACES,
    "paths.data",
    "paths.cache",
    "psf.path",
    "physics.operator.image",
    "hydra.run.dir",
    "hydra.sweep.dir",
)
# Settings of a command, not of its runs; no run's config.yaml has them.
COMMAND_SETTINGS = ("resume", "decide", "decide_max_seeds", "dry")
# Settings of a sweep, not of its jobs; each job resumes from its own directory.
SWEEP_SETTINGS = ("launcher", "hydra.mode", *COMMAND_SETTINGS)
SWEEP_GROUPS = ("hydra.sweep.", "hydra.sweeper.", "hydra.launcher.", "hydra/launcher", "hydra/sweeper")


def run_overrides(words: Sequence[str]) -> list[str]:
    """The overrides without the sweep's own settings; `sweep=` stays, its file may have settings of runs."""

    def key(word: str) -> str:
        return word.lstrip("+~").split("=")[0].split("@")[0]

    return [w for w in words if key(w) not in SWEEP_SETTINGS and not key(w).startswith(SWEEP_GROUPS)]


def sweep_overrides(config: DictConfig) -> list[str]:
    """The overrides that started a sweep: of its jobs, its sweeper and its launcher, without `resume`.

    Args:
        config: the config of the sweep, including `hydra`.
    """
    words = OmegaConf.to_container(config.hydra.overrides, resolve=False)
    assert isinstance(words, dict)
    own = [
        w for w in words.get("hydra", []) if w.lstrip("+~").startswith(("hydra.sweeper.", "hydra.launcher."))
    ]
    return [word for word in words["task"] if not word.startswith("resume=")] + own


def choose_noise(word: str) -> str:
    """Convert `noise=poisson` and `physics.noise.name=poisson` to the choice of a group of configs.

    The group has the other settings of the noise, which differ from those of Gaussian noise.

    Args:
        word: one argument of a command line.

    Examples:
        >>> choose_noise("physics.noise.name=poisson"), choose_noise("physics.noise.peak=100")
        ('noise@physics.noise=poisson', 'physics.noise.peak=100')
    """
    key, _, name = word.partition("=")
    return f"noise@physics.noise={name}" if key in ("noise", "physics.noise.name") else word


def quote_path(word: str) -> str:
    """Quote the value of an override if it is a path that Hydra would misread.

    Hydra refuses `run=photo (1)` and `resume=run=a`, and reads `output=2026_12_01` as a number. Quoted
    values, interpolations (`${…}`), null, and several values where a sweep can vary the path stay unchanged.

    Args:
        word: one argument of a command line.

    Examples:
        >>> quote_path("output=2026_12_01"), quote_path("seed=1_000")
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


def add_places(words: Sequence[str]) -> list[str]:
    """The words of a command; if it resumes a run, those of `PLACES` need no choice of `data=` beside them.

    Examples:
        >>> add_places(["resume=outputs/a", "data.source.train=new"])
        ['resume=outputs/a', '++data.source.train=new']
    """
    resumes = any(word.startswith("resume=") for word in words)
    return [f"++{w}" if resumes and w.partition("=")[0] in PLACES else w for w in words]


def own_command() -> str | None:
    """The command that reproduces this process's run alone; None if the process resumes a run."""
    if not HydraConfig.initialized():
        return None
    words = HydraConfig.get().overrides.task
    overrides = run_overrides(words)
    if not overrides and any(word.startswith("resume=") for word in words):
        return None
    single = ["hydra.mode=RUN"] if any(word.startswith("sweep=") for word in overrides) else []
    return command_line("train", *overrides, *single)
