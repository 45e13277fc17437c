"""Check that a network takes a data set's measurements, before any time is spent."""

from collections.abc import Iterable

import torch
from torch import Tensor

from imaging.data.turning import as_measured
from imaging.errors import ImagingError, one_line
from imaging.models.noise_level import noise_level
from imaging.physics.operator import LinearOperator
from imaging.physics.operators.identity import Identity
from imaging.randomness import generator
from imaging.tasks.reconstruction import Reconstruction, as_float

FACTOR = 1.6  # an estimate without a denoiser takes texture for noise
TOLERANCE = 1e-3  # of a product that is computed in two ways, relative to its largest possible value
DRAWS = 200  # of a random operator, so many that among them is one of the largest


@torch.no_grad()
def check_sizes(task: Reconstruction, *sets: Iterable, clean: bool = True, pairs: bool = False) -> None:
    """Measure and restore the first image of each set, to find errors before a training or test.

    Args:
        task: the network with its physics.
        sets: iterables of batches, or of (id, image) pairs.
        clean, pairs: what the images are; see `imaging.evaluation.protocol.Protocol`.

    Raises:
        ImagingError: the network or the operator does not accept the size or the number of channels.
    """
    for number, images in enumerate(sets):
        for sample in images:
            if not clean:
                one = {"image": sample[1][None]} if isinstance(sample, tuple) else sample
                _check_measured_size(task, as_measured(one, pairs) if "image" in one else one)
                break
            image = sample["image"][:1] if isinstance(sample, dict) else sample[1][None]
            if isinstance(sample, dict):  # of the training; raises if the image is too small for a draw
                drawn = task.physics.operator.draw(DRAWS, generator("check"))
                drawn.output_shape(tuple(image.shape[1:]))
            _check_size(task, image.to(task.device))
            if number == 0:
                check_adjoint(task.physics.operator, image.to(task.device))
            break


@torch.no_grad()
def check_adjoint(operator: LinearOperator, image: Tensor) -> None:
    """Check ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for a random x of an image's size and a random y near A x.

    Nothing else would show a wrong adjoint: a network that has it in its iterations trains, and restores
    worse.

    Args:
        operator: A. One without an adjoint passes.
        image: of any type, (N, C, H, W).

    Raises:
        ImagingError: they differ by more than rounding explains.
    """
    if type(operator).adjoint is LinearOperator.adjoint:
        return
    random = generator("adjoint")
    x = torch.randn(image.shape, generator=random).to(image.device)
    seen = operator(x)
    # Not of y alone, whose product with A x is small in high dimensions.
    y = seen + torch.randn(seen.shape, generator=random).to(seen)
    left, right = (seen * y).double().sum().item(), (x * operator.adjoint(y)).double().sum().item()
    if abs(left - right) > TOLERANCE * (seen.double().norm() * y.double().norm()).item():
        raise ImagingError(
            f"the adjoint of the operator {type(operator).__name__} is wrong: of a random x and y "
            f"⟨A x, y⟩ is {left:.4g} and ⟨x, Aᵀ y⟩ is {right:.4g}, which must be equal"
        )


def _check_measured_size(task: Reconstruction, batch: dict) -> None:
    if "again" in batch and torch.equal(batch["y"][:1], batch["again"][:1]):
        raise ImagingError(
            "the two measurements of a scene are equal; expected two with noise of their own, from two "
            "directories"
        )
    y = task.measured({"y": batch["y"][:1].to(task.device)})
    if isinstance(task.physics.operator, Identity):
        y = y[..., :64, :64]
    try:
        seen = task.physics.operator(task.normalise(task.restore(y, task.typical_sigma)))
    except RuntimeError as error:
        if "channels" not in str(error):
            raise
        seen = None
    if seen is not None and seen.shape == y.shape:
        return
    if not task.physics.operator.keeps_shape:
        raise ImagingError(
            f"this network cannot restore images from measurements of {_sizes(y)}: choose one that takes "
            "them, e.g. model=preview_unet"
        )
    raise ImagingError(
        f"the measured images are {_sizes(y)}, and the network takes another number of channels or another "
        "size: set data.source.channels, which model.channels follows"
    )


def check_measured(task: Reconstruction, data) -> None:
    """Check that a training can do without clean images, if there are none.

    Args:
        task: the network with its physics and its loss.
        data: an `imaging.data.module.ImageData`.

    Raises:
        ImagingError: it cannot.
    """
    if data.clean:
        return
    loss, operator, noise = task.loss, task.physics.operator, task.physics.noise
    trains = any(parameter.requires_grad for parameter in task.network.parameters())
    if loss.needs_clean and trains:
        raise ImagingError("data.clean=false, and this loss needs clean images: choose e.g. loss=sure")
    if loss.needs_again and not data.source.pairs:
        raise ImagingError(
            "loss=noise2noise needs two measurements of each scene: choose data=folder_pairs or loss=sure"
        )
    if operator.is_random or not operator.photograph.startswith("image"):
        raise ImagingError(
            "data.clean=false: the measurements of this physics.operator are not images in files; expected "
            "one whose measurements are, such as physics=noise, or physics=blur with "
            "physics.operator.boundary=valid"
        )
    if data.patch_size is not None and not operator.is_local:
        raise ImagingError(
            "data.clean=false: a patch of y is not the measurement of a patch of x with this "
            "physics.operator: set data.patch_size=null, or for a blur physics.operator.boundary=valid"
        )
    if not data.source.pairs and noise.is_silent(noise.typical_level):
        raise ImagingError(
            f"data.clean=false: physics.noise.{noise.level} is 0; expected that of the images' noise "
            "(imaging noise FILES estimates it)"
        )


def doubt_sigma(task: Reconstruction, batch: dict, pairs: bool) -> str | None:
    """A line if the noise of measured images does not look like the sigma that is given, else None.

    Args:
        task: has the noise.
        batch: measured images.
        pairs: whether they are pairs, which need no sigma.
    """
    noise = task.physics.noise
    plain = isinstance(task.physics.operator, Identity) and noise.level == "sigma"
    if pairs or not plain or min(batch["y"].shape[-2:]) < 5:
        return None
    found, sigma = noise_level(as_float(batch["y"])).median().item(), noise.typical_level
    if sigma / FACTOR < found < sigma * FACTOR:
        return None
    return (
        f"the noise of the images looks like sigma {found:.3f}, and physics.noise.sigma is {sigma:g}: every "
        "expected PSNR is for that (imaging noise FILES estimates it better)"
    )


def _check_size(task: Reconstruction, image: Tensor) -> None:
    operator = task.physics.operator
    y = task.measure(as_float(image), generator("check"))
    if operator.keeps_shape and y.shape != image.shape:
        raise ImagingError(
            f"the operator {type(operator).__name__} turns images of {_sizes(image)} into measurements of "
            f"{_sizes(y)}, and has keeps_shape = True: set keeps_shape = False and define output_shape, "
            "input_shape and preview"
        )
    if task.network.reach is not None and operator.keeps_shape:
        y = y[..., :64, :64]  # such a network accepts any size, and a photograph would take a second
        image = image[..., :64, :64]
    reason = ""
    try:
        x_hat = task.restore(y, task.typical_sigma)
    except RuntimeError as error:
        if operator.keeps_shape and "channels" not in str(error):
            raise
        x_hat, reason = None, f" ({one_line(str(error))})"
    if x_hat is not None and x_hat.shape == image.shape:
        return
    if not operator.keeps_shape:
        raise ImagingError(
            f"this network cannot restore images of {_sizes(image)} from measurements of {_sizes(y)}: choose "
            "one that takes them, e.g. model=preview_unet"
        )
    if x_hat is not None and (x_hat.dim() != 4 or x_hat.shape[-2:] != image.shape[-2:]):
        raise ImagingError(
            f"the network makes {_sizes(x_hat)} of measurements of {_sizes(y)}; expected {_sizes(image)}"
        )
    raise ImagingError(
        f"the images have channels={image.shape[1]}, but the network takes another number{reason}: set "
        "data.source.channels, which model.channels follows"
    )


def _sizes(images: Tensor) -> str:
    return "×".join(map(str, images.shape[1:]))
