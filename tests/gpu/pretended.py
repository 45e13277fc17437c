"""Run training, validation and restoring on a GPU that computes nothing: python pretended.py [faults].

The shared library of pretended_gpu.cpp must be preloaded. Tensors are fake: they have a shape, a dtype and a
device, cuda:0, and no values. So a tensor on the wrong device, and a step that asks for a value, for which it
would wait for the GPU, raise. Prints a JSON object: for each case "ok" or what was raised. With `faults` the
cases are those of `FAULTS`, planted in a training step of experiment=denoising.
"""

import gc
import json
import os
import sys

import torch
from hydra import compose, initialize_config_dir
from torch._subclasses.fake_tensor import FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode

from imaging.metrics import local_means, psnr, ssim
from imaging.physics.operators import random_blur
from imaging.physics.random_psf import random_psfs
from imaging.places import CONF
from imaging.randomness import generator
from imaging.runs.config import as_dict
from imaging.runs.names import register_resolvers
from imaging.runs.overrides import choose_noise
from imaging.tasks import OPTIMIZERS, build_task
from imaging.tasks.reconstruction import Reconstruction

GPU = torch.device("cuda:0")
# One for all cases, since constants are cached. An operation without a kernel for fake tensors is named.
MODE = FakeTensorMode(allow_fallback_kernels=False)
# The fused optimisers have no kernel for fake tensors, and would write where there is no memory.
FUSED = torch.library.Library("aten", "IMPL", "Meta")
for name in ("_fused_adam_", "_fused_adamw_", "_fused_sgd_"):
    for overload in (name, f"{name}.tensor_lr"):
        FUSED.impl(overload, lambda *arguments, **settings: None)


class Host(TorchDispatchMode):
    """What a GPU does and fake tensors do not.

    A generator of one device that draws numbers for another raises. A value of a tensor on the CPU is known;
    here it is 1.

    Args:
        waits: whether the host may wait for a value of the GPU.
    """

    def __init__(self, waits: bool):
        super().__init__()
        self.waits = waits

    def __torch_dispatch__(self, function, types, arguments=(), others=None):
        reads = function is torch.ops.aten._local_scalar_dense.default
        if reads and (self.waits or arguments[0].device.type == "cpu"):
            return 1.0 if arguments[0].dtype.is_floating_point else 1
        result = function(*arguments, **(others or {}))
        random = (others or {}).get("generator")
        if random is not None and random.device.type != result.device.type:
            raise RuntimeError(f"Expected a '{result.device.type}' device type for generator")
        return result


def move(module: torch.nn.Module) -> None:
    """Move a module's parameters and buffers to the GPU; `Module.to` cannot exchange fake tensors."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            if parameter is not None:
                part._parameters[name] = torch.nn.Parameter(torch.empty_like(parameter, device=GPU))
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = torch.empty_like(buffer, device=GPU)
        for name in getattr(part, "_defaults", ()):  # the state of a torchmetrics.Metric
            setattr(part, name, torch.empty_like(getattr(part, name), device=GPU))


def images(config: dict, n: int, side: int | None = None) -> torch.Tensor:
    """A batch of uint8 images as the data set of a config gives them."""
    data = config["data"]
    side = side or data["patch_size"] or 28
    return torch.empty(n, data["source"]["channels"], side, side, dtype=torch.uint8, device=GPU)


def step(task, config: dict) -> None:
    """Two optimiser steps as the fast loop takes them."""
    parameters = list(task.network.parameters())
    optimizer = OPTIMIZERS.build(config["optimizer"], parameters=parameters)
    for batch_idx in range(2):
        outputs = task.training_step({"image": images(config, 4)}, batch_idx)
        outputs["loss"].backward()
        task.configure_gradient_clipping(optimizer, 1.0)
        optimizer.step()
        optimizer.zero_grad()


def validate(task, config: dict) -> None:
    x = images(config, 2, config["data"]["test_patch_size"] or 64)
    task.validation_step({"image": x, "id": ["a", "b"]}, 0)


def restore(task, config: dict) -> None:
    """The test of an image, with its PSNR and SSIM, and the restoration of a batch."""
    x = images(config, 2, config["data"]["test_patch_size"] or 64).float().div_(255)
    with torch.no_grad():
        y = task.measure(x, generator("test"), task.physics.noise.typical_level)
        x_hat, seen = (task.physics.operator.visible(t) for t in (task.restore(y, task.typical_sigma), x))
        numbers = psnr(x_hat, seen), ssim(x_hat, seen, local_means(seen)), task.preview(y)
    assert {number.device for number in numbers} == {GPU}


PARTS = {"step": step, "validate": validate, "restore": restore}
TRAINED = [
    "denoising",
    "denoising optimizer=muon",
    "denoising trainer.precision=bf16",
    "denoising_best",
    "denoising_blind_best",
    "denoising noise=poisson",
    "denoising noise=poisson_gaussian",
    "deconvolution model=unet",
    "deconvolution model=wiener_unet",
    "deconvolution_best",
    "deconvolution_unet_best",
    "deconvolution_any_best",
    "deconvolution_best physics.operator.boundary=valid",
    "demosaicing",
    "inpainting",
    "inpainting_bundled",
    "single_pixel",
    "super_resolution",
]


def on_the_cpu(task):
    """A mask, a kernel or another constant that was forgotten on the CPU."""
    task.network.register_forward_pre_hook(lambda network, inputs: (inputs[0] * torch.ones(1, 1, 1, 1),))


def wrong_generator(task):
    """Numbers for a GPU from a generator of the CPU."""
    task.network.register_forward_pre_hook(
        lambda network, inputs: (
            inputs[0] + torch.randn(inputs[0].shape, device=GPU, generator=torch.Generator()),
        )
    )


def reads_a_value(task):
    """A host that waits for the device."""
    task.network.register_forward_pre_hook(lambda network, inputs: (inputs[0] * inputs[0].mean().item(),))


def boolean_index(task):
    """An index whose number of results only the device knows."""
    task.network.register_forward_pre_hook(
        lambda network, inputs: (inputs[0] + inputs[0][inputs[0] > 0].mean(),)
    )


def result_on_the_cpu(task):
    """A loss that is computed on the CPU."""
    task.network.register_forward_hook(lambda network, inputs, x_hat: x_hat.cpu())


FAULTS = {
    f.__name__: f for f in (on_the_cpu, wrong_generator, reads_a_value, boolean_index, result_on_the_cpu)
}


def run(words: str, part: str, fault: str | None = None) -> str:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        overrides = map(choose_noise, f"experiment={words}".split())
        config = as_dict(compose("train", list(overrides)))
    # Not by torch.autocast, which asks whether there is a GPU.
    torch.set_autocast_enabled("cuda", config["trainer"]["precision"] == "bf16")
    torch.set_autocast_dtype("cuda", torch.bfloat16)
    try:
        with MODE, Host(waits=part != "step"):
            task = build_task(config)
            move(task)
            task._device, task.shard = GPU, (0, 1)  # as `Trainer` sets them
            if fault is not None:
                FAULTS[fault](task)
            PARTS[part](task, config)
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    finally:
        torch.set_autocast_enabled("cuda", False)
    return "ok"


def real_psfs(n: int, side: int, random: torch.Generator) -> torch.Tensor:
    """Random psfs, which are drawn on the CPU, with values, since their shape depends on these."""
    with unset_fake_temporarily():
        size = random_psfs(n, side, generator("psfs")).shape
    return torch.empty(size)


if __name__ == "__main__":
    gc.disable()  # freeing fake tensors on cuda:0 in a cycle sometimes ends the interpreter
    register_resolvers()
    random_blur.random_psfs = real_psfs
    Reconstruction.sigma_of = lambda self, level: 0.1  # a number, which the host computes from a fake level
    if len(sys.argv) > 1:
        results = {fault: run("denoising", "step", fault) for fault in FAULTS}
    else:
        results = {f"{words}: {part}": run(words, part) for words in TRAINED for part in PARTS}
    print(json.dumps(results), flush=True)
    os._exit(0)
