"""The training and validation body that all tasks share."""

from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor

from imaging.errors import ImagingError
from imaging.metrics import PSNR, psnr
from imaging.models.network import complete
from imaging.precision import full_precision
from imaging.randomness import generator
from imaging.tasks import OPTIMIZERS, SCHEDULES
from imaging.tasks.losses import Loss


def as_float(image: Tensor) -> Tensor:
    """uint8 or float images as float32 in [0, 1], on the device where they are."""
    return image.float().div_(255) if image.dtype == torch.uint8 else image.float()


class Reconstruction(pl.LightningModule):
    """Learn x_hat = f(y) from y = A x + n.

    Args:
        network: f, (N, C, H, W) to the same shape; if it says that it `takes_sigma`, with that of the noise,
            (N, 1, 1, 1), as its second argument.
        physics: A and n; see `imaging.physics.measurement.Physics`.
        optimizer, schedule: `{name: …}` and settings, for `imaging.tasks.optimizers`.
        seed: the key from which all noise of the training is drawn.
        loss: what is minimised; see `imaging.tasks.losses`.

    Raises:
        ImagingError: a loss that divides by the noise, which may be 0.
    """

    network: Any  # a Module that is a `Network` too, and Python has no type for both

    def __init__(self, network, physics, optimizer: dict, schedule: dict, seed: int, loss: Loss):
        super().__init__()
        if loss.divides_by_sigma and not physics.noise.low > 0:
            raise ImagingError("this loss divides by sigma², and physics.noise.sigma reaches 0")
        self.network, self.physics = complete(network), physics
        self.loss, self.uses_sigma = loss, self.takes_sigma or loss.uses_sigma
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
        return self.network.takes_sigma

    def numbers(self, x_hat: Tensor, x: Tensor) -> dict[str, Tensor]:
        """What this task tells of restored images beside PSNR and SSIM: values (N,) by name.

        Args:
            x_hat, x: restored and clean intensities, (N, C, H, W).
        """
        return {}

    def on_fit_start(self) -> None:
        self.shard = self.global_rank, self.trainer.world_size

    def training_step(self, batch: dict, batch_idx: int) -> dict[str, Tensor]:
        """The loss of a batch of images (N, C, H, W), whose noise is drawn from (seed, epoch, batch) alone.

        Returns:
            `loss`, the clean images `x`, and in the network's units the measurements `y` and the estimates
            `x_hat`.
        """
        x = as_float(batch["image"])
        target, random = self.normalise(x), self._noise_generator(batch_idx)
        sigmas, sigma = self._sigmas(len(x), random)
        y = self.corrupt(target, random, sigmas, self.shard)
        x_hat = self.network(y, sigma) if self.takes_sigma else self.network(y)
        return {"loss": self.loss(x_hat.float(), target, sigma), "x": x, "y": y, "x_hat": x_hat}

    def _noise_generator(self, batch_idx: int) -> torch.Generator | None:
        if not self.uses_sigma and self.physics.noise.is_silent():
            return None  # a generator costs as much as a layer
        return generator(self.seed, "noise", self.current_epoch, batch_idx, device=self.device)

    def _sigmas(self, n: int, random: torch.Generator | None) -> tuple[Tensor | None, Tensor | None]:
        """The sigmas of the whole batch and of this rank's n images, if the network or the loss uses them."""
        if not self.uses_sigma:
            return None, None
        rank, world_size = self.shard
        sigmas = self.physics.noise.sample_sigma(n * world_size, random)
        return sigmas, sigmas[rank::world_size]

    def configure_gradient_clipping(self, optimizer, gradient_clip_val=None, gradient_clip_algorithm=None):
        """Limit the norm of all gradients together; Lightning's refuses fused optimisers under autocast."""
        if gradient_clip_val is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)

    def validation_step(self, batch: dict, batch_idx: int) -> None:
        x = as_float(batch["image"])
        y = self.validation_measurement(x, batch["id"])
        x_hat = self.restore(y, self.physics.noise.typical_sigma)
        self.val_psnr.update(x_hat, x)
        self.val_psnr_input.update(self.denormalise(y), x)
        self.log_dict({"val/psnr": self.val_psnr, "val/psnr_input": self.val_psnr_input})
        if batch_idx == 0:
            # Of the first image: clean, measured, restored.
            self.strip = torch.stack([x[0], self.denormalise(y)[0], x_hat[0]])

    @torch.no_grad()
    def choose_strength(self, batches) -> None:
        """Set the one number of a classical method to the candidate of the highest PSNR; else do nothing.

        Args:
            batches: of validation, `{"image": …, "id": …}`; measured with the training's typical noise.
        """
        candidates = self.network.candidates
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
        # "step" is what Lightning draws the others against: the optimiser's steps, not the batches seen.
        self.log("step", float(self.global_step))

    def configure_optimizers(self) -> OptimizerLRScheduler:
        steps = self.trainer.estimated_stepping_batches
        optimizer = OPTIMIZERS.build(self.optimizer_config, parameters=self.network.parameters())
        schedule = SCHEDULES.build(self.schedule_config, optimizer=optimizer, steps=steps)
        if schedule is None:
            return {"optimizer": optimizer}
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
