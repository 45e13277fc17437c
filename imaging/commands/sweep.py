"""The report after the jobs of a sweep, and the decision whether it needs more seeds.

Nothing here imports torch, so that a queue of jobs reports without waiting for it.
"""

from pathlib import Path
from shlex import quote

from imaging.evaluation.outputs import Result
from imaging.evaluation.statistics import comparisons
from imaging.evaluation.statistics.comparisons import Decision
from imaging.evaluation.table import Table
from imaging.reporting.report import About, write_sweep
from imaging.runs.record import about_sweep, decision
from imaging.runs.status import STATUS, describe_end, is_over, read_status, true_state
from imaging.sweeps.collect import collect, find_runs, readable


def after_sweep(directory: Path) -> list[str]:
    """Report on a sweep after its jobs: one table, figures and a page.

    Returns:
        A line for each job that failed or was interrupted.
    """
    runs = find_runs(directory) if any(directory.glob(f"*/{STATUS}")) else []
    states = {run.name: true_state(run) for run in runs}
    if set(states.values()) <= {"queued"}:
        return []  # the sweep only wrote a script
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
        A line for each comparison; None if nothing can be compared, so that more seeds would not help.
    """
    limits = Decision.of(decision(directory))
    results, configs, _ = collect_readable(find_runs(directory))
    pairs = comparisons.compare(Table(results, configs), limits)
    return comparisons.open_comparisons(pairs, limits.margin) if pairs else None


def collect_readable(runs: list[Path]) -> tuple[list[Result], dict[str, dict], list[str]]:
    """Read the results and configs of runs.

    Returns:
        The results of the completed runs, the readable configs by the names of the runs, and a line for each
        unreadable file.
    """
    configs, left_out = readable(runs)
    results, damaged = collect(runs, configs, {run.name: read_status(run) for run in runs})
    return results, configs, left_out + damaged
