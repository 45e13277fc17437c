"""What a sweep must be so that `decide` can choose how many seeds it has."""

from omegaconf import DictConfig

from imaging.errors import ImagingError
from imaging.runs.names import last_overrides
from imaging.runs.record import check_numbers, nothing_swept


def check_decide(config: DictConfig) -> None:
    """Refuse a sweep that `decide` cannot go with; without `decide` any sweep is right.

    Args:
        config: the composed config of a multirun, `hydra` included.

    Raises:
        ImagingError: a margin or a limit that cannot be; a sweep of nothing or of the seed; a sweeper that
            chooses values itself, or a launcher that does not wait for its jobs.
    """
    hydra = config.hydra
    params = hydra.sweeper.get("params") or {}
    asked = last_overrides(params, hydra.overrides.task)
    swept = [key for key, override in asked.items() if override.is_sweep_override()]
    for key in ("decide", "decide_max_seeds"):
        if key in swept or key in params:
            raise ImagingError(f"{key} is for the whole sweep: give one number, beside what is swept")
    if config.decide is None:
        return
    check_numbers(config.decide, config.decide_max_seeds)
    if not hydra.sweeper.get("_target_", "").endswith(".Seeds"):
        raise ImagingError(
            "decide adds seeds to configurations that are known, but a search draws its own: leave decide out"
        )
    if hydra.launcher.get("_target_", "").endswith(".SlurmScript"):
        raise ImagingError(
            "decide waits for results, but launcher=slurm_script only writes a script: take launcher=slurm, "
            "gpus or basic"
        )
    if not swept:
        raise nothing_swept(config.decide)
    seed = asked["seed"].value() if "seed" in asked else config.seed
    if type(seed) is not int:
        word = asked["seed"].input_line if "seed" in asked else f"seed={seed}"
        raise ImagingError(
            f"{word}, but decide chooses the seeds: give the first one, a whole number, or leave seed out"
        )
