"""The curves of a training: loss, PSNR and learning rate, and an image of each validation."""

import math

import torch

from imaging.errors import ImagingError
from imaging.metrics import psnr
from imaging.training.strategies import EveryStep

# TensorBoard sorts by tag: the curves come first.
STRIPS = {3: "val/strip: clean | measured | restored", 2: "val/strip: measured | restored"}


class Curves(EveryStep):
    """Log `train/loss`, `train/psnr`, `train/psnr_input` and `train/lr` every `log_every_n_steps` steps.

    Without clean images there are no `train/psnr` and `train/psnr_input`. Directly to the loggers, because
    the task's `self.log` takes time in every step. `train/lr` is the rate of the next step. Loggers that
    accept images get one at each validation.

    Attributes:
        latest: the last values.

    Raises:
        ImagingError: in training, if the loss is not finite.
    """

    def __init__(self):
        self.latest: dict[str, float] = {}

    def after_step(self, trainer, task, outputs) -> None:
        if trainer.global_step % trainer.log_every_n_steps:
            return
        names, numbers = ["train/loss"], [outputs["loss"].detach()]
        if outputs["x"] is not None:
            with torch.no_grad():
                operator = outputs.get("operator", task.physics.operator)
                images = (
                    outputs["x"],
                    task.denormalise(outputs["x_hat"].float()),
                    task.preview(outputs["y"].float(), operator),
                )
                x, x_hat, measured = map(operator.visible, images)
                numbers += [psnr(x_hat, x).mean(), psnr(measured, x).mean()]
            names += ["train/psnr", "train/psnr_input"]
        # The ranks have equal shares of the batch, so the mean of their means is the batch's.
        means = trainer.strategy.reduce(torch.stack(numbers), reduce_op="mean")
        # Only `tolist` synchronises the host with the device.
        values = dict(zip(names, means.tolist(), strict=True))
        (optimizer,) = trainer.optimizers
        values["train/lr"] = optimizer.param_groups[0]["lr"]
        if not math.isfinite(values["train/loss"]):
            raise ImagingError(
                f"the loss is {values['train/loss']} at step {trainer.global_step}: choose a lower "
                f"optimizer.lr (it is {optimizer.defaults['lr']}), set trainer.gradient_clip_val, or look "
                "for values that are not finite in a network, noise or operator of your own"
            )
        self.latest = values
        for logger in trainer.loggers:
            logger.log_metrics(values, step=trainer.global_step)

    def on_validation_end(self, trainer, task) -> None:
        """Log clean | measured | restored, or the last two: the first validation image, its middle 256×256
        pixels.
        """
        strip = task.strip
        height, width = strip.shape[-2:]
        top, left = max(0, (height - 256) // 2), max(0, (width - 256) // 2)
        tiles = strip[..., top : top + 256, left : left + 256].nan_to_num().clamp(0, 1).cpu()
        for logger in trainer.loggers:
            if hasattr(logger.experiment, "add_image"):
                logger.experiment.add_image(
                    STRIPS[len(tiles)], torch.cat(list(tiles), dim=2), trainer.global_step
                )
