"""The table that an evaluation prints, for a terminal and as Markdown."""

from imaging.evaluation.records import SUMMARY_HEAD, SUMMARY_TAIL


def pivot(rows: list[dict]) -> tuple[list[str], list[list[str]]]:
    """Header and cells with one line a run and one column a sigma: the mean PSNR in dB.

    Args:
        rows: of `summarise`, all of one data set.

    Returns:
        the header, and the lines; the last line is the noisy or blurred input itself. The columns before
        the sigmas are the method and every varied hyper-parameter.
    """
    sigmas = sorted({row["sigma"] for row in rows})
    varied = list(dict.fromkeys(k for row in rows for k in row if k not in SUMMARY_HEAD + SUMMARY_TAIL))
    header = ["method", *varied, *(f"sigma {s:g}" for s in sigmas)]
    lines: dict[str, list[str]] = {}
    for row in rows:
        line = lines.setdefault(
            row["run"], [row["method"], *(_cell(row.get(k)) for k in varied), *("-" for _ in sigmas)]
        )
        line[1 + len(varied) + sigmas.index(row["sigma"])] = f"{row['psnr_mean']:.2f}"
    before = {row["sigma"]: row["psnr_input_mean"] for row in rows}
    lines[""] = ["measured y", *("" for _ in varied), *(f"{before[s]:.2f}" for s in sigmas)]
    return header, list(lines.values())


def _cell(value) -> str:
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
