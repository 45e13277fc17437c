"""The exercise `add_noise` of the lesson `ablation`: noise may come from any generator."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from imaging.lessons.exercise import Arguments, Exercise, Input, Outputs
from imaging.lessons.psnr import images

# What a student may have taken for sigma, as a function of it.
SCALES = {
    "sigma squared: it is the standard deviation, not the variance": lambda sigma: sigma**2,
    "root of sigma: it is the standard deviation, not the variance": math.sqrt,
    "sigma divided by 255: it has the units of x": lambda sigma: sigma / 255,
    "sigma multiplied by 255": lambda sigma: sigma * 255,
    "sigma forgotten: the standard deviation is 1": lambda sigma: 1.0,
    "sigma doubled": lambda sigma: 2 * sigma,
    "sigma halved": lambda sigma: sigma / 2,
}
UNIFORM = {
    "uniform noise in [0, sigma) where normal noise belongs": (0.5, 1 / 12),
    "uniform noise in [-sigma, sigma) where normal noise belongs": (0.0, 1 / 3),
    "uniform noise in [-sigma / 2, sigma / 2) where normal noise belongs": (0.0, 1 / 12),
    "uniform noise of the right standard deviation where normal noise belongs": (0.0, 1.0),
}  # their mean over sigma, and variance over sigma²
CLOSE = 0.06  # relative error of a standard deviation of some thousand numbers that is no chance
MANY = 0.002  # of the pixels, of one value


def noise_mistakes(arguments: Sequence[Arguments], results: Sequence[Tensor]) -> list[str]:
    """Name what is wrong with noisy images.

    Args:
        arguments: `x`, `sigma` and `seed` of each call. The first two differ in their seed alone, and the
            third is the first again.
        results: the noisy images.

    Returns:
        The mistakes in words; an empty list if there are none.
    """
    for given, y in zip(arguments, results, strict=True):
        if y.shape != given["x"].shape or y.is_complex():
            return [f"shape {tuple(y.shape)}; expected {tuple(given['x'].shape)}, real numbers"]
        if not y.isfinite().all():
            return ["nan or infinite"]
    x, y = arguments[0]["x"], results[0]
    if torch.equal(y, x):
        return ["noise forgotten"]
    found = []
    if torch.equal(y, results[1]):
        found.append("seed ignored: different seeds give the same noise")
    if not torch.equal(y, results[2]):
        found.append("not repeatable: equal arguments give different results")
    limits = (("below", y.min()), ("above", y.max()))
    if clipped := [f"{side} {at:g}" for side, at in limits if (y == at).double().mean() > MANY]:
        return [*found, f"clipped: nothing is {' or '.join(clipped)}"]
    noise = y - x
    slope = ((x - x.mean()) * (y - y.mean())).mean().item() / x.var().item()
    chance = max(CLOSE, 5 * _spread(noise) / _spread(x) / math.sqrt(x.numel()))
    if abs(slope - 1) > chance > abs(slope):
        return [*found, "x forgotten: only the noise is returned"]
    if abs(slope - 1) > chance:
        return [*found, f"x is multiplied by {slope:.2g}"]
    return [*found, *_shared(noise), *_of_x(noise, x), *(_distribution(arguments, results))]


def _spread(t: Tensor) -> float:
    return t.std().item()


def _shared(noise: Tensor) -> list[str]:
    """Noise that is not drawn for each image, channel and pixel."""
    names = ("images", "channels", "rows", "columns")
    # Relative to the noise, because y - x is rounded.
    shared = [
        n for d, n in enumerate(names) if _spread(noise - noise.narrow(d, 0, 1)) < 1e-6 * _spread(noise)
    ]
    return [f"same noise in all {' and '.join(shared)}"] if shared else []


def _of_x(noise: Tensor, x: Tensor) -> list[str]:
    """Noise that is stronger where x is."""
    strength = torch.corrcoef(torch.stack([noise.abs().flatten(), x.flatten()]))[0, 1]
    return ["noise multiplied by x: its strength depends on x"] if strength > 0.2 else []


def _distribution(arguments: Sequence[Arguments], results: Sequence[Tensor]) -> list[str]:
    """Mistakes in mean, standard deviation and shape of the distribution, the same for every sigma."""
    if _of_x(results[0] - arguments[0]["x"], arguments[0]["x"]):
        return []  # it has been said, and its distribution is another for each x
    triples = [(a["sigma"], y - a["x"]) for a, y in zip(arguments, results, strict=True)]
    normal = all(_kurtosis(noise) > 2.4 for _, noise in triples)
    if not normal:
        for name, (mean, variance) in UNIFORM.items():
            if all(_has(n, mean * sigma, math.sqrt(variance) * sigma) for sigma, n in triples):
                return [name]
        return ["no normal distribution: are the numbers those of randn?"]
    if all(_has(noise, 0.0, sigma) for sigma, noise in triples):
        return []
    for name, scale in SCALES.items():
        if all(_has(noise, 0.0, scale(sigma)) for sigma, noise in triples):
            return [name]
    sigma, noise = triples[0]
    mean, spread = noise.mean().item(), _spread(noise)
    if abs(mean) > CLOSE * spread:
        return [f"the noise's mean is {mean:.3g}; expected 0"]
    return [f"the noise's standard deviation is {spread:.3g}; expected {sigma:.3g}"]


def _kurtosis(noise: Tensor) -> float:
    centred = noise - noise.mean()
    return ((centred**4).mean() / (centred**2).mean() ** 2).item()  # normal: 3, uniform: 1.8


def _has(noise: Tensor, mean: float, spread: float) -> bool:
    close = abs(_spread(noise) - spread) <= CLOSE * spread
    return close and abs(noise.mean().item() - mean) <= CLOSE * spread


def add_noise(x: Tensor, sigma: float, seed: int) -> Outputs:
    """Images plus normal noise; one of many right results."""
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(seed), dtype=x.dtype)
    return (x + sigma * noise,)


def noise_input(label: str, sigma: float, seed: int) -> Input:
    return Input(label, lambda: {"x": images(4, 3, 20, 24, key="x"), "sigma": sigma, "seed": seed})


NOISE = Exercise(
    "add_noise",
    ("y",),
    add_noise,
    (
        noise_input("four images", 0.1, 3),
        noise_input("another seed", 0.1, 4),
        noise_input("the first seed again", 0.1, 3),
        noise_input("a stronger noise", 0.3, 0),
    ),
    judge=noise_mistakes,
)
