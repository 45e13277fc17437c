"""Train a network and test it."""

import sys
from shlex import quote

from omegaconf import DictConfig

from imaging.commands.threads import limit_threads
from imaging.data import build_data
from imaging.evaluation.outputs import PER_IMAGE, flat_numbers, write_pictures
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.run import evaluate_run
from imaging.evaluation.sizes import check_measured, check_sizes, doubt_sigma
from imaging.evaluation.table import summary_csv
from imaging.files import write_text
from imaging.machine import memory_limited
from imaging.registry import import_own
from imaging.reporting.figures import read_width
from imaging.reporting.report import report_run, run_summary
from imaging.runs.resume import open_config
from imaging.runs.run import Run
from imaging.runs.status import describe_end, final_psnr, is_over
from imaging.sweeps.children import leave_slot
from imaging.tasks import build_task, check_optimizer
from imaging.training.hparams import HParams, varied_settings
from imaging.training.trainer import build_trainer, fit, free_device
from imaging.verification.results import close_ledger


def train(config: DictConfig) -> float | None:
    """Train and test one run.

    Args:
        config: composed from `conf/train.yaml`.

    Returns:
        The validation PSNR, or expected PSNR, in dB, for searches; None without validation, and on ranks
        that do not write.
    """
    settings, directory = open_config(config)
    if is_over(directory):
        print(f"{directory}: {describe_end(directory)}")
        return final_psnr(directory)
    limit_threads()
    import_own(settings["imports"])
    run = Run(directory, settings)
    with run.watched():
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
        protocol.check_pixel(data.test_images()[0][1])

        trainer, start = build_trainer(settings["trainer"], run)
        data.steps_per_epoch(trainer.world_size)  # raises if the ranks cannot share the batches
        if run.writes:
            quality = protocol.quality
            names = [f"val/{quality}", *(f"test/{quality}/{level:g}" for level in protocol.levels)]
            hparams = HParams(trainer.logger, varied_settings(run.directory, settings), names)
        for batch in sets[1] if run.writes and not data.clean else ():
            if doubt := doubt_sigma(task, batch, data.source.pairs):
                print(doubt, file=sys.stderr, flush=True)
            break
        numbers = fit(trainer, task, data, run, start)
        if not run.writes:
            return None

        records = run.directory / PER_IMAGE
        result = evaluate_run(task, data.test_images(), protocol, settings, run.name, records)
        free_device(task)
        leave_slot()  # what remains needs no GPU
        table, rows = run_summary(result)
        write_text(run.directory / "summary.csv", summary_csv(rows, [result.level]))
        write_pictures(run.directory, result)
        figures = report_run(run.directory, result)
        numbers |= flat_numbers(rows, result.level) | result.numbers
        hparams.conclude(numbers, trainer.global_step)
        run.finish(numbers, tested=len(result.records))
        close_ledger(run.directory, task)

    if run.pruned:
        print(f"{run.directory}: {describe_end(run.directory)}")
    else:
        print(f"\n{table}")
        print("".join(f"{name} {value:.4f}\n" for name, value in result.numbers.items()))
        print(f"run      {run.directory}")
        print(
            f"figures  {' '.join(figure.name for figure in figures)}, each also as SVG, PDF and CSV; "
            "tables per_image.csv, summary.csv"
        )
        print(f"curves   tensorboard --logdir {quote(str(run.directory))}")
    return final_psnr(run.directory)
