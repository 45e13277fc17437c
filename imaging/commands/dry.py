"""Tell what a run or a sweep would cost, and start nothing: `dry=true`."""

import json
import math
import re
import shutil
import tempfile
import time
from pathlib import Path

from imaging.commands.sweep import collect_readable
from imaging.machine import free_memory
from imaging.reporting.report import About, write_sweep
from imaging.reporting.tables import text_table
from imaging.runs.interrupts import Interrupted
from imaging.runs.status import is_over, read_status
from imaging.sweeps.cost import Cost, draws, makespan, mean, shape
from imaging.sweeps.dry import Planned, Probes
from imaging.sweeps.jobs import Plan
from imaging.sweeps.live_table import clock

MOST = 16  # shapes that are probed


def tell_costs(planned: Planned) -> None:
    """Probe one run of each shape, and print what the runs cost and how long they take.

    Raises:
        ImagingError: a run cannot start or fails in its first steps.
    """
    planning = time.process_time()
    todo = [plan for plan in planned.plans if not is_over(plan.directory)]
    if not todo:
        print(f"{planned.directory}: nothing remains to be done")
        return
    shapes: dict[str, list[Plan]] = {}
    for plan in todo:
        shapes.setdefault(json.dumps(shape(plan.config), sort_keys=True, default=str), []).append(plan)
    groups = [sorted(group, key=length, reverse=True) for group in shapes.values()]
    step = max(1, len(groups) / MOST)
    probed = [groups[int(i * step)] for i in range(min(MOST, len(groups)))]
    each = "each" if len(probed) == len(groups) else f"{len(probed)} of these"
    print(
        f"{count(len(todo), 'job')} of {count(len(groups), 'shape')}; of {each} one job is trained for 20 "
        "steps or more, and tested on some images",
        flush=True,
    )

    def tell(name: str, cost: Cost) -> None:
        speed = f"{cost.step:.2g} s a step" if cost.steps_per_epoch else "not trained"
        print(f"{name}: {speed} on {cost.device}", flush=True)

    with tempfile.TemporaryDirectory(prefix="imaging-", ignore_cleanup_errors=True) as scratch:
        slots = planned.places.slots[: len(todo)]
        probes = Probes([(label(group[0]), group[0].config) for group in probed], slots, Path(scratch), tell)
        try:
            costs = probes.run()
        except Interrupted as error:
            raise Interrupted(f"{str(error).split(':')[0]}: nothing was started") from None
        report = report_seconds(probes.finished) if planned.is_sweep else 0.0
    known = {id(group): cost for group, cost in zip(probed, costs, strict=True)}
    rows = [(group, known.get(id(group)) or mean(costs)) for group in groups]
    print(f"\n{table_of(rows)}\n")
    if len(probed) < len(groups):
        print(f"{len(groups) - len(probed)} shapes were not probed; they count as the mean of the others")
    print(totals(planned, rows, planning + report, probes.forked or 0.0))


def report_seconds(runs: list[Path]) -> float:
    """How long the report of the probes takes, which that of more images or seeds is assumed to take too."""
    began = time.perf_counter()
    results, configs, _ = collect_readable(runs)
    write_sweep(runs[0].parent, results, About({}, []), configs)
    return time.perf_counter() - began


def table_of(rows: list[tuple[list[Plan], Cost]]) -> str:
    """What the jobs of each shape cost, as text."""
    lines = []
    for plans, cost in rows:
        config = plans[0].config
        times = [cost.whole(plan.config, steps_done(plan.directory)) for plan in plans]
        lines.append(
            [
                label(plans[0]),
                str(len(plans)),
                str(cost.steps(config["trainer"])),
                f"{cost.step:.2g}",
                clock(cost.training(config["trainer"])),
                clock(cost.test * draws(config)),
                clock(sum(times) / len(times)),
                size(cost.memory),
                size(cost.size(config)),
            ]
        )
    head = ["shape", "jobs", "steps", "s/step", "training", "test", "a job", "memory", "disk"]
    return text_table(head, lines)


def totals(planned: Planned, rows: list[tuple[list[Plan], Cost]], own: float, imports: float) -> str:
    """The time, the memory and the disk that all jobs take, as text.

    Args:
        planned: the jobs.
        rows: the plans of each shape, and what one of them costs.
        own: seconds of this process, before the jobs and after them.
        imports: seconds that a process takes to import what a job needs.
    """
    places, costs = planned.places, {id(plan): cost for plans, cost in rows for plan in plans}
    todo = [plan for plan in planned.plans if id(plan) in costs]
    each = 0.0 if places.forks else imports
    times = [each + costs[id(plan)].whole(plan.config, steps_done(plan.directory)) for plan in todo]
    around = (own if planned.is_sweep else 0.0) + (imports if places.forks else 0.0)
    if on_gpu := any(cost.device != "cpu" for _, cost in rows):  # which is given back before the report
        times = [seconds - costs[id(plan)].report for seconds, plan in zip(times, todo, strict=True)]
        around += max(cost.report for _, cost in rows)

    def line(number: int) -> str:
        at_a_time = f"{number} at a time" if len(todo) > 1 else "1 job"
        return f"{clock(around + makespan(times, number))} with {at_a_time}"

    lines = [f"time     {line(places.count)} ({places.name})"]
    if planned.jobs is not True and len(todo) > 1:
        lines.append(f"         {line(planned.jobs)}, each as fast as here")
    if planned.decide is not None:
        lines.append(
            f"         decide: this is for the first seeds; it goes on to {planned.decide} of them at most"
        )
    if any(may_stop(plan.config) for plan in todo):
        lines.append("         at most: runs may stop before their last step")
    at_once = min(len(todo), places.sharing if on_gpu else len(places.slots))
    most = max(cost.memory for _, cost in rows) * at_once
    free = "of a GPU" if on_gpu else f"of {size(free_memory())} that are free here"
    lines.append(f"memory   {size(most)} for {count(at_once, 'job')}, {free}")
    disk = sum(costs[id(plan)].size(plan.config) for plan in todo)
    lines.append(f"disk     {size(disk)}, of {size(free_disk(planned.directory))} that are free there")
    return "\n".join(lines)


def label(plan: Plan) -> str:
    """The settings that a job of a sweep varies, from the name of its directory, but for the seed."""
    name = re.sub(r"^\d+-?|(?<=-)seed-\d+(-|$)", "", plan.directory.name) if plan.words else ""
    return name.strip("-") or plan.config["model"]["name"]


def steps_done(directory: Path) -> int:
    """The step from which a run goes on."""
    return read_status(directory)["step"] if (directory / "checkpoints").is_dir() else 0


def may_stop(config: dict) -> bool:
    """Whether a run may stop before its last step."""
    trainer, callbacks = config["trainer"], config.get("callbacks", {}).values()
    names = [callback["name"] for callback in callbacks]
    limits = (trainer.get(key) is not None for key in ("prune_after", "time_limit"))
    return "early_stopping" in names or any(limits)


def length(plan: Plan) -> tuple[float, float]:
    """The limits of a training, to find the longest."""
    trainer = plan.config["trainer"]
    steps, epochs = (trainer.get(key, -1) for key in ("max_steps", "max_epochs"))
    return (math.inf if steps < 0 else steps, math.inf if epochs < 0 else epochs)


def count(number: int, noun: str) -> str:
    """A number of things: '1 job', '2 jobs'."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size(number: float) -> str:
    """A number of bytes: '1.2 GB', '340 MB'."""
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.3g} MB"


def free_disk(directory: Path) -> int:
    """The bytes that are free where a directory is to be made."""
    there = next(path for path in (directory, *directory.absolute().parents) if path.is_dir())
    return shutil.disk_usage(there).free
