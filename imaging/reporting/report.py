"""What a run and a sweep leave for a reader, each from files alone."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imaging.evaluation.comparisons import compare, comparisons_csv, sentences
from imaging.evaluation.outputs import Result, read_result, write_tables
from imaging.evaluation.records import Record
from imaging.evaluation.sweep import varied
from imaging.files import write_text
from imaging.reporting.curves import read_curves
from imaging.reporting.page import COMPARED, MISSING, Figure, write_page
from imaging.reporting.pictures import inpainting_figure, linear_views, reconstruction_grid, strips
from imaging.reporting.plots import psnr_against_sigma, training_curves
from imaging.reporting.tables import cell, markdown_table, pivot, text_table


@dataclass
class About:
    """What is told of a sweep beside its numbers.

    Args:
        facts: for the head of the page: 'Commit', 'Runs', …
        commands: that make the whole again.
        states: of each run, by name, if some may be without results.
        missing: a line for each run that is left out or not completed, and why.
    """

    facts: dict[str, str]
    commands: list[str]
    states: dict[str, str] | None = None
    missing: list[str] = field(default_factory=list)


def caption(records: list[Record]) -> str:
    """What the numbers of a table are."""
    images = len({r.image for r in records})
    data = ", ".join(dict.fromkeys(r.data for r in records))
    exact = next((r.image for r in records if r.psnr == math.inf), None)
    unbounded = "" if exact is None else f"; inf with an image that is restored exactly, such as {exact}"
    return f"PSNR in dB, mean over {images} test images of {data}{unbounded}"


def table(records: list[Record], rows: list[dict]) -> str:
    """A captioned table for the terminal."""
    return f"{caption(records)}\n{text_table(*pivot(rows))}"


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


def report_sweep(
    directory: Path, runs: Sequence[Path], configs: dict[str, dict], commands: dict[str, str], about: About
) -> str:
    """Collect the runs of a sweep into its tables, its figures and its page; see `write_sweep`.

    Runs without results are named, and the others still make the table.

    Args:
        directory: the sweep's.
        runs: the directories of the runs.
        configs: resolved config of each, by the name of its directory.
        commands: that make each again, by the same name.
        about: with `missing` lines for runs that are not completed.

    Returns:
        the text to print.
    """
    found = (read_result(run, configs[run.name], commands.get(run.name)) for run in runs)
    results = [result for result in found if result is not None and result.records]
    if not results:
        write_tables(directory, [], varied(configs), about.states)
        return "\n".join(["no run of this sweep has results", *about.missing])
    return write_sweep(directory, results, about, configs)


def write_sweep(
    directory: Path, results: list[Result], about: About, configs: dict[str, dict] | None = None
) -> str:
    """Write what `directory` shall hold of these results.

    `per_image.csv`, `summary.csv`, `summary.md`, `comparisons.csv`; the figures `psnr_vs_sigma`,
    `training_curves`, `linear_view` and a `strip-<image>` for each example, as PNG and SVG; `report.html`.

    Args:
        configs: of all runs, if there are some without results.

    Returns:
        the text to print.
    """
    records = [record for result in results for record in result.records]
    settings = varied(configs or {result.run: result.config for result in results})
    rows = write_tables(directory, records, settings, about.states)
    settings = {result.run: settings[result.run] for result in results}
    header, lines = pivot(rows)
    comparisons = compare(records, settings)
    told = sentences(comparisons)
    write_text(directory / "comparisons.csv", comparisons_csv(comparisons))
    paragraphs = [caption(records), markdown_table(header, lines)]
    if told:
        paragraphs += [COMPARED, _list(told)]
    if about.missing:
        paragraphs += [MISSING, _list(about.missing)]
    write_text(directory / "summary.md", "\n\n".join(paragraphs) + "\n")

    labels = {
        result.run: ", ".join(
            [result.method, *(f"{k} {cell(v)}" for k, v in settings[result.run].items() if k != "seed")]
        )
        for result in results
    }
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(labels[result.run], []).append(result)
    figures, images = draw(directory, rows, labels, groups)
    write_page(
        directory / "report.html",
        title=directory.absolute().name,
        facts=about.facts | protocol(results),
        caption=caption(records),
        table=(header, lines),
        sentences=told,
        missing=about.missing,
        figures=figures,
        images=images,
        commands=about.commands,
        rows={label: [r.command for r in group if r.command] for label, group in groups.items()},
    )
    printed = [table(records, rows)]
    for heading, listed in ((COMPARED, told), (MISSING, about.missing)):
        printed += ["", heading, *listed] if listed else []
    return "\n".join(printed)


def _list(lines: list[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def protocol(results: list[Result]) -> dict[str, str]:
    """What was done to get the numbers, for the head of the page."""
    records = [record for result in results for record in result.records]
    data = ", ".join(dict.fromkeys(r.data for r in records))
    sigmas = ", ".join(f"{s:g}" for s in sorted({r.sigma for r in records}))
    trained = (f"{a:g}" if a == b else f"{a:g} to {b:g}" for a, b in trained_sigmas(results))
    operators = sorted({result.config["physics"]["operator"]["name"] for result in results})
    draws = len({r.noise_seed for r in records})
    conventions = " or ".join(dict.fromkeys(r.convention for r in records))
    return {
        "Data": f"{data}, {len({r.image for r in records})} test images",
        "Forward model": f"y = A x + n; A: {', '.join(operators)}; n: Gaussian, its standard deviation "
        f"{'; '.join(trained)} in training and {sigmas} at test",
        "Protocol": f"{draws} draw{'s' if draws > 1 else ''} of the noise for each image and sigma, the same "
        f"for every model; PSNR is 10 log10(1 / MSE) of the {conventions} estimate, each image's, "
        "then their mean; networks in float32",
    }


def trained_sigmas(results: list[Result]) -> list[tuple[float, float]]:
    """Lowest and highest sigma of the trainings, each pair once."""
    sigmas = [result.config["physics"]["noise"]["sigma"] for result in results]
    pairs = [tuple(map(float, s)) if isinstance(s, list | tuple) else (float(s), float(s)) for s in sigmas]
    return list(dict.fromkeys(pairs))


def draw(
    directory: Path, rows: list[dict], labels: dict[str, str], groups: dict[str, list[Result]]
) -> tuple[list[Figure], dict[str, dict]]:
    """Write the figures of a sweep; returns them for the page, and the images for its viewer.

    Args:
        rows: of `summarise`.
        labels: how to call each run.
        groups: the results by these labels; where pictures are shown, of several seeds the first.
    """
    results = [result for group in groups.values() for result in group]
    path = directory / "psnr_vs_sigma.png"
    psnr_against_sigma(rows, labels, path, trained_sigmas(results))
    figures = [Figure("PSNR against the noise at test", path)]
    tags = ["train/loss", "val/psnr"]
    curves = {
        label: [read_curves(result.directory, tags) for result in group if result.directory]
        for label, group in groups.items()
    }
    path = directory / "training_curves.png"
    if training_curves(curves, path):
        figures.append(Figure("Training curves", path))
    images = same_images({label: group[0].examples for label, group in groups.items()})
    for name, image in images.items():
        path = directory / f"strip-{as_file_name(name)}.png"
        strips({name: image}, path)
        figures.append(Figure(f"Image {name}", path))
    views = {label: group[0].view for label, group in groups.items() if group[0].view is not None}
    if views:
        path = directory / "linear_view.png"
        linear_views(views, path)
        figures.append(Figure(LINEAR_VIEW, path))
    return figures, images


LINEAR_VIEW = (
    "Networks without biases, as the linear map that each is at one y: the weights of the pixels of y in the "
    "restored value at the cross, and the singular values of the Jacobian"
)


def as_file_name(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def same_images(examples: dict[str, dict]) -> dict[str, tuple]:
    """For each example of the first model: the clean image, and by label the measured and restored ones.

    Args:
        examples: of each model, by label, as `Result` has them.
    """
    first = next(iter(examples.values()))
    images = {}
    for index, name in enumerate(first["names"]):
        others = {f"measured, sigma {first['sigma']:g}": first["measured"][index]}
        for label, one in examples.items():
            if name in one["names"]:
                others[label] = one["restored"][one["names"].index(name)]
        images[str(name)] = first["clean"][index], others
    return images
