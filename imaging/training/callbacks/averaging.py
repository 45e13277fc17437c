"""A moving average of the weights, which is what is validated, tested and used."""

import torch

from imaging.training.strategies import EveryStep


class WeightAveraging(EveryStep):
    """average <- d average + (1 - d) weights after each step, with d = min(decay, (1 + step)/(10 + step)).

    The small d of the first steps forgets the random start (as TensorFlow's `ExponentialMovingAverage` has
    it). A checkpoint's `state_dict` holds the average, which is the network; the weights that the optimiser
    goes on from lie beside it, as `training_weights`. Buffers are not averaged.

    Args:
        decay: in (0, 1), for example 0.999: the average then spans about the last thousand steps.
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.average: dict[str, torch.Tensor] = {}
        self._weights: dict[str, torch.Tensor] | None = None  # while the average is in their place

    def on_train_start(self, trainer, task) -> None:
        """Begin at the initial weights, or at the checkpoint's average, on the task's device."""
        known = self.average
        self.average = {
            name: known.get(name, parameter.detach()).to(parameter.device, copy=True)
            for name, parameter in task.named_parameters()
        }
        self._followed = list(task.parameters())

    @torch.no_grad()
    def after_step(self, trainer, task, outputs) -> None:
        step = trainer.global_step
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.average.values()), self._followed, 1 - decay)

    def on_validation_start(self, trainer, task) -> None:
        if trainer.state.fn == "fit":
            self.put_in(task)

    def on_validation_end(self, trainer, task) -> None:
        if trainer.state.fn == "fit":
            self.take_out(task)

    @torch.no_grad()
    def put_in(self, task) -> None:
        """The average in place of the weights, which are kept."""
        self._weights = {name: p.detach().clone() for name, p in task.named_parameters()}
        _copy(self.average, task)

    @torch.no_grad()
    def take_out(self, task) -> None:
        """The weights again."""
        _copy(self._weights, task)
        self._weights = None

    def on_save_checkpoint(self, trainer, task, checkpoint) -> None:
        weights = self._weights or {name: p.detach() for name, p in task.named_parameters()}
        checkpoint["training_weights"] = {name: weight.clone() for name, weight in weights.items()}
        checkpoint["state_dict"] |= {name: average.clone() for name, average in self.average.items()}

    @torch.no_grad()
    def on_load_checkpoint(self, trainer, task, checkpoint) -> None:
        names = checkpoint["training_weights"]
        self.average = {name: checkpoint["state_dict"][name].clone() for name in names}
        _copy(names, task)


def _copy(weights: dict[str, torch.Tensor], task) -> None:
    for name, parameter in task.named_parameters():
        parameter.copy_(weights[name])
