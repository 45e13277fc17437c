"""Check that a network takes a data set's measurements, before any time is spent."""

from collections.abc import Iterable

import torch
from torch import Tensor

from imaging.errors import ImagingError
from imaging.randomness import generator
from imaging.tasks.reconstruction import Reconstruction, as_float

DRAWS = 200  # of a random operator, so many that among them is one of the largest


@torch.no_grad()
def check_sizes(task: Reconstruction, *sets: Iterable) -> None:
    """Measure and restore the first image of each set, to find errors before a training or test.

    Args:
        task: the network with its physics.
        sets: iterables of batches, or of (id, image) pairs.

    Raises:
        ImagingError: the network or the operator does not accept the size or the number of channels.
    """
    for images in sets:
        for sample in images:
            image = sample["image"][:1] if isinstance(sample, dict) else sample[1][None]
            if isinstance(sample, dict):  # of the training; raises if the image is too small for a draw
                drawn = task.physics.operator.draw(DRAWS, generator("check"))
                drawn.output_shape(tuple(image.shape[1:]))
            _check_size(task, image.to(task.device))
            break


def _check_size(task: Reconstruction, image: Tensor) -> None:
    operator = task.physics.operator
    y = task.measure(as_float(image), generator("check"))
    if task.network.reach is not None and operator.keeps_shape:
        y = y[..., :64, :64]  # such a network accepts any size, and a photograph would take a second
        image = image[..., :64, :64]
    try:
        x_hat = task.restore(y, task.typical_sigma)
    except RuntimeError as error:
        if operator.keeps_shape and "channels" not in str(error):
            raise
        x_hat = None
    if x_hat is not None and x_hat.shape == image.shape:
        return
    if not operator.keeps_shape:
        sizes = ("×".join(map(str, one.shape[1:])) for one in (y, image))
        raise ImagingError(
            "this network cannot restore measurements of {}, of images of {}: choose one that takes them, "
            "e.g. model=preview_unet".format(*sizes)
        )
    raise ImagingError(
        f"the images have channels={image.shape[1]}, but the network takes another number: set "
        "data.source.channels, which model.channels follows"
    )
