"""Write the report of a sweep and the figures of a run."""

import math
from dataclasses import dataclass, field
from pathlib import Path

from imaging.evaluation.outputs import Result
from imaging.evaluation.records import Record
from imaging.evaluation.statistics.comparisons import Decision, compare, comparisons_csv, uncompared
from imaging.evaluation.table import Table, records_csv, summarise, summary_csv
from imaging.files import file_name, write_text
from imaging.quality import EXPECTED, TEXTS, VALIDATION
from imaging.reporting.convergence import convergence_figure
from imaging.reporting.curves import read_curves
from imaging.reporting.figures import read_width
from imaging.reporting.findings import explanation, sentences, verdict
from imaging.reporting.page import MISSING, Figure, write_page
from imaging.reporting.pictures import (
    group_examples,
    inpainting_figure,
    reconstruction_grid,
    strips,
)
from imaging.reporting.plots import (
    capitalised,
    described_range,
    matrix_figure,
    psnr_against_noise,
    training_curves,
    training_range,
)
from imaging.reporting.tables import (
    QUANTITIES,
    markdown_table,
    matrices,
    matrix_lines,
    pivot,
    text_table,
)
from imaging.reporting.views import linear_views

LINEAR_VIEW = (
    "Networks without biases as linear maps at one y: the weights of the pixels of y in the restored value "
    "at the cross, and the singular values of the Jacobian"
)

# The figures of a sweep, as patterns of their names.
DRAWN = ("psnr_vs_*", "training_matrix", "training_curves", "convergence", "linear_view", "strip-*")
MEASURED = "PSNR is 10 log10(1 / MSE) of the {} estimate, each image's, then their mean"
BLIND = (
    "there are no clean images: expected PSNR is 10 log10(1 / MSE) with the mean squared error that the "
    "measurements alone let expect (Stein's unbiased risk estimate, or pairs of measurements), each image's, "
    "then their mean"
)


@dataclass
class About:
    """Information about a sweep for its report.

    Args:
        facts: names and values for the head of the page: 'Commit', 'Runs', …
        commands: the commands that reproduce the sweep.
        states: state of each run by name, if some may have no results.
        missing: a line with the reason for each run or file that is left out.
        decision: None unless seeds were added until the intervals decided.
    """

    facts: dict[str, str]
    commands: list[str]
    states: dict[str, str] | None = None
    missing: list[str] = field(default_factory=list)
    decision: Decision | None = None


def caption(table: Table, value: str = "psnr") -> str:
    """The caption of a table: quantity, unit, number of images and data set."""
    records = table.records
    data = ", ".join(dict.fromkeys(r.data for r in records))
    exact = next((r.image for r in records if r.psnr == math.inf), None) if value != "ssim" else None
    unbounded = "" if exact is None else f"; inf with an image that is restored exactly, such as {exact}"
    return f"{QUANTITIES[value].format(table.quality)}, mean over {image_count(records)} of {data}{unbounded}"


def image_count(records: list[Record]) -> str:
    """'100 test images', or '1 to 3 test images' if runs were tested on different numbers of images."""
    images: dict[str, set[str]] = {}
    for record in records:
        images.setdefault(record.run, set()).add(record.image)
    fewest, most = min(map(len, images.values())), max(map(len, images.values()))
    number = str(most) if fewest == most else f"{fewest} to {most}"
    return f"{number} test image{'' if most == 1 else 's'}"


def text(table: Table) -> str:
    """A table with caption for the terminal, and a table of gains if the measurements differ."""
    values = ["psnr", "gain"] if len(table.measurements) > 1 else ["psnr"]
    return "\n\n".join(f"{caption(table, v)}\n{text_table(*pivot(table, v))}" for v in values)


def report_run(directory: Path, result: Result) -> list[Path]:
    """Draw the figures of a run into its directory and return their paths."""
    examples, figures = result.examples, []
    width = read_width(result.config)
    if examples["names"] and examples["clean"] and result.config["task"]["name"] == "inpainter":
        figures = [directory / "inpainting.png", directory / "reconstructions.png"]
        inpainting_figure(
            examples, *read_curves(directory, ["train/loss"])["train/loss"], figures[0], width=width
        )
        reconstruction_grid(examples, figures[1], width=width)
    elif examples["names"]:
        figures = [directory / "restored.png"]
        strips(group_examples({"restored": examples}), figures[0], columns=3, width=width)
    if examples.get("traces"):
        figures.append(directory / "convergence.png")
        convergence_figure({result.method: examples}, figures[-1], width=width)
    if result.view is not None:
        figures.append(directory / "linear_view.png")
        linear_views({result.method: result.view}, figures[-1], width=width)
    return figures


def write_sweep(
    directory: Path, results: list[Result], about: About, configs: dict[str, dict] | None = None
) -> str:
    """Write the report of a sweep.

    The files are `per_image.csv`, `summary.csv`, `summary.md`, `comparisons.csv` and `report.html`, and as
    PNG, SVG and PDF, with their data as CSV, the figures `psnr_vs_sigma` (or `psnr_vs_peak`),
    `training_matrix`, `training_curves`, `convergence`, `linear_view` and `strip-<image>` for each example.

    Args:
        directory: the directory for the files.
        results: the results of the runs that have any.
        about: information about the sweep.
        configs: configs of all runs by name, if some have no results.

    Returns:
        the text to print.
    """
    table = Table(results, configs)
    write_text(directory / "summary.csv", summary_csv(_with_states(table, about.states), table.levels))
    if not results:
        return "\n".join(["no run of this sweep has results", *about.missing])
    write_text(directory / "per_image.csv", records_csv(table))
    comparisons = compare(table, about.decision)
    write_text(directory / "comparisons.csv", comparisons_csv(comparisons))
    findings = sentences(comparisons)
    findings += [f"not compared: {line}" for line in uncompared(table, comparisons)]
    if about.decision:
        findings.append(verdict(comparisons, about.decision))
    compared = explanation(comparisons, about.decision)
    lists = [(heading, items) for heading, items in ((compared, findings), (MISSING, about.missing)) if items]
    values = [value for value in QUANTITIES if value != "ssim" or table.quality != TEXTS[True]]
    tables = {value: (caption(table, value), pivot(table, value)) for value in values}
    grids = {f"{table.quality} in dB: {m.title}": matrix_lines(m) for m in matrices(table)}
    paragraphs = []
    for title, lines in (tables["psnr"], tables["gain"], *grids.items()):
        paragraphs += [title, markdown_table(*lines)]
    for heading, items in lists:
        paragraphs += [heading, "\n".join(f"- {item}" for item in items)]
    write_text(directory / "summary.md", "\n\n".join(paragraphs) + "\n")

    figures, images = draw(directory, table)
    write_page(
        directory / "report.html",
        title=directory.absolute().name,
        facts=about.facts | protocol(table),
        tables=list(tables.values()),
        matrices=grids,
        compared=compared,
        sentences=findings,
        missing=about.missing,
        figures=figures,
        images=images,
        commands=about.commands,
        rows={one.label: [r.command for r in one.results if r.command] for one in table.cells},
    )
    return "\n".join([text(table), *(line for heading, items in lists for line in ("", heading, *items))])


def _with_states(table: Table, states: dict[str, str] | None) -> list[dict]:
    """The rows of `summary.csv`, including a row with the state of each run without results."""
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
    """The table of one run for the terminal, and its rows of `summary.csv`."""
    return text(Table([result])), summarise(result)


def protocol(table: Table) -> dict[str, str]:
    """How the numbers were obtained, for the head of the page: data, forward model and protocol."""
    records, results = table.records, table.results
    data = ", ".join(dict.fromkeys(r.data for r in records))
    sigmas = ", ".join(f"{s:g}" for s in table.sigmas)
    ranges = dict.fromkeys(training_range(result) for result in results)
    trained = (described_range(*ends) for ends in ranges)
    noises = dict.fromkeys(result.config["physics"]["noise"].get("name", "gaussian") for result in results)
    operators = sorted({result.config["physics"]["operator"]["name"] for result in results})
    draws = len({r.noise_seed for r in records})
    conventions = dict.fromkeys(record.convention for record in records)
    measured = " or ".join(name for name in conventions if name != EXPECTED)
    means = [MEASURED.format(measured)] * bool(measured) + [BLIND] * (EXPECTED in conventions)
    return {
        "Data": f"{data}, {image_count(records)}",
        "Forward model": f"y = A x + n; A: {', '.join(operators)}; n: {', '.join(map(noise_text, noises))}, "
        f"training {table.level} {'; '.join(trained)}, test {table.level} {sigmas}",
        "Protocol": f"{draws} draw{'s' if draws > 1 else ''} of the noise for each image and {table.level}, "
        f"the same for every model; {'; '.join(means)}; networks in float32",
    }


def noise_text(name: str) -> str:
    """The name of a noise for display: 'Gaussian', 'Poisson-Gaussian'."""
    return "-".join(word.capitalize() for word in name.split("_"))


def draw(directory: Path, table: Table) -> tuple[list[Figure], dict[str, tuple]]:
    """Write the figures of a sweep; of several seeds, the first with images is shown.

    The width is `figures.width` of the first run's config.

    Args:
        directory: the directory for the files.
        table: the results.

    Returns:
        the figures for the page, and the images for its viewer.
    """
    path = directory / f"psnr_vs_{table.level.replace(' ', '_')}.png"
    width = read_width(table.results[0].config)
    psnr_against_noise(table, path, width=width)
    figures = [Figure(f"{capitalised(table.quality)} against test noise", path)]
    if grids := matrices(table):
        path = directory / "training_matrix.png"
        matrix_figure(grids, path, width=width)
        figures.append(Figure("Training noise against test noise", path))
    tags = ["train/loss", *VALIDATION]
    curves = {r.run: read_curves(r.directory, tags) for r in table.results if r.directory}
    path = directory / "training_curves.png"
    if training_curves(table, curves, path, width=width):
        figures.append(Figure("Training curves", path))
    examples: dict[str, dict] = {}
    views = {}
    for one in table.cells:
        for result in reversed(one.results):
            if result.examples["names"]:
                examples[one.label] = result.examples
            if result.view is not None:
                views[one.label] = result.view
    measured = {one.label: name for name, cells in table.measurements.items() for one in cells}
    images = group_examples(examples, measured)
    for name, image in images.items():
        path = directory / f"strip-{file_name(name)}.png"
        strips({name: image}, path, width=width)
        figures.append(Figure(f"Image {name}", path))
    if iterating := {label: one for label, one in examples.items() if one.get("traces")}:
        path = directory / "convergence.png"
        convergence_figure(iterating, path, width=width)
        figures.append(Figure("Convergence: residuals by iteration, mean over the images shown", path))
    if views:
        path = directory / "linear_view.png"
        linear_views(views, path, width=width)
        figures.append(Figure(LINEAR_VIEW, path))
    shown = {figure.path.stem for figure in figures}
    for old in (path for pattern in DRAWN for path in directory.glob(f"{pattern}.*")):
        if old.stem not in shown and old.suffix in (".png", ".svg", ".pdf", ".csv"):
            old.unlink()  # of a run that is left out now
    return figures, images
