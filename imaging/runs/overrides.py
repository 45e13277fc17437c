"""The words of a command line that make a run what it is."""

import shlex
from collections.abc import Sequence

from hydra.core.hydra_config import HydraConfig

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


def own_command() -> str | None:
    """The command that makes this process's run anew, alone; None if it goes on with one."""
    if not HydraConfig.initialized():
        return None
    words = HydraConfig.get().overrides.task
    kept = passed(words)
    if not kept and any(word.startswith("resume=") for word in words):
        return None
    single = ["hydra.mode=RUN"] if any(word.startswith("sweep=") for word in kept) else []
    return shlex.join(["python", "train.py", *kept, *single])
