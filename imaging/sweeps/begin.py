"""Make a sweep's directory, or go on with one."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from imaging.errors import ImagingError
from imaging.files import write_text
from imaging.runs.config import as_dict
from imaging.runs.lock import lock
from imaging.runs.names import concrete, swept
from imaging.runs.overrides import NO_SETTINGS_OF_RUNS
from imaging.runs.record import SWEEP_RECORD, read_record
from imaging.runs.resume import in_this_process, refuse_changes, refuse_devices
from imaging.sweeps.decide import check_decide


def begin_sweep(config: DictConfig) -> int | None:
    """Make a sweep's directory, or go on with one; refuse what cannot be, before any job starts.

    Args:
        config: the composed config of a multirun, `hydra` included; names in it become concrete.

    Returns:
        its lock, for `imaging.runs.lock.unlock`.

    Raises:
        ImagingError: `resume` is not a sweep, or the settings are not those of that sweep; more than one
            device a job with a launcher that runs them in this process; `decide` where it cannot be, or for
            another number of looks than there were to be.
    """
    check_decide(config)
    if in_this_process(config.hydra):
        refuse_devices(config.trainer.devices, 1)
    directory = Path(config.hydra.sweep.dir)
    concrete(config)
    if config.resume is not None:
        if not (directory / SWEEP_RECORD).is_file():
            raise ImagingError(f"{directory} is not a sweep directory: it has no {SWEEP_RECORD}")
        before = read_record(directory)
        there, here = _varied(before), _varied(config)
        if there != here:
            raise ImagingError(
                f"{directory} varies {there or 'nothing more than its file'}, this command "
                f"{here or 'nothing more than its file'}: resume with what it was started with, or start anew"
            )
        refuse_changes(directory, _essence(before), _essence(config))
        begun, most = before.get("decide_max_seeds"), config.decide_max_seeds
        if config.decide is not None and most != begun:
            raise ImagingError(
                f"{directory} has decide_max_seeds={begun}, and the level of its intervals is for that: "
                f"resume with it, or start anew with decide_max_seeds={most}"
            )
    directory.mkdir(parents=True, exist_ok=True)
    handle = lock(directory)
    write_text(directory / SWEEP_RECORD, OmegaConf.to_yaml(config))
    return handle


def _essence(config: DictConfig) -> dict:
    """What makes a sweep the same sweep: all but where, when, how long and by which launcher it runs."""
    plain = as_dict(config, resolve=False)
    sweeper = {k: v for k, v in plain.pop("hydra")["sweeper"].items() if k in ("params", "startup", "seed")}
    for key in NO_SETTINGS_OF_RUNS:
        plain.pop(key, None)  # old records lack some
    return plain | {"hydra": {"sweeper": sweeper}}


def _varied(config: DictConfig) -> str:
    """What the command line of a sweep varies: 'seed=0,1', or 'seed by decide'."""
    words = config.hydra.overrides.task
    keys = swept(None, words)
    told = sorted(word for word in words if word.lstrip("+~").partition("=")[0] in keys)
    return " ".join([*told, "seed by decide"] if config.get("decide") is not None else told)
