"""Train a network and test it."""

import sys
from pathlib import Path
from shlex import quote

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from imaging.commands.dry import tell_costs
from imaging.commands.probe import probe
from imaging.commands.stages import begin, prepare, write_results
from imaging.evaluation.outputs import PER_IMAGE, flat_numbers
from imaging.evaluation.run import evaluate_run
from imaging.evaluation.sizes import doubt_sigma
from imaging.files import remove_empty
from imaging.runs.resume import open_config
from imaging.runs.run import is_first_rank
from imaging.runs.status import describe_end, final_psnr, is_over
from imaging.sweeps.children import leave_slot
from imaging.sweeps.dry import PROBE, Planned
from imaging.training.hparams import HParams, varied_settings
from imaging.training.trainer import build_trainer, fit, free_device
from imaging.verification.results import close_ledger


def train(config: DictConfig) -> float | None:
    """Train and test one run; with `dry`, tell what it would cost.

    Args:
        config: composed from `conf/train.yaml`.

    Returns:
        The validation PSNR, or expected PSNR, in dB, for searches; None without validation, and on ranks
        that do not write.
    """
    if config.get("dry") == PROBE:
        probe(Path(HydraConfig.get().runtime.output_dir))
        return None
    settings, directory = open_config(config)
    if (dry := config.get("dry")) is not None:
        if is_first_rank():
            tell_costs(Planned.run(settings, directory, dry))
        remove_empty(Path(HydraConfig.get().runtime.output_dir))
        return None
    if is_over(directory):
        print(f"{directory}: {describe_end(directory)}")
        return final_psnr(directory)
    run = begin(settings, directory)
    with run.watched():
        protocol, task, data = prepare(settings)
        trainer, start = build_trainer(settings["trainer"], run)
        data.steps_per_epoch(trainer.world_size)  # raises if the ranks cannot share the batches
        if run.writes:
            quality = protocol.quality
            names = [f"val/{quality}", *(f"test/{quality}/{level:g}" for level in protocol.levels)]
            hparams = HParams(trainer.logger, varied_settings(run.directory, settings), names)
        for batch in data.val_dataloader() if run.writes and not data.clean else ():
            if doubt := doubt_sigma(task, batch, data.source.pairs):
                print(doubt, file=sys.stderr, flush=True)
            break
        if run.writes and data.clean and (same := trained_and_tested(settings["data"]["source"])):
            print(f"{same}: the test images are those of the training", file=sys.stderr, flush=True)
        numbers = fit(trainer, task, data, run, start)
        if not run.writes:
            return None

        records = run.directory / PER_IMAGE
        result = evaluate_run(task, data.test_images(), protocol, settings, run.name, records)
        free_device(task)
        leave_slot()  # what remains needs no GPU
        table, rows, figures = write_results(run.directory, result)
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


def trained_and_tested(source: dict) -> str | None:
    """The directory that is that of the training and of the test, or None."""
    train, test = source.get("train"), source.get("test")
    if isinstance(train, str) and isinstance(test, str) and Path(train).resolve() == Path(test).resolve():
        return test
    return None
