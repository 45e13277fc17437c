"""No speed of a training: how many workers the journal file of a search holds up.

    python benchmarks/search_workers.py [--workers 1 8 32] [--trials 200] [--seconds 2]

Each worker is a process that asks for trials of a shared search, sleeps instead of training, and reports six
validations and a result. Prints, for each number of workers, the time of a request and of a report, and the
share of the workers' time in which they do not sleep.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import optuna

sys.path.insert(0, str(Path(__file__).parents[1]))
from imaging.files import write_json
from imaging.runs.run import enqueue
from imaging.runs.status import STATUS, read_status
from imaging.sweeps.search import Trials

SPACE = {
    "optimizer.lr": optuna.distributions.FloatDistribution(1e-4, 1e-2, log=True),
    "model.hidden_channels": optuna.distributions.CategoricalDistribution([16, 32, 48, 64]),
    "model.depth": optuna.distributions.IntDistribution(3, 8),
}


def work(directory: Path, trials: int, seconds: float) -> None:
    """Be a worker: print the seconds of each request and each report as JSON."""
    shared = Trials(directory, None, SPACE, trials, 10, 0, shared=True)
    shared.study.trials  # noqa: B018  reads the journal, which a process does once
    print("ready", flush=True)
    sys.stdin.readline()
    asks, reports, began = [], [], time.monotonic()
    while True:
        start = time.monotonic()
        trial = shared.next()
        if trial is None:
            break
        asks.append(time.monotonic() - start)
        number, params = trial
        run = directory / f"{number}-trial"
        enqueue(run, {"seed": 0})
        time.sleep(seconds)
        psnr = 30 - abs(params["model.depth"] - 5) - abs(params["optimizer.lr"] - 1e-3)
        curve = {str(step): psnr - 1 / step for step in range(1, 7)}
        write_json(run / STATUS, read_status(run) | {"state": "completed", "validation": curve})
        start = time.monotonic()
        shared.ended(number)
        reports.append(time.monotonic() - start)
    print(json.dumps({"asks": asks, "reports": reports, "seconds": time.monotonic() - began}))


def measure(workers: int, trials: int, seconds: float) -> str:
    """A row of the table."""
    with TemporaryDirectory() as directory:
        search = Path(directory, "date", "search")
        Trials(search, None, SPACE, trials, 10, 0)
        arguments = [sys.executable, __file__, "--worker", str(search)]
        arguments += ["--trials", str(trials), "--seconds", str(seconds)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        processes = [subprocess.Popen(arguments, **pipes) for _ in range(workers)]
        for process in processes:
            process.stdout.readline()
        outputs = []
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            outputs.append(json.loads(process.communicate()[0]))
            if process.returncode:
                raise SystemExit(f"a worker exits with {process.returncode}")
        done = Trials(search, None, SPACE, trials, 10, 0).counts()
    asks = [s for output in outputs for s in output["asks"]]
    reports = [s for output in outputs for s in output["reports"]]
    busy = sum(output["seconds"] for output in outputs)
    overhead = 1 - len(asks) * seconds / busy
    cells = [f"{statistics.median(s):.3f} ({percentile(s, 95):.3f})" for s in (asks, reports)]
    return f"| {workers} | {done} | {cells[0]} | {cells[1]} | {overhead:.1%} |"


def percentile(values: list[float], percent: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.worker, arguments.trials, arguments.seconds)
        return
    print("| workers | trials | seconds of a request: median (95 %) | of a report | not training |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for workers in arguments.workers:
        print(measure(workers, arguments.trials, arguments.seconds), flush=True)


if __name__ == "__main__":
    main()
