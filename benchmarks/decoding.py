"""Crops from a folder of 400 photographs of 3 megapixels: the mapped file against decoding each sample.

    python benchmarks/decoding.py

Both by two workers, batches of 32 crops of 64 pixels. And the resident memory of a process that reads crops
from all over the file, for 400 photographs against 50.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from ruler import finish, in_a_process, row

from imaging.data import build_data
from imaging.images.reading import read_image
from imaging.images.writing import write_image
from imaging.training.blocks import in_blocks

COUNT, SIDE, BATCH, WORKERS, ROUNDS = 400, 64, 32, 2, 3


class EachSample(torch.utils.data.Dataset):
    """What most training scripts have."""

    def __init__(self, paths: list[Path]):
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        image = read_image(self.paths[index])
        top, left = (int(torch.randint(n - SIDE + 1, ())) for n in image.shape[-2:])
        return image[:, top : top + SIDE, left : left + SIDE].clone()


def make_photographs(folder: Path) -> None:
    picture = build_data({"source": {"name": "bundled"}}).source.read("train", 0)
    large = torch.nn.functional.interpolate(picture[None].float(), (1536, 2048), mode="bilinear")[0] / 255
    (folder / "train").mkdir()

    noisy = (large + 0.02 * torch.randn(large.shape, generator=torch.Generator().manual_seed(0))).clamp(0, 1)
    noisy = (255 * noisy).round().to(torch.uint8).numpy()

    def one(index: int) -> None:
        write_image(folder / "train" / f"{index:03d}.jpg", np.roll(noisy, index * 5, -1))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(COUNT)))


def build(folder: Path, count: int, workers: int):
    source = {"name": "folder", "train": str(folder / "train")}
    data = build_data(
        {
            "source": source,
            "patch_size": SIDE,
            "random_crop": True,
            "crops_per_image": 40 * COUNT // count,
            "batch_size": BATCH,
            "validation_images": 0,
            "workers": workers,
            "memory_gib": 0,
            "cache": str(folder / "cache"),
        }
    )
    data.source._files["train"] = sorted((folder / "train").iterdir())[:count]
    data.setup("fit")
    return data


def memory(folder: str, count: str) -> None:
    """The worker that is weighed."""
    highest = 0
    for _ in build(Path(folder), int(count), 0).train_dataloader():
        with open("/proc/self/statm") as file:
            highest = max(highest, int(file.read().split()[1]) * 4096)
    print(json.dumps({"bytes": highest}))


def main() -> None:
    if len(sys.argv) > 1:
        return memory(*sys.argv[1:])
    with TemporaryDirectory() as directory:
        folder = Path(directory)
        make_photographs(folder)
        began = time.perf_counter()
        data = build(folder, COUNT, WORKERS)
        made = time.perf_counter() - began
        paths, found, rates = sorted((folder / "train").iterdir()), [], ([], [])
        for round_ in range(ROUNDS):
            began = time.perf_counter()
            some = EachSample(paths[round_::ROUNDS])
            loader = torch.utils.data.DataLoader(some, BATCH, shuffle=True, num_workers=WORKERS)
            each = sum(map(len, loader)) / (time.perf_counter() - began)
            began = time.perf_counter()
            ours = sum(b["index"].numel() for b in in_blocks(data.train_dataloader(), 0, None, ()))
            ours /= time.perf_counter() - began
            rates[0].append(ours), rates[1].append(each)
            found.append(ours / each)
        told = [in_a_process(__file__, str(folder), str(count))["bytes"] for count in (COUNT, 50)]
    note = f"{max(rates[0]):.0f} / {max(rates[1]):.0f} patches a second; the file was made in {made:.0f} s"
    finish(
        [
            row("patches a second, 400 photographs: mapped file / decoding each", found, 5, note, least=True),
            row(
                "resident memory: 400 photographs / 50",
                [told[0] / told[1]],
                1.1,
                f"{told[0] / 2**20:.0f} / {told[1] / 2**20:.0f} MiB",
            ),
        ]
    )
    return None


if __name__ == "__main__":
    main()
