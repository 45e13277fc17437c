"""The table that an evaluation prints, for a terminal and as Markdown."""

import statistics

from imaging.evaluation.records import SUMMARY_HEAD, SUMMARY_TAIL


def pivot(rows: list[dict]) -> tuple[list[str], list[list[str]]]:
    """Header and cells with one line a kind of run and one column a sigma: the mean PSNR in dB.

    Runs that differ in their seed alone share a line; its cells then are the mean over the seeds ± their
    standard deviation (with n - 1).

    Args:
        rows: of `summarise`, all of one data set.

    Returns:
        the header, and the lines; the last line is the noisy or blurred input itself. The columns before
        the sigmas are the method and every varied hyper-parameter.
    """
    sigmas = sorted({row["sigma"] for row in rows})
    varied = list(dict.fromkeys(k for row in rows for k in row if k not in SUMMARY_HEAD + SUMMARY_TAIL))
    seeded = "seed" in varied
    kinds = [k for k in varied if k != "seed"]
    lines: dict[tuple, dict[float, list[float]]] = {}
    for row in rows:
        # Where no seed is told, each run is a line of its own.
        kind = (row["method"], *(cell(row.get(k)) for k in kinds), None if seeded else row["run"])
        lines.setdefault(kind, {}).setdefault(row["sigma"], []).append(row["psnr_mean"])
    before = {row["sigma"]: row["psnr_input_mean"] for row in rows}
    count = ["seeds"] if seeded else []
    cells = []
    for kind, values in lines.items():
        seeds = [str(max(len(v) for v in values.values()))] if seeded else []
        cells.append([*kind[:-1], *seeds, *(_mean(values.get(s, [])) for s in sigmas)])
    cells.append(["measured y", *("" for _ in kinds + count), *(f"{before[s]:.2f}" for s in sigmas)])
    return ["method", *kinds, *count, *(f"sigma {s:g}" for s in sigmas)], cells


def _mean(values: list[float]) -> str:
    if not values:
        return "-"
    spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.2f}{spread}"


def cell(value) -> str:
    """A setting as people write it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def text_table(header: list[str], lines: list[list[str]]) -> str:
    """Columns aligned with spaces: words to the left, numbers to the right."""
    widths = [max(len(cell) for cell in column) for column in zip(header, *lines, strict=True)]

    def aligned(line: list[str]) -> str:
        cells = [
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    return "\n".join(aligned(line) for line in [header, *lines])


def markdown_table(header: list[str], lines: list[list[str]]) -> str:
    """The same as a Markdown table."""
    rule = [":---", *("---:" for _ in header[1:])]
    return "\n".join(f"| {' | '.join(line)} |" for line in [header, rule, *lines])
