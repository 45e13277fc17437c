"""The exercise `mean_psnr` of the lesson `ablation`."""

from collections.abc import Callable

import torch
from torch import Tensor

from imaging.lessons.exercise import Arguments, Exercise, Input, Mistake, Outputs
from imaging.randomness import generator


def images(*shape: int, key: str) -> Tensor:
    """Images of uniform numbers in [0, 1] that depend on the shape and the key: float64."""
    return torch.rand(shape, generator=generator("ablation", key, *shape), dtype=torch.float64)


def squared_errors(difference: Tensor) -> Tensor:
    """The mean squared error of each image, (N,)."""
    return difference.square().flatten(1).mean(1)


def mean_psnr(
    x_hat: Tensor,
    x: Tensor,
    *,
    view: Callable[[Tensor], Tensor] = lambda x_hat: x_hat,
    error: Callable[[Tensor], Tensor] = squared_errors,
    peak: Callable[[Tensor], Tensor] = lambda x: torch.ones(()),
    epsilon: float = 0.0,
    logarithm: Callable[[Tensor], Tensor] = torch.log10,
    factor: float = 10.0,
    over: Callable[[Tensor], Tensor] = torch.mean,
) -> Outputs:
    """The mean of 10 · log10(1 / MSE) over the images, as in `imaging.metrics`."""
    return (over(factor * logarithm(peak(x) ** 2 / (error(view(x_hat) - x) + epsilon))),)


def psnr_input(label: str, *shape: int, error: float) -> Input:
    """Images with errors that differ from one image to the next, and from one channel to the next."""

    def make() -> Arguments:
        x = 0.8 * images(*shape, key="x")
        strength = error * (1 + torch.arange(shape[0]))[:, None, None, None]
        strength = strength * (1 + 0.5 * torch.arange(shape[1]))[None, :, None, None]
        return {"x_hat": x + strength * (images(*shape, key="error") - 0.4), "x": x}

    return Input(label, make)


def _rounded(arguments: Arguments) -> Arguments:
    return {name: (images * 255).round() / 255 for name, images in arguments.items()}


PSNR = Exercise(
    "mean_psnr",
    ("psnr",),
    mean_psnr,
    (
        psnr_input("three images", 3, 2, 4, 5, error=0.4),
        psnr_input("a batch of one", 1, 3, 4, 3, error=0.6),
        psnr_input("small errors", 2, 1, 5, 4, error=0.001),
    ),
    (
        Mistake(
            "PSNR of the mean error where the mean of PSNRs belongs", {"error": lambda d: d.square().mean()}
        ),
        Mistake("clipped to [0, 1]", {"view": lambda x_hat: x_hat.clamp(0, 1)}),
        Mistake("natural logarithm where log10 belongs", {"logarithm": torch.log}),
        Mistake("log2 where log10 belongs", {"logarithm": torch.log2}),
        Mistake("20 in place of 10", {"factor": 20.0}),
        Mistake("1 in place of 10", {"factor": 1.0}),
        Mistake("wrong sign", {"factor": -10.0}),
        Mistake("peak 255", {"peak": lambda x: torch.tensor(255.0)}),
        Mistake("peak 255, not squared", {"peak": lambda x: torch.tensor(255.0).sqrt()}),
        Mistake("rounded to 8 bits", {"view": lambda x_hat: (x_hat * 255).round() / 255}),
        Mistake("rounded to 8 bits", before=_rounded),
        Mistake(
            "rounded to 8 bits and clipped", {"view": lambda x_hat: (x_hat.clamp(0, 1) * 255).round() / 255}
        ),
        Mistake("peak 2: the range of [-1, 1]", {"peak": lambda x: torch.tensor(2.0)}),
        Mistake("peak taken from all images", {"peak": lambda x: x.max()}),
        Mistake("peak taken from each image", {"peak": lambda x: x.flatten(1).amax(1)}),
        Mistake("peak taken from the range of all images", {"peak": lambda x: x.max() - x.min()}),
        Mistake(
            "peak taken from the range of each image",
            {"peak": lambda x: x.flatten(1).amax(1) - x.flatten(1).amin(1)},
        ),
        Mistake("power of x in place of the peak", {"peak": lambda x: squared_errors(x).sqrt()}),
        Mistake("root of the MSE where the MSE belongs", {"error": lambda d: squared_errors(d).sqrt()}),
        Mistake("absolute error where its square belongs", {"error": lambda d: d.abs().flatten(1).mean(1)}),
        Mistake(
            "sum over the pixels where their mean belongs", {"error": lambda d: d.square().sum((1, 2, 3))}
        ),
        Mistake(
            "sum over the channels where their mean belongs",
            {"error": lambda d: d.square().mean((2, 3)).sum(1)},
        ),
        Mistake("norm where the MSE belongs", {"error": lambda d: d.flatten(1).norm(dim=1)}),
        Mistake("square of the mean error", {"error": lambda d: d.flatten(1).mean(1) ** 2}),
        *(
            Mistake(
                "variance where the MSE belongs",
                {"error": lambda d, correction=correction: d.flatten(1).var(1, correction=correction)},
            )
            for correction in (0, 1)
        ),
        Mistake("PSNR of each channel, then the mean", {"error": lambda d: d.square().mean((2, 3))}),
        Mistake("PSNR of each row, then the mean", {"error": lambda d: d.square().mean(3)}),
        Mistake("PSNR of each pixel, then the mean", {"error": torch.square}),
        Mistake("no mean over the images", {"over": lambda values: values}),
        Mistake("sum where the mean over the images belongs", {"over": torch.sum}),
        Mistake("median where the mean over the images belongs", {"over": torch.median}),
        Mistake("only the first image", {"over": lambda values: values[0]}),
        Mistake("only the last image", {"over": lambda values: values[-1]}),
        *(
            Mistake(f"something is added to the MSE: {epsilon:g}", {"epsilon": epsilon})
            for epsilon in (1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4)
        ),
    ),
    sizes=lambda a: {"the number of images": len(a["x"])},
)
