"""What a run and a sweep leave for a reader, each from files alone."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from imaging.evaluation.comparisons import Decision, compare, comparisons_csv, uncompared
from imaging.evaluation.outputs import Result
from imaging.evaluation.records import Record
from imaging.evaluation.table import Table, records_csv, summarise, summary_csv
from imaging.files import file_name, write_text
from imaging.reporting.curves import read_curves
from imaging.reporting.findings import explanation, sentences, verdict
from imaging.reporting.page import MISSING, Figure, write_page
from imaging.reporting.pictures import (
    inpainting_figure,
    linear_views,
    reconstruction_grid,
    same_images,
    strips,
)
from imaging.reporting.plots import (
    described_range,
    matrix_figure,
    psnr_against_sigma,
    training_curves,
    training_range,
)
from imaging.reporting.tables import (
    SHOWN,
    Matrix,
    markdown_table,
    matrices,
    matrix_lines,
    pivot,
    text_table,
)


@dataclass
class About:
    """What is told of a sweep beside its numbers.

    Args:
        facts: for the head of the page: 'Commit', 'Runs', …
        commands: that make the whole again.
        states: of each run, by name, if some may be without results.
        missing: a line for each run or file that is left out, and why.
        decision: if seeds were added until the intervals decided.
    """

    facts: dict[str, str]
    commands: list[str]
    states: dict[str, str] | None = None
    missing: list[str] = field(default_factory=list)
    decision: Decision | None = None


def caption(records: list[Record], shown: str = "psnr") -> str:
    """What the numbers of a table are."""
    data = ", ".join(dict.fromkeys(r.data for r in records))
    exact = next((r.image for r in records if r.psnr == math.inf), None) if shown != "ssim" else None
    unbounded = "" if exact is None else f"; inf with an image that is restored exactly, such as {exact}"
    return f"{SHOWN[shown]}, mean over {image_count(records)} of {data}{unbounded}"


def image_count(records: list[Record]) -> str:
    """'100 test images', or '1 to 3 test images' where runs have been tested on different ones."""
    images: dict[str, set[str]] = {}
    for record in records:
        images.setdefault(record.run, set()).add(record.image)
    fewest, most = min(map(len, images.values())), max(map(len, images.values()))
    number = str(most) if fewest == most else f"{fewest} to {most}"
    return f"{number} test image{'' if most == 1 else 's'}"


def text(table: Table) -> str:
    """A captioned table for the terminal; where the measurements differ, with the gain over them too."""
    shown = ["psnr", "gain"] if len(table.measurements) > 1 else ["psnr"]
    return "\n\n".join(f"{caption(table.records, s)}\n{text_table(*pivot(table, s))}" for s in shown)


def report_run(directory: Path, result: Result) -> list[Path]:
    """Draw the figures of a run into its directory; returns their paths."""
    examples, figures = result.examples, []
    if examples["names"] and result.config["task"]["name"] == "inpainter":
        figures = [directory / "inpainting.png", directory / "reconstructions.png"]
        inpainting_figure(examples, *read_curves(directory, ["train/loss"])["train/loss"], figures[0])
        reconstruction_grid(examples, figures[1])
    elif examples["names"]:
        figures = [directory / "restored.png"]
        strips(same_images({"restored": examples}), figures[0], columns=3)
    if result.view is not None:
        figures.append(directory / "linear_view.png")
        linear_views({result.method: result.view}, figures[-1])
    return figures


def write_sweep(
    directory: Path, results: list[Result], about: About, configs: dict[str, dict] | None = None
) -> str:
    """Write what `directory` shall hold of these results.

    `per_image.csv`, `summary.csv`, `summary.md`, `comparisons.csv`; the figures `psnr_vs_sigma`,
    `training_matrix`, `training_curves`, `linear_view` and a `strip-<image>` for each example, as PNG and
    SVG; `report.html`.

    Args:
        configs: of all runs, if there are some without results.

    Returns:
        the text to print.
    """
    table = Table(results, configs)
    write_text(directory / "summary.csv", summary_csv(_with_states(table, about.states)))
    if not results:
        return "\n".join(["no run of this sweep has results", *about.missing])
    write_text(directory / "per_image.csv", records_csv(table))
    comparisons = compare(table, about.decision)
    write_text(directory / "comparisons.csv", comparisons_csv(comparisons))
    told = sentences(comparisons)
    compared = explanation(comparisons, about.decision)
    told += [f"not compared: {line}" for line in uncompared(table, comparisons)]
    if about.decision:
        told.append(verdict(comparisons, about.decision))
    tables = {shown: (caption(table.records, shown), pivot(table, shown)) for shown in SHOWN}
    noises = matrices(table)
    grids = {f"PSNR in dB: {m.title}": matrix_lines(m) for m in noises}
    paragraphs = [tables["psnr"][0], markdown_table(*tables["psnr"][1])]
    paragraphs += [tables["gain"][0], markdown_table(*tables["gain"][1])]
    for title, lines in grids.items():
        paragraphs += [title, markdown_table(*lines)]
    for heading, listed in ((compared, told), (MISSING, about.missing)):
        paragraphs += [heading, "\n".join(f"- {line}" for line in listed)] if listed else []
    write_text(directory / "summary.md", "\n\n".join(paragraphs) + "\n")

    figures, images = draw(directory, table, noises)
    write_page(
        directory / "report.html",
        title=directory.absolute().name,
        facts=about.facts | protocol(table),
        tables=list(tables.values()),
        matrices=grids,
        compared=compared,
        sentences=told,
        missing=about.missing,
        figures=figures,
        images=images,
        commands=about.commands,
        rows={one.label: [r.command for r in one.results if r.command] for one in table.cells},
    )
    printed = [text(table)]
    for heading, listed in ((compared, told), (MISSING, about.missing)):
        printed += ["", heading, *listed] if listed else []
    return "\n".join(printed)


def _with_states(table: Table, states: dict[str, str] | None) -> list[dict]:
    """The rows of `summary.csv`; a run without results has one with its state."""
    rows = table.summary()
    if states is None:
        return rows
    tested = {row["run"] for row in rows}
    return [row | {"state": states.get(row["run"], "")} for row in rows] + [
        {"run": run, **table.settings.get(run, {}), "state": state}
        for run, state in states.items()
        if run not in tested
    ]


def run_summary(result: Result) -> tuple[str, list[dict]]:
    """The table of one run for the terminal, and its rows, which `summary.csv` has."""
    return text(Table([result])), summarise(result)


def protocol(table: Table) -> dict[str, str]:
    """What was done to get the numbers, for the head of the page."""
    records, results = table.records, table.results
    data = ", ".join(dict.fromkeys(r.data for r in records))
    sigmas = ", ".join(f"{s:g}" for s in table.sigmas)
    ranges = dict.fromkeys(training_range(result) for result in results)
    trained = (described_range(*ends) for ends in ranges)
    operators = sorted({result.config["physics"]["operator"]["name"] for result in results})
    draws = len({r.noise_seed for r in records})
    conventions = " or ".join(dict.fromkeys(r.convention for r in records))
    return {
        "Data": f"{data}, {image_count(records)}",
        "Forward model": f"y = A x + n; A: {', '.join(operators)}; n: Gaussian, training sigma "
        f"{'; '.join(trained)}, test sigma {sigmas}",
        "Protocol": f"{draws} draw{'s' if draws > 1 else ''} of the noise for each image and sigma, the same "
        f"for every model; PSNR is 10 log10(1 / MSE) of the {conventions} estimate, each image's, "
        "then their mean; networks in float32",
    }


def draw(directory: Path, table: Table, noises: list[Matrix]) -> tuple[list[Figure], dict[str, tuple]]:
    """Write the figures of a sweep; returns them for the page, and the images for its viewer.

    Where pictures are shown, of several seeds it is the first that has some.

    Args:
        table: the results.
        noises: their `imaging.reporting.tables.matrices`.
    """
    path = directory / "psnr_vs_sigma.png"
    psnr_against_sigma(table, path)
    figures = [Figure("PSNR against the noise at test", path)]
    if noises:
        path = directory / "training_matrix.png"
        matrix_figure(noises, path)
        figures.append(Figure("Training noise against test noise", path))
    tags = ["train/loss", "val/psnr"]
    curves = {r.run: read_curves(r.directory, tags) for r in table.results if r.directory}
    path = directory / "training_curves.png"
    if training_curves(table, curves, path):
        figures.append(Figure("Training curves", path))
    examples = {
        one.label: _first(r.examples for r in one.results if r.examples["names"]) for one in table.cells
    }
    measured = {one.label: name for name, cells in table.measurements.items() for one in cells}
    images = same_images({label: one for label, one in examples.items() if one}, measured)
    for name, image in images.items():
        path = directory / f"strip-{file_name(name)}.png"
        strips({name: image}, path)
        figures.append(Figure(f"Image {name}", path))
    views = {one.label: _first(r.view for r in one.results if r.view is not None) for one in table.cells}
    views = {label: view for label, view in views.items() if view is not None}
    if views:
        path = directory / "linear_view.png"
        linear_views(views, path)
        figures.append(Figure(LINEAR_VIEW, path))
    return figures, images


def _first(some):
    return next(iter(some), None)


LINEAR_VIEW = (
    "Networks without biases, as the linear map that each is at one y: the weights of the pixels of y in the "
    "restored value at the cross, and the singular values of the Jacobian"
)
