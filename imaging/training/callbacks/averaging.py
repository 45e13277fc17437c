"""A moving average of the weights, for validation, test and use."""

import torch

from imaging.training.strategies import EveryStep


class WeightAveraging(EveryStep):
    """average <- d average + (1 - d) weights after each step, with d = min(decay, (1 + step)/(10 + step)).

    The small d of the first steps forgets the initial weights, as in TensorFlow's
    `ExponentialMovingAverage`. A checkpoint's `state_dict` has the average; its `training_weights` are the
    weights from which the optimiser resumes. Buffers are not averaged.

    Args:
        decay: in (0, 1), for example 0.999 for an average over about the last thousand steps.
    """

    def __init__(self, decay: float):
        self.decay = decay
        self.average: dict[str, torch.Tensor] = {}
        self._weights: dict[str, torch.Tensor] | None = None  # while the task has the average

    def on_train_start(self, trainer, task) -> None:
        """Start from the initial weights, or from the checkpoint's average, on the task's device."""
        self.average = {
            name: self.average.get(name, parameter.detach()).to(parameter.device, copy=True)
            for name, parameter in task.named_parameters()
        }
        self._parameters = list(task.parameters())

    @torch.no_grad()
    def after_step(self, trainer, task, outputs) -> None:
        step = trainer.global_step
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(self.average.values()), self._parameters, 1 - decay)

    def on_validation_start(self, trainer, task) -> None:
        if trainer.state.fn == "fit":
            self.use_average(task)

    def on_validation_end(self, trainer, task) -> None:
        if trainer.state.fn == "fit":
            _copy(self._weights, task)
            self._weights = None

    def use_average(self, task) -> None:
        """Save the weights, and replace them by the average."""
        self._weights = {name: p.detach().clone() for name, p in task.named_parameters()}
        _copy(self.average, task)

    def on_save_checkpoint(self, trainer, task, checkpoint) -> None:
        weights = self._weights or {name: p.detach() for name, p in task.named_parameters()}
        checkpoint["training_weights"] = {name: weight.clone() for name, weight in weights.items()}
        checkpoint["state_dict"] |= {name: average.clone() for name, average in self.average.items()}

    def on_load_checkpoint(self, trainer, task, checkpoint) -> None:
        weights = checkpoint["training_weights"]
        self.average = {name: checkpoint["state_dict"][name].clone() for name in weights}
        _copy(weights, task)


@torch.no_grad()
def _copy(weights: dict[str, torch.Tensor], task) -> None:
    for name, parameter in task.named_parameters():
        parameter.copy_(weights[name])
