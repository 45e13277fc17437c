"""The curves of a training: loss, PSNR and learning rate of steps, and a picture of each validation."""

import math

import torch

from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.training.strategies import EveryStep

# TensorBoard sorts by tag: the curves come first.
STRIP = "val/strip: clean | measured | restored"


class Curves(EveryStep):
    """Write `train/loss`, `train/psnr`, `train/psnr_input` and `train/lr` every `log_every_n_steps` steps.

    Straight to the loggers: the task's own `self.log` costs something in every step. `train/lr` is that of
    the next step. A logger that takes pictures gets one of each validation, too.

    Attributes:
        latest: the values that were written last.

    Raises:
        ImagingError: in training, the loss is no number.
    """

    def __init__(self):
        self.latest: dict[str, float] = {}

    def after_step(self, trainer, task, outputs) -> None:
        if trainer.global_step % trainer.log_every_n_steps:
            return
        with torch.no_grad():
            x = outputs["x"]
            images = (task.denormalise(outputs[name].float()) for name in ("x_hat", "y"))
            numbers = torch.stack([outputs["loss"], *(psnr(image, x).mean() for image in images)])
        # Each rank has an equal share of the batch: the mean of their means is the batch's.
        numbers = trainer.strategy.reduce(numbers, reduce_op="mean")
        # The one time that the host waits for the device.
        values = dict(zip(("train/loss", "train/psnr", "train/psnr_input"), numbers.tolist(), strict=True))
        (optimizer,) = trainer.optimizers
        values["train/lr"] = optimizer.param_groups[0]["lr"]
        if not math.isfinite(values["train/loss"]):
            raise ImagingError(
                f"the loss is {values['train/loss']} at step {trainer.global_step}: choose a lower "
                f"optimizer.lr (it is {optimizer.defaults['lr']}), or set trainer.gradient_clip_val"
            )
        self.latest = values
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)

    def on_validation_end(self, trainer, task) -> None:
        """Clean | measured | restored of the first validation image, its middle, at most 256 px square."""
        strip = task.strip
        height, width = strip.shape[-2:]
        top, left = max(0, (height - 256) // 2), max(0, (width - 256) // 2)
        tiles = strip[..., top : top + 256, left : left + 256].clamp(0, 1).cpu()
        for logger in trainer.loggers:
            if hasattr(logger.experiment, "add_image"):
                logger.experiment.add_image(STRIP, torch.cat(list(tiles), dim=2), trainer.global_step)
