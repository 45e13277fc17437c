"""What follows the jobs of a sweep: the report, and whether more seeds are needed.

Nothing here imports torch, so a queue of jobs reports without waiting for it.
"""

from pathlib import Path
from shlex import quote

from imaging.evaluation import comparisons
from imaging.evaluation.comparisons import Decision
from imaging.evaluation.outputs import Result
from imaging.evaluation.table import Table
from imaging.reporting.report import About, write_sweep
from imaging.runs.record import about_sweep, decision
from imaging.runs.status import describe_end, is_over, read_status, true_state
from imaging.sweeps.collect import collect, find_runs, readable


def after_sweep(directory: Path) -> list[str]:
    """Report on a sweep whose jobs have ended: one table, figures and a page.

    Returns:
        a line for each job that has ended but is not completed.
    """
    runs = find_runs(directory)
    states = {run.name: true_state(run) for run in runs}
    if set(states.values()) == {"queued"}:
        return []  # a script was written
    results, configs, left_out = collect_readable(runs)
    left_out += [f"{run.name}: {describe_end(run)}" for run in runs if states[run.name] != "completed"]
    about = About(*about_sweep(directory), states, left_out, Decision.of(decision(directory)))
    print(f"\n{write_sweep(directory, results, about, configs)}\n")
    print(f"sweep    {directory}")
    if results:
        print(f"page     {directory}/report.html")
        print("tables   per_image.csv, summary.csv, summary.md, comparisons.csv; figures beside them")
    print(f"curves   tensorboard --logdir {quote(str(directory))}")
    return [
        f"{run.name} {describe_end(run)}" for run in runs if not is_over(run) and states[run.name] != "queued"
    ]


def undecided(directory: Path) -> list[str] | None:
    """List the comparisons of a sweep with `decide` that need more seeds.

    Returns:
        a line for each; None if nothing can be compared, so that seeds would not help.
    """
    limits = Decision.of(decision(directory))
    results, configs, _ = collect_readable(find_runs(directory))
    found = comparisons.compare(Table(results, configs), limits)
    return comparisons.undecided(found, limits.margin) if found else None


def collect_readable(runs: list[Path]) -> tuple[list[Result], dict[str, dict], list[str]]:
    """Read what runs have left.

    Returns:
        the results of completed runs, the configs that can be read by the names of the runs, and a line for
        each file that cannot be read.
    """
    configs, left_out = readable(runs)
    results, damaged = collect(runs, configs, {run.name: read_status(run) for run in runs})
    return results, configs, left_out + damaged
