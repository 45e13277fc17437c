"""Run one case of an attack in a process of its own, and judge how it ended.

The process is forked, so that a case costs milliseconds where a new interpreter costs seconds.
"""

import argparse
import contextlib
import faulthandler
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
sys.path.insert(0, str(CHECKOUT))

SECONDS = 60  # after which a case counts as a hang
MEMORY = 8 << 30  # bytes of address space beyond what the process has, so that no case takes the machine down
REFUSED = 2  # the exit status of an error that the user can mend


@dataclass
class Ended:
    """How a case ended: its exit status, None after a hang; what it printed; and what it returned."""

    status: int | None
    printed: str
    complained: str
    value: object = None

    @property
    def fault(self) -> str | None:
        """What is wrong with the way in which it ended; None if nothing is."""
        if self.status is None:
            return "hang"
        if "Traceback" in self.complained or self.status == 1:
            return "traceback"
        if self.status < 0:
            return f"killed by signal {-self.status}"
        if self.status == REFUSED and self.complained.strip().count("\n"):
            return "more than one line"
        return None


def attempt(body: Callable[[], object], seconds: float = SECONDS) -> Ended:
    """Call `body` in a forked process; its value must be JSON."""
    with tempfile.TemporaryDirectory() as directory:
        names = {name: Path(directory, name) for name in ("out", "err", "value")}
        process = os.fork()
        if process == 0:
            _child(body, names)
        deadline, status = time.monotonic() + seconds, None
        while status is None and time.monotonic() < deadline:
            done, code = os.waitpid(process, os.WNOHANG)
            if done:
                status = os.waitstatus_to_exitcode(code)
            else:
                time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError):  # also what the case has left running
            os.killpg(process, signal.SIGKILL)
        if status is None:
            os.waitpid(process, 0)
        texts = {
            name: path.read_text(errors="replace") if path.exists() else "" for name, path in names.items()
        }
        value = json.loads(texts["value"]) if texts["value"] else None
        return Ended(status, texts["out"], texts["err"], value)


def _child(body: Callable[[], object], names: dict[str, Path]) -> None:
    status = 1
    try:
        os.setsid()
        for name, handle in (("out", 1), ("err", 2)):
            os.dup2(os.open(names[name], os.O_WRONLY | os.O_CREAT), handle)
        faulthandler.enable()
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        value = body()
        names["value"].write_text(json.dumps(value))
        status = 0
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


@dataclass
class Tally:
    """Counts what happened to the cases of an attack, and keeps the faults."""

    name: str
    seed: int
    ends: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    begun: float = field(default_factory=time.monotonic)

    def add(self, case: str, end: str, fault: str | None = None, details: str = "") -> None:
        """Count a case: how it ended, and what is wrong with that."""
        self.ends[end] += 1
        if fault:
            self.faults.append(f"{fault}: {case}")
            print(f"  {fault}: {case}\n    {details}", flush=True)

    def finish(self) -> int:
        """Print a line of the table; the exit status."""
        seconds = time.monotonic() - self.begun
        ends = ", ".join(f"{number} {end}" for end, number in sorted(self.ends.items()))
        total = sum(self.ends.values())
        faults = f"{len(self.faults)} faults | {seconds:.0f} s | seed {self.seed}"
        print(f"| {self.name} | {total} | {ends} | {faults} |", flush=True)
        return 1 if self.faults else 0


def arguments(text: str, cases: int) -> argparse.Namespace:
    """The options of an attack: its cases, its seed, and which of the cases to try."""
    parser = argparse.ArgumentParser(description=text.splitlines()[0])
    parser.add_argument("--cases", type=int, default=cases)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="only this one")
    parser.add_argument("--part", default="1/1", help="2/4: every fourth case from the second one on")
    return parser.parse_args()


def numbered(options: argparse.Namespace) -> Iterator[tuple[int, random.Random]]:
    """The numbers of the cases, each with a source of random numbers of its own."""
    part, parts = map(int, options.part.split("/"))
    chosen = range(part - 1, options.cases, parts) if options.case is None else [options.case]
    for number in chosen:
        yield number, random.Random(f"{options.seed} {number}")
