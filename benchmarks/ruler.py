"""What the benchmarks share: timing in turns, ratios with their spread, the largest product, rows."""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

CHECKOUT = Path(__file__).parents[1]
sys.path.insert(0, str(CHECKOUT))  # for the imports of `imaging` after this one


def row(name: str, ratios: list[float], bar: float, note: str = "", least: bool = False) -> dict:
    """One line of the table: the median ratio of the rounds, and its bar ('at most', or 'at least')."""
    return {"name": name, "ratios": ratios, "bar": bar, "least": least, "note": note}


def met(line: dict) -> bool:
    median = statistics.median(line["ratios"])
    return median >= line["bar"] if line["least"] else median <= line["bar"]


def table(rows: list[dict]) -> str:
    """Markdown."""
    lines = [
        "| what | ratio: median [lowest, highest] | bar | met | measured |",
        "| --- | ---: | ---: | --- | --- |",
    ]
    for line in rows:
        ratios = line["ratios"]
        spread = f"{statistics.median(ratios):.3g} [{min(ratios):.3g}, {max(ratios):.3g}]"
        bar = f"{'≥' if line['least'] else '≤'} {line['bar']:g}"
        lines.append(
            f"| {line['name']} | {spread} | {bar} | {'yes' if met(line) else 'no'} | {line['note']} |"
        )
    return "\n".join(lines)


def finish(rows: list[dict]) -> None:
    """Print the rows as a table, or as JSON if `benchmarks/all.py` asks for it."""
    if os.environ.get("BENCHMARK_JSON"):
        Path(os.environ["BENCHMARK_JSON"]).write_text(json.dumps(rows))
    print(table(rows), flush=True)


def seconds(function: Callable[[], object], least: float = 0.2) -> float:
    """The median time of a call, of so many calls as take `least` seconds; called twice before."""
    function(), function()
    times, end = [], time.perf_counter() + least
    while time.perf_counter() < end or len(times) < 3:
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def interleaved(functions: dict[str, Callable[[], object]], rounds: int = 5, least: float = 0.2) -> dict:
    """For each function its `seconds` in each of the rounds, in which they take turns."""
    times = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds(function, least))
    return times


def ratios(times: dict[str, list[float]], one: str, other: str) -> list[float]:
    return [a / b for a, b in zip(times[one], times[other], strict=True)]


def in_a_process(script: str, *arguments: str, environment: dict | None = None) -> dict:
    """Run this benchmark's worker in a Python of its own; it prints JSON as its last line."""
    command = [sys.executable, script, *arguments]
    env = os.environ | {"PYTHONPATH": str(CHECKOUT)} | (environment or {})
    ended = subprocess.run(command, capture_output=True, text=True, env=env)
    if ended.returncode:
        raise SystemExit(f"{' '.join(command)} ends with {ended.returncode}:\n{ended.stderr[-3000:]}")
    return json.loads(ended.stdout.strip().splitlines()[-1])


def largest_product(dtype) -> float:
    """GFLOP/s of the fastest of some matrix products of this type."""
    import torch

    best = 0.0
    for n in (1024, 2048, 3072):
        a, b = torch.rand(n, n).to(dtype), torch.rand(n, n).to(dtype)
        best = max(best, 2 * n**3 / seconds(lambda a=a, b=b: a @ b) / 1e9)
    return best


def machine() -> str:
    """Processor, cores, torch."""
    import torch

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    return f"{name}, {os.cpu_count()} cores, {gpu}; {versions}"
