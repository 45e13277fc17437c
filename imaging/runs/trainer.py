"""The Lightning trainer of a run, from the settings of `conf/trainer`."""

import logging
import warnings

import pytorch_lightning as pl
import torch
from pytorch_lightning.loggers import TensorBoardLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from imaging.errors import ImagingError
from imaging.runs.checkpoints import AtomicCheckpointIO, Checkpoints, StoreConfig
from imaging.runs.progress import Bar, Status, progress_callback
from imaging.runs.run import Run
from imaging.runs.signals import SaveWhenAsked


class Board(TensorBoardLogger):
    """TensorBoard's event file in the run's `tensorboard/`, and no copy of the config beside it."""

    def __init__(self, run: Run):
        super().__init__(run.directory, name="", version="tensorboard", default_hp_metric=False)

    def save(self) -> None:
        self.experiment.flush()


PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


def default_device(accelerator: str) -> str:
    """The kind of device that 'auto' stands for here."""
    if accelerator == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return {"gpu": "cuda"}.get(accelerator, accelerator)


def choose_precision(precision: str, accelerator: str) -> str:
    """'auto' becomes bf16 where the device multiplies it in hardware, else float32.

    Raises:
        ImagingError: not one of auto, float32, bf16.
    """
    if precision in PRECISIONS:
        return precision
    if precision != "auto":
        raise ImagingError(f"trainer.precision is '{precision}'; expected auto, float32 or bf16")
    if default_device(accelerator) == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "float32"


def build_trainer(settings: dict, run: Run) -> pl.Trainer:
    """A trainer that logs, saves and stops in the ways of this project.

    Args:
        settings: the `trainer` group of the config.
        run: the run that it works for.

    Raises:
        ImagingError: a setting that is out of range, or that Lightning refuses on this machine.
    """
    settings = dict(settings)
    for key in ("log_every_n_steps", "val_check_interval", "checkpoint_every_n_steps"):
        if type(settings[key]) is not int or settings[key] < 1:
            raise ImagingError(f"trainer.{key} is {settings[key]!r}; expected a number of steps, at least 1")
    for key in ("max_epochs", "max_steps"):
        if type(settings[key]) is not int or settings[key] < -1:
            raise ImagingError(f"trainer.{key} is {settings[key]!r}; expected a whole number, -1: no limit")
    accelerator = settings["accelerator"]
    precision = choose_precision(settings.pop("precision"), accelerator)
    settings.pop("channels_last")
    settings.pop("compile")
    checkpoints = Checkpoints(run.checkpoints, settings.pop("checkpoint_every_n_steps"))
    progress = progress_callback()
    _quieten()
    own = {
        "precision": PRECISIONS[precision],
        "default_root_dir": run.directory,
        "logger": Board(run),
        "callbacks": [
            StoreConfig(run.config),
            checkpoints,
            SaveWhenAsked(checkpoints),
            Status(run),
            progress,
        ],
        "plugins": [AtomicCheckpointIO()],
        "check_val_every_n_epoch": None,  # validation comes at fixed steps, not at epochs' ends
        "enable_checkpointing": False,
        "enable_progress_bar": isinstance(progress, Bar),
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "use_distributed_sampler": False,
    }
    try:
        return pl.Trainer(**settings, **own)
    except (MisconfigurationException, ImportError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ImagingError(f"the trainer does not take these settings: {reason[:300]}") from error


def prepare_network(network: torch.nn.Module, settings: dict) -> None:
    """Memory layout and compilation; neither changes a key of the checkpoint."""
    if settings["channels_last"]:
        network.to(memory_format=torch.channels_last)
    if settings["compile"]:
        network.compile()


def _quieten() -> None:
    """Lightning's advertisements and the hints that do not hold for in-memory data; each by its own text."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    for hint in (
        ".*does not have many workers.*",
        ".*isinstance.treespec, LeafSpec.*is deprecated.*",
        ".*is smaller than the logging interval.*",  # the curves are written by global step here
    ):
        warnings.filterwarnings("ignore", hint)


def fit(trainer: pl.Trainer, task: pl.LightningModule, data: pl.LightningDataModule, run: Run) -> dict:
    """Train from the run's last checkpoint, or from the start; then validate.

    A network without parameters, such as a Wiener filter, is only saved.

    Returns:
        the final validation numbers by flat names.
    """
    settings = run.config["trainer"]
    parameters = sum(p.numel() for p in task.network.parameters())
    precision = choose_precision(settings["precision"], settings["accelerator"])
    device = trainer.strategy.root_device
    print(f"{run.directory}\n{run.config['model']['name']}, {parameters:,} parameters, {device}, {precision}")
    prepare_network(task.network, settings)
    if parameters:
        trainer.fit(task, datamodule=data, ckpt_path=run.last_checkpoint)
    else:
        state = {"state_dict": task.state_dict(), "config": run.config}
        AtomicCheckpointIO().save_checkpoint(state, run.checkpoints / "last.ckpt")
    trainer.validate(task, datamodule=data, verbose=False)
    task.to(device)
    return {name: float(value) for name, value in trainer.callback_metrics.items()}
