"""The training and validation body that all tasks share."""

import math
import sys
from collections.abc import Callable

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.errors import ImagingError
from imaging.metrics import PSNR, psnr
from imaging.precision import full_precision
from imaging.randomness import generator
from imaging.registry import closest
from imaging.tasks import OPTIMIZERS, SCHEDULES


def as_float(image: Tensor) -> Tensor:
    """uint8 or float images as float32 in [0, 1], on the device where they are."""
    return image.float().div_(255) if image.dtype == torch.uint8 else image.float()


def _log_mse(x_hat: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    error = (x_hat - x).square().flatten(1).mean(dim=1)
    return torch.log10(error + 1e-8).mean()  # a tenth of the negative PSNR; a patch may be restored wholly


# From x_hat, x (N, C, H, W) in the network's units and, for the one that uses it, sigma (N, 1, 1, 1). The
# last two let each noise level of a range have its say; the plain error is mostly that of the strongest.
LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "mse": lambda x_hat, x, sigma: F.mse_loss(x_hat, x),
    "mse_over_variance": lambda x_hat, x, sigma: ((x_hat - x) / sigma).square().mean(),
    "log_mse": _log_mse,
}


class Reconstruction(pl.LightningModule):
    """Learn x_hat = f(y) from y = A x + n.

    Args:
        network: f, (N, C, H, W) to the same shape; if it says that it `takes_sigma`, with that of the noise,
            (N, 1, 1, 1), as its second argument.
        physics: A and n; see `imaging.physics.measurement.Physics`.
        optimizer, schedule: `{name: …}` and settings, for `imaging.tasks.optimizers`.
        seed: the key from which all noise of the training is drawn.
        loss: a name of `LOSSES`.

    Raises:
        ImagingError: an unknown loss, or one for which noise of sigma 0 is too little.
    """

    def __init__(self, network, physics, optimizer: dict, schedule: dict, seed: int, loss: str = "mse"):
        super().__init__()
        if loss not in LOSSES:
            known = ", ".join(LOSSES)
            raise ImagingError(f"task.loss is {loss!r}{closest(loss, LOSSES)}; there are: {known}")
        if loss == "mse_over_variance" and not physics.noise.low > 0:
            raise ImagingError(f"task.loss={loss} divides by sigma², and physics.noise.sigma reaches 0")
        self.network, self.physics = network, physics
        self.loss, self.uses_sigma = LOSSES[loss], self.takes_sigma or loss == "mse_over_variance"
        self.optimizer_config, self.schedule_config, self.seed = optimizer, schedule, seed
        self.automatic_optimization = False
        self.gradient_clip_val: float | None = None  # Lightning clips only in its own optimisation
        # What callbacks put in at a training's start: called after each step; whether to end a block early.
        self.after_step: list[Callable[[], None]] = []
        self.leave_block: Callable[[], bool] = lambda: False
        # One Metric for the estimate and one for the measurement itself, the baseline to beat.
        self.val_psnr, self.val_psnr_input = PSNR(), PSNR()

    def normalise(self, image: Tensor) -> Tensor:
        """From intensities in [0, 1] to the units in which the network works."""
        return image

    def denormalise(self, x: Tensor) -> Tensor:
        """The inverse of `normalise`."""
        return x

    def measure(
        self,
        image: Tensor,
        random: torch.Generator | Tensor | None,
        sigma: float | Tensor | None = None,
        shard: tuple[int, int] = (0, 1),
    ) -> Tensor:
        """y = A x + n of clean images, all in the network's units; sigma None: as in training."""
        return self.corrupt(self.normalise(image), random, sigma, shard)

    def corrupt(
        self,
        x: Tensor,
        random: torch.Generator | Tensor | None,
        sigma: float | Tensor | None = None,
        shard: tuple[int, int] = (0, 1),
    ) -> Tensor:
        """y = A x + n of x in the network's units; sigma None: as in training."""
        return self.physics(x, random, sigma, shard)

    def restore(self, y: Tensor, sigma: float | None = None) -> Tensor:
        """x_hat = f(y) in intensities, float32 whatever the training's precision.

        Args:
            y: (N, C, H, W) in the network's units.
            sigma: of its noise; only a network that `takes_sigma` needs it.

        Raises:
            ImagingError: it needs it, and there is none.
        """
        if self.takes_sigma and sigma is None:
            raise ImagingError("this network needs the standard deviation of the noise: give sigma=…")
        told = (torch.full((len(y), 1, 1, 1), sigma, device=y.device),) if self.takes_sigma else ()
        with full_precision(y.device):
            # Not its __call__: what is compiled for patches would be compiled anew for each image size.
            return self.denormalise(self.network.forward(y.float(), *told))

    @property
    def takes_sigma(self) -> bool:
        return getattr(self.network, "takes_sigma", False)

    def numbers(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        """What this task tells of restored images beside PSNR and SSIM: values (N,) by name.

        Args:
            x_hat, x: restored and clean intensities, (N, C, H, W).
        """
        return {}

    def on_fit_start(self) -> None:
        self.after_step, self.leave_block = [], lambda: False
        self.shard = self.global_rank, self.trainer.world_size

    def training_step(self, block: dict, batch_idx: int) -> None:
        """The optimiser steps of a block: images (K, N, C, H, W).

        Lightning's loop and hooks take some milliseconds, many times a small network's step; here they come
        once a block. Nothing of a run depends on where its blocks begin and end.
        """
        trainer, optimizer, schedule = self.trainer, self.optimizers().optimizer, self.lr_schedulers()
        forward, parameters = trainer.precision_plugin.forward_context, list(self.network.parameters())
        # Several processes must be told of each backward pass.
        backward = Tensor.backward if trainer.world_size == 1 else self.manual_backward
        progress = trainer.fit_loop.epoch_loop.manual_optimization.optim_step_progress
        with torch.autocast(self.device.type, enabled=False):  # for what is not the forward pass
            for image in block["image"]:
                with forward():
                    loss, x_hat, y, x = self._forward(image, progress.total.completed)
                torch.clear_autocast_cache()  # of these weights in lower precision; the next are others
                for parameter in parameters:
                    parameter.grad = None
                backward(loss)
                if self.gradient_clip_val is not None:
                    torch.nn.utils.clip_grad_norm_(parameters, self.gradient_clip_val)
                optimizer.step()
                # `global_step`. Lightning counts what goes through its wrapper, which costs as much again.
                progress.increment_ready()
                progress.increment_completed()
                if progress.total.completed % trainer.log_every_n_steps == 0:
                    self._log_training(loss, x_hat, y, x)
                if schedule is not None:
                    schedule.step()
                for watch in self.after_step:
                    watch()
                if self.leave_block():
                    return

    def _forward(self, image: Tensor, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Loss, estimate, measurement and clean images of one step; `image` (N, C, H, W)."""
        random = sigmas = sigma = None
        if self.uses_sigma or not self.physics.noise.is_silent():  # a generator costs as much as a layer
            random = generator(self.seed, "noise", *divmod(step, self.steps_per_epoch), device=self.device)
        x = as_float(image)
        target = self.normalise(x)
        if self.uses_sigma:
            rank, world_size = self.shard
            sigmas = self.physics.noise.sample_sigma(len(x) * world_size, random)
            sigma = sigmas[rank::world_size]
        y = self.corrupt(target, random, sigmas, self.shard)
        x_hat = self.network(y, sigma) if self.takes_sigma else self.network(y)
        return self.loss(x_hat.float(), target, sigma), x_hat, y, x

    def on_train_batch_end(self, outputs, batch, batch_idx) -> None:
        """Let Lightning, which counts blocks, validate after the steps that its `val_check_interval` says."""
        interval = self.trainer.val_check_interval
        if isinstance(interval, int):
            self.trainer.val_check_batch = 1 if self.global_step % interval == 0 else sys.maxsize

    def on_load_checkpoint(self, checkpoint: dict) -> None:
        """Go on at the checkpoint's step: the data are a function of it, not of what a loop remembers."""
        checkpoint.pop("loops", None)
        step, loop = checkpoint["global_step"], self.trainer.fit_loop
        epoch = step // self.trainer.datamodule.steps_per_epoch(self.trainer.world_size)
        steps = loop.epoch_loop.manual_optimization.optim_step_progress.total
        steps.ready = steps.completed = step
        for epochs in (loop.epoch_progress.total, loop.epoch_progress.current):
            epochs.ready = epochs.started = epochs.processed = epochs.completed = epoch

    def _log_training(self, loss: Tensor, x_hat: Tensor, y: Tensor, x: Tensor) -> None:
        """The curves of this step, straight to the logger: `self.log` would cost something in every step."""
        with torch.no_grad():
            estimate, measurement = (psnr(self.denormalise(image.float()), x).mean() for image in (x_hat, y))
            numbers = torch.stack([loss, estimate, measurement]).double()
        if self.trainer.world_size > 1:
            # Each rank has an equal share of the batch: the mean of their means is the batch's.
            numbers = self.trainer.strategy.reduce(numbers, reduce_op="mean")
        # The one time that the host waits for the device.
        values = dict(zip(("train/loss", "train/psnr", "train/psnr_input"), numbers.tolist(), strict=True))
        values["train/lr"] = self.trainer.optimizers[0].param_groups[0]["lr"]
        if not math.isfinite(values["train/loss"]):
            rate = self.optimizer_config.get("lr")
            raise ImagingError(
                f"the loss is {values['train/loss']} at step {self.global_step}: choose a lower optimizer.lr "
                f"(it is {rate}), or set trainer.gradient_clip_val"
            )
        self.latest = values
        if self.logger is not None:
            self.logger.log_metrics(values, step=self.global_step)

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        x = as_float(batch["image"])
        y = self.validation_measurement(x, batch["id"])
        x_hat = self.restore(y, self.physics.noise.typical_sigma)
        self.val_psnr.update(x_hat, x)
        self.val_psnr_input.update(self.denormalise(y), x)
        if batch_idx == 0:
            self.strip = torch.stack([x[0], self.denormalise(y)[0], x_hat[0]])

    @torch.no_grad()
    def choose_strength(self, batches) -> None:
        """Set the one number of a classical method to the candidate of the highest PSNR; else do nothing.

        Args:
            batches: of validation, `{"image": …, "id": …}`; measured with the training's typical noise.
        """
        candidates = getattr(self.network, "candidates", ())
        batches = [(as_float(b["image"]), b["id"]) for b in batches] if candidates else []
        if not batches:
            return
        means, sigma = [], self.physics.noise.typical_sigma
        for candidate in candidates:
            self.network.strength.fill_(candidate)
            values = [psnr(self.restore(self.validation_measurement(x, ids), sigma), x) for x, ids in batches]
            means.append(torch.cat(values).mean().item())
        self.network.strength.fill_(candidates[means.index(max(means))])

    def validation_measurement(self, x: Tensor, ids: list[str]) -> Tensor:
        """Measurements whose noise depends on the image alone, so that every epoch meets the same."""
        sigma = self.physics.noise.typical_sigma
        if self.physics.noise.is_silent(sigma):
            return self.measure(x, generator("validation"), sigma)
        draw = [generator("validation", name) for name in ids]
        return torch.cat(
            [self.measure(x[i : i + 1].cpu(), draw[i], sigma).to(x.device) for i in range(len(ids))]
        )

    def on_validation_epoch_end(self) -> None:
        values = {"val/psnr": self.val_psnr.compute(), "val/psnr_input": self.val_psnr_input.compute()}
        self.val_psnr.reset()
        self.val_psnr_input.reset()
        # Lightning is told for the choice of the best checkpoint; they are written here, at the right step.
        self.log_dict(values, logger=False)
        if self.logger is not None:
            self.logger.log_metrics({k: v.item() for k, v in values.items()}, step=self.global_step)
            self._log_strip()

    def _log_strip(self) -> None:
        """Clean | measured | restored of the first validation image, its middle, at most 256 px square."""
        height, width = self.strip.shape[-2:]
        top, left = max(0, (height - 256) // 2), max(0, (width - 256) // 2)
        tiles = self.strip[..., top : top + 256, left : left + 256].clamp(0, 1).cpu()
        board = self.logger.experiment
        if hasattr(board, "add_image"):
            # TensorBoard sorts by tag: the curves come first.
            tag = "val/strip: clean | measured | restored"
            board.add_image(tag, torch.cat(list(tiles), dim=2), self.global_step)

    def configure_optimizers(self):
        trainer = self.trainer
        self.steps_per_epoch = trainer.datamodule.steps_per_epoch(trainer.world_size)
        limits = [trainer.max_steps] if trainer.max_steps != -1 else []
        limits += [trainer.max_epochs * self.steps_per_epoch] if trainer.max_epochs not in (None, -1) else []
        self.total_steps = min(limits)
        optimizer = OPTIMIZERS.build(self.optimizer_config, parameters=self.network.parameters())
        schedule = SCHEDULES.build(self.schedule_config, optimizer=optimizer, steps=self.total_steps)
        return [optimizer], [] if schedule is None else [schedule]
