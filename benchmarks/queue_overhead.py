"""What a queue saves: 24 short jobs over 2 slots of CPU cores, against half the sum of the jobs' own times.

    python benchmarks/queue_overhead.py [--jobs 24] [overrides of train.py]

The jobs of a queue are forked from a process that has imported what they need; a command alone imports it. A
queue that started its jobs as programs would take half the sum and more.

The jobs' own times are those of the same commands run alone, one after the other, with one thread each, in
this run; every second one before and the others after the queue, so that a drift of the machine cancels.
Prints the ratio, and exits with 1 if it is above --limit.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

TRAIN = Path(__file__).parents[1] / "train.py"
# A second of training.
SHORT = ["experiment=inpainting_bundled", "trainer.max_epochs=2"]


def timed(command: list[str], directory: Path) -> float:
    """Seconds of a command; its output is shown only if it fails."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    began = time.monotonic()
    ended = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} exits with {ended.returncode}: {ended.stderr[-800:]}")
    return time.monotonic() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=24)
    parser.add_argument("--limit", type=float, default=0.5)
    arguments, settings = parser.parse_known_args()
    settings = [*(settings or SHORT), "trainer.accelerator=cpu"]
    seeds = range(arguments.jobs)
    with TemporaryDirectory() as directory:
        root = Path(directory)

        def alone(seed: int) -> float:
            return timed([sys.executable, str(TRAIN), *settings, f"seed={seed}"], root)

        alone(0)  # fills the caches of the system
        own = [alone(seed) for seed in seeds if seed % 2 == 0]
        sweep = f"seed={','.join(map(str, seeds))}"
        queue = ["launcher=gpus", "hydra.launcher.devices=cpu:2", *settings, sweep]
        together = timed([sys.executable, str(TRAIN), "-m", *queue], root)
        own += [alone(seed) for seed in seeds if seed % 2 == 1]
    ideal = sum(own) / 2
    print(
        f"{arguments.jobs} jobs alone: {', '.join(f'{s:.1f}' for s in own)} s; half their sum {ideal:.1f} s"
    )
    print(f"in the queue over 2 slots, its start and the sweep's table included: {together:.1f} s")
    print(f"ratio {together / ideal:.3f}")
    return 0 if together <= arguments.limit * ideal else 1


if __name__ == "__main__":
    sys.exit(main())
