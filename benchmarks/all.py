"""Run all benchmarks of speed and memory, and write their table into benchmarks/README.md.

    python benchmarks/all.py        or: make benchmark

Some ten minutes on two cores that have nothing else to do, 16 on slow ones. A bar that is missed is told,
and is no failure. There is one table for processors that multiply bf16 in hardware, and one for others: each
run writes its own.
"""

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from ruler import CHECKOUT, machine, table  # first: it makes `imaging` importable

from imaging.precision import is_bf16_fast

HERE = Path(__file__).parent
SCRIPTS = (
    "training",
    "losses",
    "autograd",
    "wiener",
    "evaluation",
    "startup",
    "growth",
    "ledger",
    "decoding",
    "photograph",
)


def main() -> None:
    rows = []
    with TemporaryDirectory() as directory:
        for name in SCRIPTS:
            print(f"\n{name}.py", flush=True)
            told = Path(directory) / f"{name}.json"
            environment = os.environ | {"BENCHMARK_JSON": str(told), "PYTHONPATH": str(CHECKOUT)}
            began = time.perf_counter()
            subprocess.run([sys.executable, str(HERE / f"{name}.py")], env=environment, check=True)
            print(f"{time.perf_counter() - began:.0f} s", flush=True)
            rows += json.loads(told.read_text())
    text, kind = table(rows), "bf16" if is_bf16_fast() else "float32"
    begin, end = (f"<!-- {kind} {mark} -->\n" for mark in ("begin", "end"))
    readme = HERE / "README.md"
    before, rest = readme.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    head = f"{date.today()}, {machine()}\n\n"
    readme.write_text(f"{before}{begin}{head}{text}\n{end}{after}", encoding="utf-8")
    print(f"\n{text}\n\nwritten into {readme}")


if __name__ == "__main__":
    main()
