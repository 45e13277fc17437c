"""Start or resume a sweep in its directory."""

from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from imaging.errors import ImagingError
from imaging.files import write_text
from imaging.runs.config import as_dict, at_places
from imaging.runs.lock import lock
from imaging.runs.names import resolve_directories, swept_keys
from imaging.runs.overrides import COMMAND_SETTINGS
from imaging.runs.record import SWEEP_RECORD, read_record
from imaging.runs.resume import in_this_process, refuse_changes, refuse_chdir, refuse_devices
from imaging.sweeps.decide import check_decide

IDENTITY = ("params", "startup", "seed", "storage")  # of a search, among the settings of its sweeper


def check_sweep(config: DictConfig) -> None:
    """Check a sweep before it starts or goes on, and resolve the interpolations in its directories in place.

    Args:
        config: the composed config of a multirun, including `hydra`.

    Raises:
        ImagingError: `resume` is not a sweep, or the sweep has other settings, or another number of looks at
            its intervals; jobs in this process have more than one device; `decide` is not possible.
    """
    check_decide(config)
    refuse_chdir(config.hydra)
    if in_this_process(config.hydra):
        refuse_devices(config.trainer.devices, 1)
    directory = Path(config.hydra.sweep.dir)
    resolve_directories(config)
    if is_worker(config) and config.resume is None:
        raise ImagingError("hydra.sweeper.worker=true needs resume=<directory of the search>")
    if config.resume is None:
        return
    if not (directory / SWEEP_RECORD).is_file():
        raise ImagingError(f"{directory} is not a sweep directory: it has no {SWEEP_RECORD}")
    before = read_record(directory)
    saved, now = _varied(before), _varied(config)
    if saved != now:
        raise ImagingError(
            f"{directory} varies {saved or 'what its sweep file says'}, this command varies "
            f"{now or 'what its sweep file says'}: resume with the saved settings, or start a new sweep"
        )
    identity = _identity(config)
    refuse_changes(directory, at_places(_identity(before), identity), identity)
    saved, now = before.get("decide_max_seeds"), config.decide_max_seeds
    if config.decide is not None and now != saved:
        raise ImagingError(
            f"{directory} has decide_max_seeds={saved}, which sets the level of its intervals: "
            f"resume with it, or start a new sweep with decide_max_seeds={now}"
        )


def begin_sweep(config: DictConfig) -> int | None:
    """Create the directory of a new sweep, or lock the directory of a resumed one.

    Args:
        config: as `check_sweep` has left it.

    Returns:
        the lock of the directory, for `imaging.runs.lock.unlock`; a worker of a search has none.
    """
    if is_worker(config):
        return None
    directory = Path(config.hydra.sweep.dir)
    directory.mkdir(parents=True, exist_ok=True)
    handle = lock(directory)
    write_text(directory / SWEEP_RECORD, OmegaConf.to_yaml(config))
    return handle


def is_worker(config: DictConfig) -> bool:
    """Whether the process works on a search that belongs to another one."""
    return bool(config.hydra.sweeper.get("worker"))


def _identity(config: DictConfig) -> dict:
    """The settings that identify a sweep: all but its directory, launcher and length."""
    plain = as_dict(config, resolve=False)
    sweeper = {k: v for k, v in plain.pop("hydra")["sweeper"].items() if k in IDENTITY}
    for key in COMMAND_SETTINGS:
        plain.pop(key, None)  # old records lack some
    return plain | {"hydra": {"sweeper": sweeper}}


def _varied(config: DictConfig) -> str:
    """The overrides that vary a setting on a sweep's command line: 'seed=0,1', or 'seed by decide'."""
    words = config.hydra.overrides.task
    keys = swept_keys(None, words)
    varied = sorted(word.lstrip("+") for word in words if word.lstrip("+~").partition("=")[0] in keys)
    return " ".join([*varied, "seed by decide"] if config.get("decide") is not None else varied)
