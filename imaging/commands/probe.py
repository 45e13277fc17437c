"""Measure what a run costs: a few steps of its training, and a few images of its test."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch

from imaging.commands.stages import begin, prepare, write_results
from imaging.errors import ImagingError
from imaging.evaluation.linear_view import linear_view
from imaging.evaluation.outputs import PER_IMAGE, Result
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.run import evaluate_run
from imaging.evaluation.testing import batches_of
from imaging.machine import peak_memory
from imaging.runs.checkpoints import BEST, LAST
from imaging.runs.config import read_config
from imaging.runs.ledger import spacing
from imaging.runs.run import is_first_rank
from imaging.runs.status import read_status
from imaging.sweeps.cost import Cost, write_cost
from imaging.sweeps.dry import PROBE
from imaging.training.callbacks.checkpoints import Checkpoints
from imaging.training.callbacks.ledger import LedgerCallback
from imaging.training.callbacks.stopwatch import Stopwatch
from imaging.training.trainer import build_trainer, fit

STEPS, SECONDS = 20, 3.0  # that are measured at least
EVENT = 60  # bytes of a number in TensorBoard's file
NUMBERS = 4  # of them at a logged step
MORE = "more.csv"  # records of the second part of the test


def probe(directory: Path) -> None:
    """Train a few steps of a run in a directory, test a few images, and write `cost.json`.

    Args:
        directory: of a queued run, whose length does not matter; its files are afterwards those of a run that
            was stopped.

    Raises:
        ImagingError: what the run would raise.
    """
    began = time.perf_counter()
    if is_first_rank() and read_status(directory)["state"] != "queued":
        raise ImagingError(f"dry={PROBE} is what dry=true starts in directories of its own: give dry=true")
    settings = read_config(directory)  # as it is, since the paths are those of this machine
    run = begin(settings, directory)
    with run.watched():
        protocol, task, data = prepare(settings)
        trainer, _ = build_trainer(settings["trainer"], run)
        steps_per_epoch = data.steps_per_epoch(trainer.world_size)
        callbacks: list = trainer.callbacks  # type: ignore[attr-defined]
        (checkpoints,) = (c for c in callbacks if isinstance(c, Checkpoints))
        watch = Stopwatch(STEPS, SECONDS, checkpoints)
        callbacks.insert(0, watch)
        fit(trainer, task, data, run, None)
        step = watch.took / max(1, watch.measured)
        ready = time.perf_counter() - sum(watch.validations)
        if watch.warm is not None:
            ready = watch.warm[0] - watch.warm[1] * step
        first = watch.validations[-1] if watch.validations else 0.0
        if first < SECONDS and trainer.world_size == 1:
            trainer.validate(task, datamodule=data, verbose=False)  # the first one starts CUDA's libraries
            task.to(trainer.strategy.root_device)  # from which Lightning has taken it
        validation = watch.validations[-1] if watch.validations else 0.0
        saving = _timed(lambda: trainer.save_checkpoint(run.checkpoints / LAST))[1] if watch.done else 0.0
        if not run.writes:
            return
        test, records, result = _test(task, data.test_images(), protocol, settings, directory)
        if protocol.clean:
            result.view, view = _timed(lambda: linear_view(task, *data.test_images()[0], protocol))
        else:
            view = 0.0
        report = _timed(lambda: write_results(directory, result))[1]
        cuda = task.device.type == "cuda"
        used = torch.cuda.max_memory_reserved(task.device) if cuda else peak_memory()
        cost = Cost(
            device=torch.cuda.get_device_name(task.device) if cuda else "cpu",
            steps_per_epoch=steps_per_epoch if watch.done else 0,
            start=0.0,  # which this process cannot measure
            probe=0.0,
            setup=ready - began + first - validation,
            step=step,
            validation=validation,
            checkpoint=saving,
            test=test,
            view=view,
            report=report,
            memory=used,
            disk=0,
            records=records,
        )
        steps = cost.steps(settings["trainer"])
        kept = sum(steps // spacing(steps, c.every_n_steps, c.keep) for c in callbacks if _keeps(c))
        disk = _disk(directory, cost, settings["trainer"], kept, validated=len(watch.validations))
        write_cost(directory, replace(cost, disk=disk, probe=time.perf_counter() - began))


def _test(task, images, protocol: Protocol, settings: dict, directory: Path) -> tuple[float, int, Result]:
    """The seconds and the bytes of the records of a test with one draw of the noise, and a result of it.

    As many images as the run's figure shows are tested, then others for about `SECONDS`.
    """
    one = replace(protocol, noise_seeds=1)

    def tested(batches: list[tuple[int, int, int]], name: str) -> tuple[Result, float]:
        chosen = [images[i] for first, count, _ in batches for i in range(first, first + count)]
        file = directory / name
        return _timed(lambda: evaluate_run(task, chosen, one, settings, "probe", file, view=False))

    sizes = [(first, len(names), batch.numel()) for first, names, batch in batches_of(images)]
    shown, chosen = min(settings["test"]["examples"], len(images)), spread(sizes, 1)
    while sum(count for _, count, _ in chosen) < shown:
        chosen = spread(sizes, len(chosen) + 1)
    result, seconds = tested(chosen, PER_IMAGE)
    others = [batch for batch in sizes if batch not in chosen]
    if count := min(len(others), int(len(chosen) * SECONDS / seconds)):
        chosen = spread(others, count)
        seconds = tested(chosen, MORE)[1]
    share = sum(size for *_, size in sizes) / sum(size for *_, size in chosen)
    size = os.path.getsize(directory / PER_IMAGE) * len(images) / len({r.image for r in result.records})
    return seconds * share, round(size), result


def spread(batches: list, count: int) -> list:
    """So many of the batches, at equal distances."""
    return [batches[i * len(batches) // count] for i in range(count)]


def _timed(do: Callable) -> tuple:
    began = time.perf_counter()
    return do(), time.perf_counter() - began


def _keeps(callback) -> bool:
    return isinstance(callback, LedgerCallback) and callback.keep > 0


def _disk(directory: Path, cost: Cost, trainer: dict, kept: int, validated: int) -> int:
    """The bytes of a whole run's directory, but for its records, from that of a probe.

    Args:
        directory: of the probe.
        cost: what the probe has measured.
        trainer: the settings of the run's trainer.
        kept: the number of checkpoints that the run keeps, but for the last ones and the best.
        validated: the number of validations of the probe.
    """
    steps, last = cost.steps(trainer), directory / "checkpoints" / LAST
    # last, best, and from the second one on the one before.
    checkpoints = 1 + last.with_name(BEST).is_file() + (steps > trainer["checkpoint_every_n_steps"])
    curves = _bytes(directory / "tensorboard") * (cost.validations(trainer) + 1) // max(1, validated)
    curves += EVENT * NUMBERS * (steps // trainer["log_every_n_steps"])
    others = _bytes(directory) - sum(_bytes(directory / name) for name in ("checkpoints", "tensorboard"))
    records = sum(
        (directory / name).stat().st_size for name in (PER_IMAGE, MORE) if (directory / name).is_file()
    )
    size = last.stat().st_size if last.is_file() else 0
    return others - records + curves + (checkpoints + kept) * size


def _bytes(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
