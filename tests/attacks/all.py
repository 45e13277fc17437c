"""Run all attacks, for the table of docs/reliability.md.

    python tests/attacks/all.py [--share 1.0] [--seed 0]

A share of 1.0 takes half an hour on two cores. The kills and the soak are programs of their own.
"""

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
CASES = {"overrides.py": 2000, "files.py": 2000, "pictures.py": 300, "disks.py": 20, "ledger.py": 56}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    commands = []
    for name, cases in CASES.items():
        if name == "disks.py" and os.geteuid():
            print("disks.py: not run, since it needs to be root")
            continue
        number = str(max(1, round(cases * options.share)))
        commands.append([sys.executable, str(HERE / name), "--cases", number, "--seed", str(options.seed)])
    # The first takes as long as all others; each runs one case at a time.
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda command: subprocess.run(command, check=False).returncode, commands))
    return int(any(ends))


if __name__ == "__main__":
    sys.exit(main())
