"""What `dry=true` tells of sweeps, against what they then take.

    python benchmarks/dry_runs.py [--only 3]

Ten sweeps of different kinds, with the queue's own slots. Each is a command of its own, told first and run
then; both times are of this machine, one after the other, so that nothing else should run beside them.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ruler import finish, row

CHECKOUT = Path(__file__).parents[1]
BAR = 0.15
SWEEPS = {
    "bias and width": "model.hidden_channels=16,32 model.bias=true,false trainer.max_steps=400",
    "three seeds": "seed=0,1,2 model=unet trainer.max_steps=150",
    "losses": "loss=mse,sure,recorrupted model.hidden_channels=16 trainer.max_steps=200",
    "inpainting": "experiment=inpainting_bundled model.hidden=[64],[256] trainer.max_epochs=-1 "
    "trainer.max_steps=1500,3000",
    "deconvolution": "experiment=deconvolution data=bundled model=wiener_unet,unet trainer.max_epochs=-1 "
    "trainer.max_steps=100",
    "classical methods": "sweep=deconvolution_baselines data=bundled test.sigmas=[0.01]",
    "demosaicing": "experiment=demosaicing data=bundled seed=0,1 trainer.max_epochs=-1 trainer.max_steps=30",
    "many draws of the noise": "model.hidden_channels=8,16 trainer.max_steps=100 test.noise_seeds=10",
    "single pixel": "experiment=single_pixel data=bundled seed=0,1 trainer.max_epochs=-1 "
    "trainer.max_steps=100",
    "search": "sweep=search hydra.sweeper.n_trials=6 trainer.max_epochs=-1 trainer.max_steps=150 "
    "trainer.prune_after=null",
}


def run(words: list[str], directory: str) -> tuple[str, float]:
    """The output of `train.py -m` with these arguments, and the seconds that it took."""
    command = [sys.executable, str(CHECKOUT / "train.py"), "-m", *words]
    began = time.perf_counter()
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr[-2000:]}{done.stdout[-2000:]}")
    return done.stdout, time.perf_counter() - began


def told(output: str) -> int:
    """The seconds in the line 'time     1:02:05 with …'."""
    parts = re.search(r"^time +([\d:]+) with", output, re.MULTILINE)[1].split(":")
    return sum(int(part) * 60**place for place, part in enumerate(reversed(parts)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", type=int, help="the number of one sweep, from 1")
    only = parser.parse_args().only
    rows = []
    for number, (name, words) in enumerate(SWEEPS.items(), start=1):
        if only not in (None, number):
            continue
        with tempfile.TemporaryDirectory() as directory:
            output, probing = run([*words.split(), "dry=true"], directory)
            _, took = run(words.split(), directory)
        print(output, flush=True)
        expected = told(output)
        note = f"told {expected} s, took {took:.0f} s; the probe took {probing:.0f} s"
        rows.append(row(f"{name}: |told - took| / took", [abs(expected - took) / took], BAR, note))
    finish(rows)


if __name__ == "__main__":
    main()
