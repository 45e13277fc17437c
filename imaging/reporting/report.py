"""What a run and a sweep leave for a reader, each from files alone."""

from collections.abc import Sequence
from pathlib import Path

from imaging.evaluation.comparisons import compare, comparisons_csv, sentences
from imaging.evaluation.outputs import read_examples, write_tables
from imaging.evaluation.records import Record, read_per_image
from imaging.evaluation.sweep import find_runs, varied
from imaging.files import write_text
from imaging.reporting.curves import read_curve
from imaging.reporting.figures import inpainting_figure, psnr_against_sigma, reconstruction_grid, strips
from imaging.reporting.page import COMPARED, write_page
from imaging.reporting.tables import cell, markdown_table, pivot, text_table


def caption(records: list[Record]) -> str:
    """What the numbers of a table are."""
    images = len({r.image for r in records})
    data = ", ".join(dict.fromkeys(r.data for r in records))
    return f"PSNR in dB, mean over {images} test images of {data}"


def table(records: list[Record], rows: list[dict]) -> str:
    """A captioned table for the terminal."""
    return f"{caption(records)}\n{text_table(*pivot(rows))}"


def report_run(directory: Path, task: str) -> list[Path]:
    """Draw the figures of a run into its directory; returns their paths."""
    examples = read_examples(directory)
    if not examples["names"]:
        return []
    if task != "inpainter":
        strips(examples, directory / "restored.png", examples["sigma"])
        return [directory / "restored.png"]
    figures = [directory / "inpainting.png", directory / "reconstructions.png"]
    inpainting_figure(examples, *read_curve(directory, "train/loss"), figures[0])
    reconstruction_grid(examples, figures[1])
    return figures


def report_sweep(
    directory: Path, configs: dict[str, dict], states: dict[str, str], about: tuple[str, list[str]]
) -> str:
    """Collect the runs of a sweep into its tables, its figure and its page; see `write_sweep`.

    Runs without records are named with their state, and the others still make the table.

    Args:
        directory: the sweep's.
        configs: resolved config of each run, by the name of its directory.
        states: state of each run, by the same name.
        about: of the page, for a person: what ran, and the commands that make it again.

    Returns:
        the text to print.
    """
    records, missing, examples = [], [], {}
    for run in find_runs(directory):
        path = run / "per_image.csv"
        if path.is_file():
            records += read_per_image(path)
            examples |= {run.name: read_examples(run)} if (run / "examples.npz").is_file() else {}
        else:
            missing.append(f"{run.name}: no results, {states.get(run.name, 'unknown')}")
    if not records:
        write_tables(directory, [], varied(configs), states)
        return "\n".join(["no run of this sweep has results", *missing])
    return write_sweep(directory, records, configs, examples, about, states, missing)


def write_sweep(
    directory: Path,
    records: list[Record],
    configs: dict[str, dict],
    examples: dict[str, dict],
    about: tuple[str, list[str]],
    states: dict[str, str] | None = None,
    missing: Sequence[str] = (),
) -> str:
    """Write the tables (CSV and Markdown), the comparisons, `psnr_vs_sigma.png` and `report.html`.

    Args:
        directory: where to.
        records: of all runs.
        configs: resolved config of each run, by the name of its records.
        examples: restored images of each run, as `read_examples` gives them.
        about: of the page, for a person: what ran, and the commands that make it again.
        states: of each run, if some may be without records.
        missing: a line for each run without records.

    Returns:
        the text to print.
    """
    names = dict.fromkeys(r.run for r in records)
    settings = varied(configs)
    rows = write_tables(directory, records, settings, states)
    settings = {name: settings[name] for name in names}
    header, lines = pivot(rows)
    comparisons = compare(records, settings)
    told = sentences(comparisons)
    write_text(directory / "comparisons.csv", comparisons_csv(comparisons))
    paragraphs = [caption(records), markdown_table(header, lines)]
    if told:
        paragraphs += [COMPARED, "\n".join(f"- {sentence}" for sentence in told)]
    write_text(directory / "summary.md", "\n\n".join(paragraphs) + "\n")
    methods = {r.run: r.method for r in records}
    labels = {
        run: ", ".join([methods[run], *(f"{k} {cell(v)}" for k, v in s.items() if k != "seed")])
        for run, s in settings.items()
    }
    curve = directory / "psnr_vs_sigma.png"
    psnr_against_sigma(rows, labels, curve)
    shown = {}
    for run, label in labels.items():
        if run in examples:
            shown.setdefault(label, examples[run])  # of several seeds the first
    write_page(
        directory / "report.html",
        title=directory.absolute().name,
        subtitle=about[0],
        caption=caption(records),
        table=(header, lines),
        sentences=told,
        missing=list(missing),
        curve=curve,
        examples=shown,
        commands=about[1],
    )
    return "\n".join([table(records, rows), *(["", COMPARED, *told] if told else []), *missing])
