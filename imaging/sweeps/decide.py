"""Check that `decide` can choose the number of seeds of a sweep."""

from omegaconf import DictConfig

from imaging.errors import ImagingError
from imaging.runs.names import last_overrides
from imaging.runs.overrides import COMMAND_SETTINGS
from imaging.runs.record import check_decide_settings, nothing_swept


def check_decide(config: DictConfig) -> None:
    """Check that a sweep and `decide` fit together; a sweep without `decide` always passes.

    Args:
        config: the composed config of a multirun, including `hydra`.

    Raises:
        ImagingError: an invalid margin or limit; a sweep of nothing or of the seed; a sweeper that chooses
            values itself, or a launcher that does not wait for its jobs.
    """
    hydra = config.hydra
    params = hydra.sweeper.get("params") or {}
    overrides = last_overrides(params, hydra.overrides.task)
    swept = [key for key, override in overrides.items() if override.is_sweep_override()]
    for key in COMMAND_SETTINGS:
        if key in swept or key in params:
            raise ImagingError(f"{key} is for the whole sweep: give one value, and do not sweep it")
    if config.decide is None:
        return
    check_decide_settings(config.decide, config.decide_max_seeds)
    if not hydra.sweeper.get("_target_", "").endswith(".Seeds"):
        raise ImagingError(
            "decide adds seeds to fixed configurations, but a search draws its own: leave decide out"
        )
    if hydra.launcher.get("_target_", "").endswith(".Slurm") and not hydra.launcher.get("wait"):
        raise ImagingError(
            "decide waits for results, but launcher=slurm_script only writes a script: use launcher=slurm, "
            "gpus or basic"
        )
    if not swept:
        raise nothing_swept(config.decide)
    seed = overrides["seed"].value() if "seed" in overrides else config.seed
    if type(seed) is not int:
        word = overrides["seed"].input_line if "seed" in overrides else f"seed={seed}"
        raise ImagingError(
            f"{word}, but decide chooses the seeds: give the first one, a whole number, or leave seed out"
        )
