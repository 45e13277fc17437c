"""What a run and a sweep leave for a reader, each from files alone."""

from pathlib import Path

from imaging.evaluation.comparisons import compare, comparisons_csv, sentences
from imaging.evaluation.outputs import read_examples, write_tables
from imaging.evaluation.records import Record, read_per_image
from imaging.evaluation.sweep import find_runs, varied
from imaging.files import write_text
from imaging.reporting.curves import read_curve
from imaging.reporting.figures import inpainting_figure, psnr_against_sigma, reconstruction_grid, strips
from imaging.reporting.tables import cell, markdown_table, pivot, text_table

COMPARED = "Paired by image, mean difference with its 95 % bootstrap interval:"


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


def report_sweep(directory: Path, configs: dict[str, dict], states: dict[str, str]) -> str:
    """Collect the runs of a sweep into `per_image.csv`, `summary.csv`, `summary.md` and `psnr_vs_sigma.png`.

    Runs without records are named with their state, and the others still make the table.

    Args:
        directory: the sweep's.
        configs: resolved config of each run, by the name of its directory.
        states: state of each run, by the same name.

    Returns:
        the text to print.
    """
    records, missing = [], []
    for run in find_runs(directory):
        path = run / "per_image.csv"
        if path.is_file():
            records += read_per_image(path)
        else:
            missing.append(f"{run.name}: no results, {states.get(run.name, 'unknown')}")
    if not records:
        write_tables(directory, [], varied(configs), states)
        return "\n".join(["no run of this sweep has results", *missing])
    return "\n".join([write_sweep(directory, records, configs, states), *missing])


def write_sweep(
    directory: Path, records: list[Record], configs: dict[str, dict], states: dict[str, str] | None = None
) -> str:
    """Write the tables and the curve of several runs; returns the text to print.

    Args:
        directory: where to.
        records: of all runs.
        configs: resolved config of each run, by the name of its records.
        states: of each run, if some may be without records.
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
    psnr_against_sigma(rows, labels, directory / "psnr_vs_sigma.png")
    return "\n".join([table(records, rows), *(["", COMPARED, *told] if told else [])])
