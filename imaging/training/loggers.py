"""Where the curves of a training go: TensorBoard's event file, and what a config names beside it."""

from pathlib import Path

from pytorch_lightning.loggers import CSVLogger, Logger, TensorBoardLogger

from imaging.errors import ImagingError
from imaging.registry import Registry

LOGGERS = Registry("logger", "imaging.training")


class Board(TensorBoardLogger):
    """TensorBoard's event file in `<run>/tensorboard`, and no copy of the config beside it.

    Args:
        directory: of the run.
        step: at which it goes on, and after which TensorBoard drops what an earlier attempt has drawn;
            None: it begins.
    """

    def __init__(self, directory: Path, step: int | None):
        purge_step = None if step is None else step + 1
        super().__init__(
            directory, name="", version="tensorboard", default_hp_metric=False, purge_step=purge_step
        )

    def save(self) -> None:
        self.experiment.flush()


@LOGGERS.register("csv")
def csv(directory: Path, step: int | None) -> Logger:
    """`<run>/csv/from-step-<step>/metrics.csv`: a file for each step at which the run began or went on."""
    return CSVLogger(directory, name="csv", version=f"from-step-{step or 0}")


@LOGGERS.register("wandb")
def wandb(directory: Path, step: int | None, project: str = "imaging", offline: bool = False) -> Logger:
    """Weights & Biases, in `<run>/wandb`; the run's name there is that of its directory.

    Args:
        project: there.
        offline: only write files, which `wandb sync` uploads later.
    """
    from pytorch_lightning.loggers import WandbLogger

    try:
        return WandbLogger(name=directory.name, save_dir=directory, project=project, offline=offline)
    except ModuleNotFoundError:
        raise ImagingError("logger=wandb needs Weights & Biases: pip install wandb") from None
