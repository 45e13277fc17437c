"""No speed: what is expected of denoised images against what is true.

    python benchmarks/expected_error.py [--network denoiser-64] [--images 10]

For each kind of images and each sigma, known and estimated: the difference of the expected PSNR in dB that is
not exceeded in 95 % of the images, how many of the 95 % intervals hold the true PSNR, and the share of the
pixels whose error is below the map of the expected error: its mean over the images, and its range. The test
images of BSDS300 are those that the calibration of the maps has not seen. Needs BSDS300 and MNIST.
"""

import argparse
import itertools
import sys
from pathlib import Path

import torch

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="denoiser-64")
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--kinds", nargs="+", default=["bsds300", "bundled", "mnist"])
    arguments = parser.parse_args()
    denoise = imaging.load(arguments.network, "cpu")
    print("| images | sigma | | dB in 95 % | intervals that hold | pixels below the map (by image) |")
    print("| --- | ---: | --- | ---: | ---: | ---: |")
    for kind, sigma in itertools.product(arguments.kinds, (0.02, 0.05, 0.1)):
        differences: dict[bool, list[float]] = {True: [], False: []}
        covered: dict[bool, list[float]] = {True: [], False: []}
        held = {True: 0, False: 0}
        for name, image in chosen(kind, arguments.images):
            x = image.float() / 255
            y = x + sigma * torch.randn(x.shape, generator=generator("expected error", name, sigma))
            for known in (True, False):
                x_hat, error = denoise.restore_with_error(y, sigma if known else None)
                true = psnr(x_hat[None], x[None]).item()
                differences[known].append(abs(error.psnr - true))
                held[known] += error.interval[0] <= true <= error.interval[1]
                covered[known].append(((x_hat - x).abs().mean(0) <= error.bound).float().mean().item())
        for known in (True, False):
            shares, number = covered[known], len(covered[known])
            cells = [
                f"{torch.tensor(differences[known]).quantile(0.95).item():.3f}",
                f"{held[known]} of {number}",
                f"{sum(shares) / number:.1%} ({min(shares):.0%} to {max(shares):.0%})",
            ]
            print(
                f"| {kind} | {sigma} | {'known' if known else 'estimated'} | {' | '.join(cells)} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
