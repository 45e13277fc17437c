"""Prove the project on a GPU: tests, speed, equal numbers and kills, in ten minutes and one table.

    make gpu                          # python benchmarks/gpu.py, into benchmarks/gpu.md
    python benchmarks/gpu.py --part training kernels
    python benchmarks/gpu.py --accelerator cpu --quick   # tries this script where there is no GPU

Each line says what was expected. Without a GPU it says so, and exits with 2.
"""

import argparse
import csv
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

CHECKOUT = Path(__file__).parents[1]
TRAIN, EVALUATE = str(CHECKOUT / "train.py"), str(CHECKOUT / "evaluate.py")
TABLE = CHECKOUT / "benchmarks" / "gpu.md"
# The study's denoiser on the bundled photographs: patches of 50×50 pixels, 128 of them a step.
DENOISER = ["experiment=denoising", "data=bundled", "data.max_test_images=2", "trainer.max_epochs=-1"]


@dataclass
class Timing:
    """What a run of `train.py` printed, with the seconds from its start to each line."""

    lines: list[tuple[float, str]] = field(default_factory=list)

    @property
    def start(self) -> float:
        return next(seconds for seconds, line in self.lines if " parameters, " in line)

    @property
    def _progress(self) -> list[tuple[float, float]]:
        """Seconds and steps per second of each line of progress; the last is at the training's end."""
        rates = [(seconds, re.search(r"([\d.]+) steps/s", line)) for seconds, line in self.lines]
        return [(seconds, float(rate[1])) for seconds, rate in rates if rate]

    @property
    def training(self) -> float:
        return self._progress[-1][0] - self.start

    @property
    def test(self) -> float:
        return self.lines[-1][0] - self.start - self.training

    @property
    def steps_per_second(self) -> float:
        return self._progress[-1][1]


class Acceptance:
    """The parts of the table; each yields rows (what, measured, expected)."""

    def __init__(self, directory: Path, accelerator: str, quick: bool):
        self.directory, self.accelerator, self.quick = directory, accelerator, quick
        self.steps = 60 if quick else 1000

    def train(self, name: str, *words: str) -> Timing:
        """Train one run; its directory is `name`."""
        where = [f"hydra.run.dir={self.directory / name}", f"trainer.accelerator={self.accelerator}"]
        return self._command([sys.executable, TRAIN, *words, *where])

    def _command(self, command: list[str]) -> Timing:
        timing, began = Timing(), time.perf_counter()
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1", "PYTHONPATH": str(CHECKOUT)},
            cwd=self.directory,
        )
        for line in child.stdout or ():
            timing.lines.append((time.perf_counter() - began, line.rstrip()))
        if child.wait():
            last = "\n".join(line for _, line in timing.lines[-8:])
            raise RuntimeError(f"exit status {child.returncode}: {last[-600:]}")
        return timing

    def tests(self) -> Iterator[tuple[str, str, str]]:
        """The tests that need a GPU."""
        tests = ["-m", "pytest", "-o", "addopts=", str(CHECKOUT / "tests" / "gpu")]
        summary = self._command([sys.executable, *tests]).lines[-1][1]
        yield "tests/gpu", summary.strip("= "), "5 passed, 2 skipped: those of the pretended GPU"

    def training(self) -> Iterator[tuple[str, str, str]]:
        """Speed of the training, and the seconds around it."""
        cases = {
            "64 channels, Adam": ("model.hidden_channels=64", "> 1,000 steps/s on an H100"),
            "64 channels, Muon": ("model.hidden_channels=64 optimizer=muon", "half of Adam's or more"),
            "64 channels, compiled": ("model.hidden_channels=64 trainer.compile=true", "faster than Adam's"),
            "32 channels, Adam": ("model.hidden_channels=32", "> 1,000 steps/s on an H100"),
            "32 channels, compiled": ("model.hidden_channels=32 trainer.compile=true", "faster than Adam's"),
        }
        if self.quick:
            cases = {"4 channels": ("model.hidden_channels=4", "")}
        for what, (words, expected) in cases.items():
            length = [f"trainer.max_steps={self.steps}", "trainer.val_check_interval=500"]
            run = self.train(f"training {what}", *DENOISER, *words.split(), *length)
            yield what, _speed(run), expected
        run = self.train("mlp", "experiment=inpainting_bundled", "trainer.max_epochs=2")
        yield "MLP on patches", _speed(run), "> 500 steps/s"
        run = self.train(
            "deconvolution",
            "experiment=deconvolution",
            "data=bundled",
            f"trainer.max_steps={self.steps // 2}",
        )
        yield "deconvolution, U-Net", _speed(run), "> 100 steps/s on an H100"

    def validation(self) -> Iterator[tuple[str, str, str]]:
        """What frequent validations cost."""
        rates = []
        for interval in (self.steps // 2, self.steps // 20):
            words = [f"trainer.max_steps={self.steps}", f"trainer.val_check_interval={interval}"]
            run = self.train(f"validation {interval}", *DENOISER, "model.hidden_channels=32", *words)
            rates.append(run.steps_per_second)
        measured = f"{rates[0]:.0f} and {rates[1]:.0f} steps/s"
        yield "2 and 20 validations in a training", measured, "the second at least 0.7 of the first"

    def kernels(self) -> Iterator[tuple[str, str, str]]:
        """Kernels, copies and waits of a step, by torch's profiler."""
        file = self.directory / "profile.json"
        profile = ["imports=[benchmarks.step_profile]", "+callbacks.profile.name=step_profile"]
        length = ["trainer.max_steps=64", "trainer.log_every_n_steps=64"]
        for channels in (64, 32) if not self.quick else (4,):
            words = [*profile, f"+callbacks.profile.file={file}", f"model.hidden_channels={channels}"]
            self.train(f"profile {channels}", *DENOISER, *length, *words)
            counts = json.loads(file.read_text())
            text = ", ".join(f"{count:g} {name}" for name, count in counts.items())
            yield f"a step, {channels} channels", text, "no waits between logged steps"

    def precision(self) -> Iterator[tuple[str, str, str]]:
        """bf16 against float32, and the test on the CPU against that on the GPU."""
        values = {}
        for precision in ("float32", "bf16"):
            words = ["model.hidden_channels=32", f"trainer.precision={precision}"]
            name = f"precision-{precision}"
            self.train(name, *DENOISER, f"trainer.max_steps={self.steps}", *words)
            metrics = json.loads((self.directory / name / "metrics.json").read_text())
            values[precision] = metrics["test/psnr/0.1"]
        yield (
            "PSNR at 0.1 after float32 and bf16",
            f"{values['float32']:.3f} and {values['bf16']:.3f} dB",
            "within 0.1 dB",
        )
        run, output = self.directory / "precision-float32", self.directory / "on-cpu"
        self._command([sys.executable, EVALUATE, f"run={run}", "accelerator=cpu", f"output={output}"])
        tables = [list(csv.DictReader((place / "per_image.csv").open())) for place in (run, output)]
        rows = zip(*tables, strict=True)
        worst = max(abs(float(a["psnr"]) - float(b["psnr"])) for a, b in rows)
        yield f"test on {self.accelerator} and on cpu", f"at most {worst:.4f} dB apart", "1e-3 dB"

    def kills(self) -> Iterator[tuple[str, str, str]]:
        """Runs that are killed and resumed, with and without deterministic algorithms."""
        for words in (["trainer.deterministic=true"], []):
            kills = [sys.executable, str(CHECKOUT / "benchmarks" / "kills.py"), "1" if self.quick else "4"]
            command = [*kills, "--accelerator", self.accelerator, "--precision", "float32", *words]
            try:
                told = self._command(command).lines[-1][1]
            except RuntimeError as error:
                told = str(error).splitlines()[-1]
            expected = "4 identical ends" if words else "may differ"
            yield f"kills{', deterministic' if words else ''}", told, expected

    def sharing(self) -> Iterator[tuple[str, str, str]]:
        """Jobs that share the GPU."""
        alone = None
        for count in (1, 2, 4, 8) if not self.quick else (1, 2):
            name = f"jobs-{count}"
            seeds = ",".join(map(str, range(count)))
            queue = ["launcher=queue", f"seed={seeds}", f"hydra.sweep.dir={self.directory / name}"]
            place = (
                [f"hydra.launcher.devices=cpu:{count}"]
                if self.accelerator == "cpu"
                else ["hydra.launcher.devices=1", f"hydra.launcher.jobs_per_gpu={count}"]
            )
            words = [*DENOISER, "model.hidden_channels=32", f"trainer.max_steps={self.steps}"]
            self._command([sys.executable, TRAIN, "-m", *words, *queue, *place])
            total = 0.0
            for log in (self.directory / name).glob("*/log.txt"):
                total += float(re.findall(r"([\d.]+) steps/s", log.read_text())[-1])
            alone = alone or total
            yield f"{count} jobs on the card", f"{total:.0f} steps/s in all ({total / alone:.2f})", ""


def _speed(run: Timing) -> str:
    parts = f"start {run.start:.1f} s, training {run.training:.1f} s, test and figures {run.test:.1f} s"
    return f"{run.steps_per_second:,.0f} steps/s; {parts}"


def card(accelerator: str) -> str:
    import torch

    name = torch.cuda.get_device_name() if accelerator == "cuda" else "no GPU"
    versions = ", ".join(f"{package} {version(package)}" for package in ("torch", "pytorch-lightning"))
    return f"{date.today()}, {name}; Python {sys.version.split()[0]}, {versions}"


PARTS = ("tests", "training", "validation", "kernels", "precision", "kills", "sharing")


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--accelerator", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--quick", action="store_true", help="a few steps of small networks")
    options = parser.parse_args()
    if options.accelerator == "cuda":
        import torch

        if not torch.cuda.is_available():
            print("gpu.py: torch sees no CUDA GPU here: nothing is measured", file=sys.stderr)
            return 2
    lines = [card(options.accelerator), "", "| what | measured | expected |", "| --- | --- | --- |"]
    print("\n".join(lines), flush=True)
    with TemporaryDirectory() as directory:
        acceptance = Acceptance(Path(directory), options.accelerator, options.quick)
        for part in options.part:
            measure: Callable = getattr(acceptance, part)
            try:
                for row in measure():
                    lines.append("| " + " | ".join(row) + " |")
                    print(lines[-1], flush=True)
            except Exception as error:  # the other parts are still worth having
                lines.append(f"| {part} | FAILED: {' '.join(str(error).split())[:300]} | |")
                print(lines[-1], flush=True)
    if options.accelerator == "cuda" and not options.quick and options.part == list(PARTS):
        TABLE.write_text("# The acceptance on a GPU: `make gpu`\n\n" + "\n".join(lines) + "\n")
    return 1 if any("FAILED" in line for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
