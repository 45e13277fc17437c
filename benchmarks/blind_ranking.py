"""No speed: whether runs are ranked without clean images as they are with them.

    python benchmarks/blind_ranking.py <sweep directory> [--images 100]

For each run of a sweep, at the noise of its training: the mean PSNR of test images and the mean expected
PSNR, from their measurements alone; then Spearman's rank correlation of the two, over all runs and over those
with the same noise. Each image has one draw of the noise, the same for all runs.
"""

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import torch
from scipy.stats import spearmanr

sys.path.insert(0, str(Path(__file__).parents[1]))
from imaging.data import build_data
from imaging.formats.networks import load_network
from imaging.metrics import psnr
from imaging.randomness import generator
from imaging.tasks.expected import expected_psnr
from imaging.tasks.reconstruction import as_float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sweep", type=Path)
    parser.add_argument("--images", type=int, default=100)
    arguments = parser.parse_args()
    groups: dict[float, list[tuple[float, float]]] = defaultdict(list)
    print("| run | sigma | PSNR | expected PSNR |")
    print("| --- | ---: | ---: | ---: |")
    for path in sorted(arguments.sweep.glob("*/metrics.json")):
        task, config = load_network(path.parent, "cpu")
        level, values = task.physics.noise.typical_level, []
        images = build_data(config["data"] | {"max_test_images": arguments.images}).test_images()
        with torch.inference_mode():
            for name, image in images:
                x = as_float(image)[None]
                y = task.measure(x, generator("ranking", name), level)
                x_hat = task.restore(y, task.sigma_of(level))
                expected, _ = expected_psnr(task, y, x_hat, [name], level)
                values.append((psnr(x_hat, x).item(), expected.item()))
        true, blind = (sum(column) / len(values) for column in zip(*values, strict=True))
        groups[level].append((true, blind))
        print(f"| {path.parent.name} | {level:g} | {true:.3f} | {blind:.3f} |", flush=True)
    pairs = {"all": [pair for group in groups.values() for pair in group], **groups}
    for name, group in pairs.items():
        print(f"{name}: Spearman {spearmanr(*zip(*group, strict=True)).statistic:.3f} of {len(group)} runs")


if __name__ == "__main__":
    main()
