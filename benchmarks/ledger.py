"""The ledger of a training against all else that it does.

    python benchmarks/ledger.py [--rounds 2]

The denoising study of 32 channels, all of its steps, with the default lines and kept checkpoints. Both times
are of one training: what the ledger's hooks take, and the rest, so that a machine's drift does not count.
"""

import argparse
import time
from pathlib import Path

from ruler import finish, row
from training import WHOLE, ours, settings

from imaging.data import build_data
from imaging.runs.checkpoints import kept_checkpoints
from imaging.tasks import build_task
from imaging.training.callbacks.ledger import LedgerCallback

CHANNELS, BAR = 32, 0.03


class Timed(LedgerCallback):
    """Adds up the seconds that the hooks of a ledger take."""

    seconds = 0.0

    def _timed(self, hook, *arguments) -> None:
        began = time.perf_counter()
        hook(*arguments)
        self.seconds += time.perf_counter() - began

    def on_train_start(self, *arguments) -> None:
        self._timed(super().on_train_start, *arguments)

    def after_step(self, *arguments) -> None:
        self._timed(super().after_step, *arguments)

    def on_train_end(self, trainer, task) -> None:
        self._timed(super().on_train_end, trainer, task)
        directory = Path(trainer.default_root_dir)
        kept = [path.stat().st_size for path in kept_checkpoints(directory / "checkpoints").values()]
        self.note = f"{len(kept)} checkpoints of {kept[0] / 1e6:.1f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    found, note = [], ""
    for seed in range(parser.parse_args().rounds):
        config = settings(CHANNELS, WHOLE, seed)
        data, task, ledger = build_data(config["data"]), build_task(config), Timed()
        data.setup("fit")
        began = time.perf_counter()
        ours(config, data, task, [ledger])
        rest = time.perf_counter() - began - ledger.seconds
        found.append(ledger.seconds / rest)
        note = f"{1e3 * ledger.seconds:.0f} ms in {rest:.0f} s, {WHOLE} steps; {ledger.note}"
    finish([row(f"training, {CHANNELS} channels: the ledger / all else", found, BAR, note)])


if __name__ == "__main__":
    main()
