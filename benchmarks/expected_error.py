"""No speed: the expected PSNR of denoised test images of BSDS300 against the true one.

    python benchmarks/expected_error.py [--network denoiser-64] [--images 10]

For each sigma, known and estimated: the difference in dB that is not exceeded in 95 % of the images, and how
many of the 95 % intervals hold the true PSNR. Needs BSDS300.
"""

import argparse
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging
from imaging.metrics import psnr
from imaging.randomness import generator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="denoiser-64")
    parser.add_argument("--images", type=int, default=10)
    arguments = parser.parse_args()
    denoise = imaging.load(arguments.network, "cpu")
    images = imaging.data("bsds300").test_images()
    print("| sigma | known: dB in 95 % | intervals that hold | estimated: dB in 95 % | intervals that hold |")
    print("| ---: | ---: | ---: | ---: | ---: |")
    for sigma in (0.02, 0.05, 0.1):
        differences: dict[bool, list[float]] = {True: [], False: []}
        held = {True: 0, False: 0}
        for index in range(0, len(images), len(images) // arguments.images):
            name, image = images[index]
            x = image.float() / 255
            y = x + sigma * torch.randn(x.shape, generator=generator("expected error", name, sigma))
            for known in (True, False):
                x_hat, error = denoise.restore_with_error(y, sigma if known else None)
                true = psnr(x_hat[None], x[None]).item()
                differences[known].append(abs(error.psnr - true))
                held[known] += error.interval[0] <= true <= error.interval[1]
        cells = []
        for known in (True, False):
            cells.append(f"{torch.tensor(differences[known]).quantile(0.95).item():.3f}")
            cells.append(f"{held[known]} of {len(differences[known])}")
        print(f"| {sigma} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
