"""The Lightning trainer of a run, built from the settings of `conf/trainer`."""

import logging
import sys
import warnings
from pathlib import Path

import pytorch_lightning as pl
import torch
from pytorch_lightning.plugins.environments import SLURMEnvironment
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from imaging.errors import ImagingError
from imaging.precision import is_bf16_fast
from imaging.runs.checkpoints import LAST, AtomicCheckpointIO, newest_checkpoint
from imaging.runs.run import Run
from imaging.tasks.reconstruction import Reconstruction
from imaging.training.callbacks import CALLBACKS
from imaging.training.callbacks.averaging import WeightAveraging
from imaging.training.callbacks.checkpoints import Checkpoints, PlainCheckpoints, check_finite
from imaging.training.callbacks.curves import Curves
from imaging.training.callbacks.progress import Status, progress_callback
from imaging.training.callbacks.pruning import pruning
from imaging.training.callbacks.signals import SaveAndStop
from imaging.training.lightning import stop_after
from imaging.training.loggers import LOGGERS, Board
from imaging.training.settings import TrainerSettings
from imaging.training.strategies import EveryStep, choose_strategy

PRECISIONS = {"float32": "32-true", "bf16": "bf16-mixed"}


def default_device(accelerator: str) -> str:
    """The name in torch of an accelerator of `pl.Trainer`; 'auto' is cuda if available, else cpu."""
    if accelerator == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return {"gpu": "cuda"}.get(accelerator, accelerator)


def refuse_mps(accelerator: str) -> None:
    """Raise an ImagingError for Apple's GPUs, which 'auto' does not choose."""
    if accelerator == "mps":
        raise ImagingError(
            "accelerator=mps cannot train or test: metrics are float64, which Apple's GPUs do not compute; "
            "choose cpu"
        )


def device_of(accelerator: str) -> torch.device:
    """The torch device of an accelerator or device name, e.g. "auto", "cpu" or "cuda:1".

    Raises:
        ImagingError: the device is unknown or not available.
    """
    try:
        device = torch.device(default_device(accelerator))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError) as error:
        reason = str(error).splitlines()[0][:100]
        raise ImagingError(
            f"there is no device {accelerator!r} here ({reason}): choose auto or cpu"
        ) from None
    return device


def choose_precision(precision: str, accelerator: str) -> str:
    """Replace the precision 'auto' by bf16 if it is faster on the device, else by float32."""
    if precision != "auto":
        return precision
    if default_device(accelerator) == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    return "bf16" if is_bf16_fast() else "float32"


def block_note(callback: pl.Callback) -> str:
    """A line for the user if a callback of theirs has a hook that runs once per block; else ''."""
    own = type(callback).on_train_batch_end is not pl.Callback.on_train_batch_end
    if not own or isinstance(callback, EveryStep):
        return ""
    return (
        f"{type(callback).__name__}.on_train_batch_end runs once for a block of steps; for every step derive "
        "it from imaging.training.strategies.EveryStep\n"
    )


def build_trainer(settings: dict, run: Run) -> tuple[pl.Trainer, Path | None]:
    """Build the trainer of a run, with its callbacks and loggers, and find the checkpoint to resume from.

    Args:
        settings: the `trainer` group of the config.
        run: the run, whose directory has the checkpoints.

    Returns:
        The trainer, and the path of the checkpoint or None.

    Raises:
        ImagingError: a setting that is out of range or that Lightning rejects on this machine; no checkpoint
            is readable.
    """
    _quieten()
    own, others = TrainerSettings.of(settings)
    refuse_mps(own.accelerator)
    device = default_device(own.accelerator)
    checkpoints = Checkpoints(run.checkpoints, own.checkpoint_every_n_steps, own.checkpoint_every_seconds)
    curves, stopping = Curves(), SaveAndStop(run.interrupts, checkpoints, own.time_limit)
    chosen = [CALLBACKS.build(callback) for callback in run.config.get("callbacks", {}).values()]
    if run.writes:
        print(*map(block_note, chosen), sep="", end="", file=sys.stderr)
    callbacks = [
        curves,
        *([WeightAveraging(own.weight_averaging)] if own.weight_averaging else []),  # before `checkpoints`
        PlainCheckpoints(run.config),
        Status(run),  # before `checkpoints`, so that the status has every validation of a checkpoint
        *chosen,  # before `checkpoints`, so that these have their state after the step or the validation
        checkpoints,
        *pruning(run, own),
        stopping,
        *([progress_callback(curves)] if run.writes else []),
    ]
    several = own.strategy == "ddp" or others.get("num_nodes", 1) > 1
    plugins: list = [AtomicCheckpointIO()]
    if SLURMEnvironment.detect():
        # By default Lightning saves inside the signal handler, and requeues the job itself.
        plugins.append(SLURMEnvironment(auto_requeue=False))
    start, checkpoint = newest_checkpoint(run.checkpoints)
    checkpoints.intact = start is None or start.name == LAST
    place = {"directory": run.directory, "step": checkpoint.get("global_step")}
    own_loggers = run.config.get("logger", {}).values() if run.writes else []
    loggers = [Board(**place), *(LOGGERS.build(logger, **place) for logger in own_loggers)]
    names = ("devices", "deterministic", "max_epochs", "max_steps", "log_every_n_steps", "val_check_interval")
    fixed = {name: getattr(own, name) for name in names} | {
        "accelerator": device,
        "benchmark": own.benchmark and not own.deterministic,
        "precision": PRECISIONS[choose_precision(own.precision, device)],
        "check_val_every_n_epoch": None,  # validate at fixed steps, not at the end of epochs
        "default_root_dir": run.directory,
        "logger": loggers,
        "callbacks": callbacks,
        "plugins": plugins,
        "enable_checkpointing": False,
        "enable_progress_bar": False,  # it would count blocks
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "use_distributed_sampler": False,
    }
    try:
        strategy = choose_strategy(
            device,
            own.devices,
            several,
            clip=own.gradient_clip_val,
            pauses=(own.checkpoint_every_n_steps,),
            should_stop=stopping.is_due,
            validation_pause=own.val_every_seconds,
            compiled=bool(own.compile),
        )
        return pl.Trainer(**others, **fixed, strategy=strategy), start
    except (MisconfigurationException, ImportError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ImagingError(f"the trainer does not accept these settings: {reason[:300]}") from error


def prepare_network(
    network: torch.nn.Module, channels_last: bool, compile: bool | str = False, device: str = "cpu"
) -> None:
    """Set the memory format and compile a network, in place; neither changes the keys of its state_dict.

    Args:
        network: on any device.
        channels_last: whether to use the channels_last memory format.
        compile: whether to compile, or a mode of `torch.compile`; True is 'reduce-overhead' on a GPU, which
            records CUDA graphs, and 'default' on other devices.
        device: the type of the device on which the network will run.
    """
    if channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if compile is True:
        compile = "reduce-overhead" if device == "cuda" else "default"
    if compile:
        network.compile(mode=compile)


def _quieten() -> None:
    """Silence Lightning's advertisements, and its hints that do not apply here."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    for hint in (
        ".*does not have many workers.*",
        ".*isinstance.treespec, LeafSpec.*is deprecated.*",
        ".*is smaller than the logging interval.*",  # the curves are logged by global step
        ".*The .srun. command is available on your system.*",  # on a login node
        ".*It is recommended to use .self.log.*sync_dist=True.*",  # every rank validates all images
        ".*Total length of .DataLoader. across ranks is zero.*",  # data.validation_images=0
    ):
        warnings.filterwarnings("ignore", hint)


def fit(trainer: pl.Trainer, task: Reconstruction, data, run: Run, start: Path | None) -> dict:
    """Train a task, then validate it.

    A network without parameters, such as a Wiener filter, is not trained: its strength is chosen and saved.

    Args:
        trainer: from `build_trainer`.
        task: the task.
        data: an `imaging.data.module.ImageData`.
        run: the run.
        start: the checkpoint to resume from; None: train from the beginning.

    Returns:
        The final validation metrics by name.

    Raises:
        ImagingError: the loss or the weights are not finite.
    """
    settings, _ = TrainerSettings.of(run.config["trainer"])
    parameters = sum(p.numel() for p in task.network.parameters() if p.requires_grad)
    device = trainer.strategy.root_device
    if run.writes:
        precision = {v: k for k, v in PRECISIONS.items()}[trainer.precision]
        name = run.config["model"]["name"]
        print(f"{run.directory}\n{name}, {parameters:,} parameters, {device}, {precision}", flush=True)
    prepare_network(task.network, settings.channels_last, settings.compile, device.type)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32; evaluation turns it off
    if parameters:
        _set_length(trainer, settings, data, run.writes)
        trainer.fit(task, datamodule=data, ckpt_path=start)
        check_finite(task)
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, WeightAveraging):
                callback.use_average(task)
    else:
        task.to(device).choose_strength(data.val_dataloader())  # on each rank, since all of them validate
        if run.writes:
            state = {"state_dict": task.state_dict(), "config": run.config}
            AtomicCheckpointIO().save_checkpoint(state, run.checkpoints / LAST)
    trainer.validate(task, datamodule=data, verbose=False)
    task.to(device)
    return {name: float(value) for name, value in trainer.callback_metrics.items() if name != "step"}


def free_device(task: Reconstruction) -> None:
    """Move a task to the CPU, and give the memory of its GPU back to other processes."""
    task.cpu()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _set_length(trainer: pl.Trainer, settings: TrainerSettings, data, writes: bool) -> None:
    """Stop at the smaller of max_steps and max_epochs; print a notice if max_epochs ends before max_steps."""
    data.prepare_data()
    data.setup("fit")
    limits = {"max_steps": settings.max_steps} if settings.max_steps != -1 else {}
    if settings.max_epochs != -1:
        limits["max_epochs"] = settings.max_epochs * data.steps_per_epoch(trainer.world_size)
    steps = min(limits.values())
    stop_after(trainer, steps)
    if writes and 0 < steps < limits.get("max_steps", steps):
        print(
            f"trainer.max_epochs={settings.max_epochs} ends the training after {steps} steps, before "
            f"trainer.max_steps={settings.max_steps}; to use max_steps, set trainer.max_epochs=-1",
            flush=True,
        )
