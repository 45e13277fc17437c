"""Loggers: TensorBoard, and the loggers that a config names in addition."""

import threading
from pathlib import Path

from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger

from imaging.errors import ImagingError
from imaging.registry import Registry

LOGGERS = Registry("logger", "imaging.training")


class Board(TensorBoardLogger):
    """TensorBoard's event file in `<run>/tensorboard`, without a copy of the config.

    Args:
        directory: of the run.
        step: at which the run resumes; TensorBoard drops the later points of an earlier attempt. None: a new
            run.
    """

    def __init__(self, directory: Path, step: int | None):
        threading.excepthook = _tell_thread
        purge_step = None if step is None else step + 1
        super().__init__(
            directory, name="", version="tensorboard", default_hp_metric=False, purge_step=purge_step
        )

    def save(self) -> None:
        self.experiment.flush()


def _tell_thread(failure: threading.ExceptHookArgs) -> None:
    """Print the traceback of a thread, but not of TensorBoard's writer, whose error `flush` raises again."""
    writes = "tensorboard" in type(failure.thread).__module__
    if not (writes and isinstance(failure.exc_value, OSError)):
        threading.__excepthook__(failure)


@LOGGERS.register("csv")
def csv(directory: Path, step: int | None) -> Logger:
    """`<run>/csv/from-step-<step>/metrics.csv`: a file for each step at which the run started or resumed."""
    return CSVLogger(directory, name="csv", version=f"from-step-{step or 0}")


@LOGGERS.register("wandb")
def wandb(directory: Path, step: int | None, project: str = "imaging", offline: bool = False) -> Logger:
    """Weights & Biases, in `<run>/wandb`, with the name of the run's directory.

    Args:
        directory: of the run.
        step: at which the run resumes; not used.
        project: in Weights & Biases.
        offline: only write files, to upload with `wandb sync` later.

    Raises:
        ImagingError: wandb is not installed.
    """
    from pytorch_lightning.loggers import WandbLogger

    try:
        return WandbLogger(name=directory.name, save_dir=directory, project=project, offline=offline)
    except ModuleNotFoundError:
        raise ImagingError("logger=wandb needs Weights & Biases: pip install wandb") from None
