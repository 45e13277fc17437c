"""Test a deconvolver on blurs that it was not trained on: python benchmarks/deconvolution.py [network]

Two tables of PSNR in dB, for a network that is told psf and sigma:

- photographs: 24 BSDS300 test images, of which the camera sees only what needs nothing beyond the borders, by
  ten psfs and two sigmas. Beside the restored and the unrestored image, the same with a circular blur; all of
  the same pixels, 24 from the borders of y. "worst": the smallest gain of an image, there and over all of y.
- trajectories: three 256×256 crops, circular, by the eight psfs of `psf=trajectory`, beside
  `deconvolver-wiener-pair`, which was trained on the digit alone.

It needs BSDS300 under IMAGING_DATA.
"""

import argparse
import os
from pathlib import Path

import torch

from imaging.data import build_data
from imaging.formats.networks import load_network
from imaging.metrics import psnr
from imaging.physics import Blur
from imaging.randomness import generator
from imaging.tasks.reconstruction import as_float

PSFS = {
    "digit": {"name": "digit"},
    "Gaussian 1": {"name": "gaussian", "sigma": 1.0},
    "Gaussian 1.5": {"name": "gaussian", "sigma": 1.5},
    "Gaussian 2.5": {"name": "gaussian", "sigma": 2.5},
    "motion 9, 17°": {"name": "motion", "length": 9, "angle": 17},
    "motion 15, 30°": {"name": "motion", "length": 15, "angle": 30},
    "motion 25, 73°": {"name": "motion", "length": 25, "angle": 73},
    "disk 3": {"name": "disk", "radius": 3},
    "disk 6": {"name": "disk", "radius": 6},
    "box 4": {"name": "box", "size": 4},
}
BORDER = 24


def noisy(operator, x, sigma: float, *keys) -> torch.Tensor:
    y = operator(x)
    return y + sigma * torch.randn(y.shape, generator=generator("deconvolution", sigma, *keys))


def inside(image: torch.Tensor) -> torch.Tensor:
    return image[..., BORDER:-BORDER, BORDER:-BORDER]


@torch.no_grad()
def photographs(task, images: list[tuple[str, torch.Tensor]], psfs: list[str]) -> None:
    print("| photographs | sigma | unrestored | restored | circular | worst inside | worst |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name in psfs:
        operator, circular = Blur(PSFS[name], "valid"), Blur(PSFS[name])
        for sigma in (0.005, 0.02):
            rows = []
            for key, x in images:
                y, wrapped = noisy(operator, x, sigma, key), noisy(circular, x, sigma, key)
                seen = operator.visible(x)
                restored = operator.visible(task.restore(y, sigma, operator))
                reference = operator.visible(task.restore(wrapped, sigma, circular))
                inner = [psnr(inside(image), inside(seen)).item() for image in (y, restored, reference)]
                rows.append([*inner, inner[1] - inner[0], (psnr(restored, seen) - psnr(y, seen)).item()])
            table = torch.tensor(rows)
            means, worst = table[:, :3].mean(0).tolist(), table[:, 3:].amin(0).tolist()
            print(f"| {name} | {sigma} |", " | ".join(f"{v:.2f}" for v in means + worst), "|", flush=True)


@torch.no_grad()
def trajectories(task, reference, images: list[tuple[str, torch.Tensor]]) -> None:
    sigmas = [level / 255 for level in (2.55, 7.65, 12.75)]
    print("| trajectories, sigma of 255 | 2.55 | 7.65 | 12.75 |\n| --- | ---: | ---: | ---: |")
    crops = [(key, x[..., 32:288, 112:368]) for key, x in images[:3]]
    for title, network in (("deconvolver-wiener-pair", reference), ("this network", task)):
        means = []
        for sigma in sigmas:
            values = []
            for index in range(8):
                operator = Blur({"name": "trajectory", "index": index})
                for key, x in crops:
                    y = noisy(operator, x, sigma, key, index)
                    values.append(psnr(network.restore(y, sigma, operator), x).item())
            means.append(sum(values) / len(values))
        print(f"| {title} |", " | ".join(f"{mean:.2f}" for mean in means), "|", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", nargs="?", default="deconvolver", help="a name, run or file")
    parser.add_argument("--images", type=int, default=24, help="number of photographs")
    parser.add_argument("--psf", nargs="*", choices=PSFS, default=list(PSFS), help="of the photographs")
    options = parser.parse_args()
    root = os.environ.get("IMAGING_DATA", Path(__file__).parents[1] / "data")
    data = build_data({"source": {"name": "bsds300", "root": str(root)}, "orientation": "landscape"})
    images = [(key, as_float(x)[None]) for key, x in list(data.test_images())[: options.images]]
    task, _ = load_network(options.network, "cpu")
    if options.psf == list(PSFS):
        trajectories(task.eval(), load_network("deconvolver-wiener-pair", "cpu")[0].eval(), images)
        print()
    photographs(task.eval(), images, options.psf)
