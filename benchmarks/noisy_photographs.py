"""No speed: noisy versions of the bundled photographs as files, for docs/without_clean_images.md.

    python benchmarks/noisy_photographs.py noisy [--bits 8] [--sigma 0.05]
    python benchmarks/noisy_photographs.py restored --compare

The first writes noisy/train and noisy/test, the second prints the PSNR of what was restored of noisy/test.
The noise is white and Gaussian; files store [0, 1] in 8 or 16 bits, so that it is clipped and rounded.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging
from imaging.images.reading import read_image
from imaging.images.writing import write_image
from imaging.metrics import psnr
from imaging.randomness import generator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", type=Path)
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8)
    parser.add_argument("--sigma", type=float, default=0.05)
    parser.add_argument("--compare", action="store_true")
    arguments = parser.parse_args()
    source = imaging.data("bundled").source
    for split in ("test",) if arguments.compare else ("train", "test"):
        for index, name in enumerate(source.ids(split)):
            x = source.read(split, index).float() / 255
            if arguments.compare:
                x_hat = read_image(arguments.directory / f"{name}.png")
                x_hat = x_hat.float() / 255 if x_hat.dtype == torch.uint8 else x_hat
                print(f"{name}: {psnr(x_hat[None], x[None]).item():.2f} dB")
                continue
            y = x + arguments.sigma * torch.randn(x.shape, generator=generator("noisy", name))
            path = arguments.directory / split / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = (y.clamp(0, 1) * (2**arguments.bits - 1)).round().numpy()
            pixels = pixels.astype({8: np.uint8, 16: np.uint16}[arguments.bits])
            write_image(path, pixels)


if __name__ == "__main__":
    main()
