"""A long run: does memory grow? Trains for so many minutes and compares the resident memory over time.

    python tests/attacks/soak.py [--minutes 60]

A fault is memory that at the end is more than 2 % above that at a quarter of the time.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from cases import attempt

os.environ |= {"OMP_NUM_THREADS": "1"}
WORDS = [
    "data=bundled", "data.crop=[96,96]", "data.max_test_images=1", "model.hidden_channels=8",
    "trainer.accelerator=cpu",
    "trainer.max_epochs=-1", "trainer.max_steps=100000000", "trainer.val_check_interval=100",
    "trainer.checkpoint_every_n_steps=100", "trainer.log_every_n_steps=10", "loss=sure",
]  # fmt: skip
GROWTH = 1.02


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    minutes = parser.parse_args().minutes

    def body() -> list[int]:
        import imaging.commands.main as commands

        taken: list[int] = []

        def watch() -> None:
            while True:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                taken.append(pages * os.sysconf("SC_PAGE_SIZE") // 1000)
                time.sleep(minutes * 60 / 100)

        with tempfile.TemporaryDirectory() as directory:
            os.chdir(directory)
            sys.argv = ["train.py", *WORDS, f"trainer.time_limit={minutes}"]
            threading.Thread(target=watch, daemon=True).start()
            try:
                commands.train()
            except SystemExit as error:
                if error.code != 75:  # stopped and saved by its time limit
                    raise
            os.chdir("/")
        return taken

    ended = attempt(body, minutes * 60 + 300)
    if not isinstance(ended.value, list):
        print(ended.complained)
        return 1
    early, late = ended.value[len(ended.value) // 4], ended.value[-2]
    grown = f"{early / 1000:.1f} MB, then {late / 1000:.1f} MB | {late / early - 1:+.2%}"
    print(f"| soak | {minutes:g} minutes | {grown} |")
    return int(late > GROWTH * early)


if __name__ == "__main__":
    sys.exit(main())
