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
PARTS = 4


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
        command = [sys.executable, str(HERE / name), "--cases", number, "--seed", str(options.seed)]
        # The longest ones in parts, so that two cores have work until the end.
        parts = PARTS if cases >= 1000 and options.share == 1 else 1
        commands += [[*command, "--part", f"{part}/{parts}"] for part in range(1, parts + 1)]
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda command: subprocess.run(command, check=False).returncode, commands))
    return int(any(ends))


if __name__ == "__main__":
    sys.exit(main())
