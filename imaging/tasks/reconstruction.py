"""The training and validation body that all tasks share."""

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor

from imaging.errors import ImagingError
from imaging.metrics import PSNR, psnr
from imaging.randomness import generator
from imaging.tasks import OPTIMIZERS, SCHEDULES


def as_float(image: Tensor) -> Tensor:
    """uint8 or float images as float32 in [0, 1], on the device where they are."""
    return image.float().div_(255) if image.dtype == torch.uint8 else image.float()


def training_steps(trainer: pl.Trainer) -> int:
    """How many optimiser steps a whole training has.

    Lightning's `estimated_stepping_batches` sets up the loaders. In `configure_optimizers` of a resumed run
    that is before their state is restored, which then never happens: the epoch would begin anew.
    """
    if trainer.datamodule is None:
        return int(trainer.estimated_stepping_batches)
    batches, limit = len(trainer.datamodule.train_dataloader()), trainer.limit_train_batches
    batches = min(batches, limit) if isinstance(limit, int) else int(batches * limit)
    steps = -(-batches // trainer.accumulate_grad_batches)
    limits = [trainer.max_steps] if trainer.max_steps != -1 else []
    limits += [trainer.max_epochs * steps] if trainer.max_epochs not in (None, -1) else []
    return min(limits)


class Reconstruction(pl.LightningModule):
    """Learn x_hat = f(y) from y = A x + n by mean squared error.

    Args:
        network: f, (N, C, H, W) to the same shape.
        physics: A and n; see `imaging.physics.measurement.Physics`.
        optimizer, schedule: `{name: …}` and settings, for `imaging.tasks.optimizers`.
        seed: the key from which all noise of the training is drawn.
    """

    def __init__(self, network, physics, optimizer: dict, schedule: dict, seed: int):
        super().__init__()
        self.network, self.physics = network, physics
        self.optimizer_config, self.schedule_config, self.seed = optimizer, schedule, seed
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
        random: torch.Generator,
        sigma: float | None = None,
        shard: tuple[int, int] = (0, 1),
    ) -> Tensor:
        """y = A x + n of clean images, all in the network's units; sigma None: as in training."""
        return self.physics(self.normalise(image), random, sigma, shard)

    def restore(self, y: Tensor) -> Tensor:
        """x_hat = f(y) in intensities, float32 whatever the training's precision."""
        with torch.autocast(y.device.type, enabled=False):
            return self.denormalise(self.network(y.float()))

    def numbers(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        """What this task tells of restored images beside PSNR and SSIM: values (N,) by name.

        Args:
            x_hat, x: restored and clean intensities, (N, C, H, W).
        """
        return {}

    def training_step(self, batch: dict, batch_idx: int) -> Tensor:
        x = as_float(batch["image"])
        random = generator(self.seed, "noise", self.current_epoch, batch_idx, device=self.device)
        y = self.measure(x, random, shard=(self.global_rank, self.trainer.world_size))
        x_hat = self.network(y)
        loss = F.mse_loss(x_hat.float(), self.normalise(x))
        if (self.global_step + 1) % self.trainer.log_every_n_steps == 0:
            self._log_training(loss, x_hat, y, x)
        return loss

    def _log_training(self, loss: Tensor, x_hat: Tensor, y: Tensor, x: Tensor) -> None:
        """The curves of this step, straight to the logger: `self.log` would cost something in every step."""
        with torch.no_grad():
            if not torch.isfinite(loss):
                rate = self.optimizer_config.get("lr")
                raise ImagingError(
                    f"the loss is {loss.item()} at step {self.global_step + 1}: choose a lower optimizer.lr "
                    f"(it is {rate}), or set trainer.gradient_clip_val"
                )
            values = {
                "train/loss": loss.item(),
                "train/psnr": psnr(self.denormalise(x_hat.float()), x).mean().item(),
                "train/psnr_input": psnr(self.denormalise(y), x).mean().item(),
                "train/lr": self.trainer.optimizers[0].param_groups[0]["lr"],
            }
        if self.trainer.world_size > 1:
            # Each rank has an equal share of the batch: the mean of their means is the batch's.
            shared = torch.tensor(list(values.values()), dtype=torch.float64, device=self.device)
            shared = self.trainer.strategy.reduce(shared, reduce_op="mean").tolist()
            values = dict(zip(values, shared, strict=True))
        self.latest = values
        if self.logger is not None:
            self.logger.log_metrics(values, step=self.global_step + 1)

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        x = as_float(batch["image"])
        y = self.validation_measurement(x, batch["id"])
        x_hat = self.restore(y)
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
        means = []
        for candidate in candidates:
            self.network.strength.fill_(candidate)
            values = [psnr(self.restore(self.validation_measurement(x, ids)), x) for x, ids in batches]
            means.append(torch.cat(values).mean().item())
        self.network.strength.fill_(candidates[means.index(max(means))])

    def validation_measurement(self, x: Tensor, ids: list[str]) -> Tensor:
        """Measurements whose noise depends on the image alone, so that every epoch meets the same."""
        sigma = self.physics.noise.typical_sigma
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
            board.add_image("clean | measured | restored", torch.cat(list(tiles), dim=2), self.global_step)

    def configure_optimizers(self):
        optimizer = OPTIMIZERS.build(self.optimizer_config, parameters=self.network.parameters())
        steps = training_steps(self.trainer)
        schedule = SCHEDULES.build(self.schedule_config, optimizer=optimizer, steps=steps)
        if schedule is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
