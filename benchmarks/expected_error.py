"""No speed: what is expected of denoised images against what is true.

    python benchmarks/expected_error.py [--network denoiser-64] [--images 10] [--known]

For each kind of images and each sigma, known and estimated: the difference of the expected PSNR in dB that is
not exceeded in 95 % of the images, how many of the 95 % intervals hold the true PSNR, and the share of the
pixels whose error is below the map of the expected error: its mean over the images, and its range. The test
images of BSDS300 are those that the calibration of the maps has not seen. Needs BSDS300 and MNIST.

In brackets, beside the difference for a known sigma: what the noise allows. The estimate contains the energy
of this very noise, mean |n|², of which only the expectation sigma² is known. If nothing but this energy
fluctuated, 95 % of the images would not exceed the difference in brackets.
"""

import argparse
import itertools
import math
import sys
from pathlib import Path

import torch
from scipy.optimize import brentq

sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging
from imaging.metrics import psnr
from imaging.randomness import generator
from imaging.restoring.calibration import EVERY


def chosen(kind: str, number: int):
    """At most so many images of a kind, spread evenly."""
    images = imaging.data(kind, crop=[512, 512]).test_images()
    indices = [i for i in range(len(images)) if kind != "bsds300" or i % EVERY]
    return [images[i] for i in indices[:: max(1, len(indices) // number)][:number]]


def fluctuation(sigma: float, elements: int, psnr_true: float) -> float:
    """The standard deviation in dB of an estimate that has the energy of Gaussian noise in it."""
    return 10 / math.log(10) * sigma**2 * math.sqrt(2 / elements) / 10 ** (-psnr_true / 10)


def allowed(deviations: list[float]) -> float:
    """What 95 % of normal numbers with these standard deviations do not exceed, in absolute value."""

    def missing(bound: float) -> float:
        return sum(math.erf(bound / (math.sqrt(2) * one)) for one in deviations) / len(deviations) - 0.95

    return brentq(missing, 0, 4 * max(deviations))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="denoiser-64")
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--kinds", nargs="+", default=["bsds300", "bundled", "mnist"])
    parser.add_argument("--known", action="store_true", help="only with a known sigma")
    arguments = parser.parse_args()
    sigma_known = (True,) if arguments.known else (True, False)
    denoise = imaging.load(arguments.network, "cpu")
    print("| images | sigma | | dB in 95 % | intervals that hold | pixels below the map (by image) |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for kind, sigma in itertools.product(arguments.kinds, (0.02, 0.05, 0.1)):
        differences: dict[bool, list[float]] = {True: [], False: []}
        covered: dict[bool, list[float]] = {True: [], False: []}
        held = {True: 0, False: 0}
        deviations: list[float] = []
        for name, image in chosen(kind, arguments.images):
            x = image.float() / 255
            y = x + sigma * torch.randn(x.shape, generator=generator("expected error", name, sigma))
            for known in sigma_known:
                x_hat, error = denoise.restore_with_error(y, sigma if known else None)
                true = psnr(x_hat[None], x[None]).item()
                if known:
                    deviations.append(fluctuation(sigma, x.numel(), true))
                differences[known].append(abs(error.psnr - true))
                held[known] += error.interval[0] <= true <= error.interval[1]
                covered[known].append(((x_hat - x).abs().mean(0) <= error.bound).float().mean().item())
        for known in sigma_known:
            shares, number = covered[known], len(covered[known])
            cells = [
                f"{torch.tensor(differences[known]).quantile(0.95).item():.3f}"
                + (f" ({allowed(deviations):.3f})" if known else ""),
                f"{held[known]} of {number}",
                f"{sum(shares) / number:.1%} ({min(shares):.0%} to {max(shares):.0%})",
            ]
            print(
                f"| {kind} | {sigma} | {'known' if known else 'estimated'} | {' | '.join(cells)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
