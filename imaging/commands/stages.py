"""The stages of a run, which a training and the probe of its cost share."""

from pathlib import Path

from imaging.commands.process.threads import limit_threads
from imaging.data import build_data
from imaging.data.module import ImageData
from imaging.evaluation.outputs import Result, write_pictures
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.sizes import check_measured, check_sizes
from imaging.evaluation.table import summary_csv
from imaging.files import write_text
from imaging.machine import memory_limited
from imaging.registry import import_own
from imaging.reporting.figures import read_width
from imaging.reporting.report import report_run, run_summary
from imaging.runs.run import Run
from imaging.tasks import build_task, check_optimizer
from imaging.tasks.reconstruction import Reconstruction


def begin(settings: dict, directory: Path) -> Run:
    """Begin the run of a config in its directory."""
    limit_threads()
    import_own(settings["imports"])
    return Run(directory, settings)


def prepare(settings: dict) -> tuple[Protocol, Reconstruction, ImageData]:
    """Build what a run needs, and check that it fits together, before it takes any time.

    Returns:
        the protocol of the test, the task with its network, and the data, set up for the training.

    Raises:
        ImagingError: a setting is wrong, or the images, the operator and the network do not fit.
    """
    protocol = Protocol.of(settings)
    read_width(settings)
    check_optimizer(settings)
    with memory_limited("the network with its physics"):
        task = build_task(settings)
    data = build_data(settings["data"])
    check_measured(task, data)
    data.prepare_data()
    data.setup("fit")
    sets = data.train_dataloader(), data.val_dataloader(), data.test_images()
    check_sizes(task, *sets, clean=data.clean, pairs=data.source.pairs)
    protocol.check_pixel(sets[2][0][1])
    return protocol, task, data


def write_results(directory: Path, result: Result) -> tuple[str, list[dict], list[Path]]:
    """Write the table, the pictures and the figures of a run.

    Returns:
        the table as text, its rows, and the paths of the figures.
    """
    table, rows = run_summary(result)
    write_text(directory / "summary.csv", summary_csv(rows, [result.level]))
    write_pictures(directory, result)
    return table, rows, report_run(directory, result)
