"""Train a reconstruction network and test it: python train.py [experiment=…] [sweep=…] [key=value …]."""

from pathlib import Path
from shlex import quote

from omegaconf import DictConfig

from imaging.runs.command import command


def train(config: DictConfig) -> float | None:
    """One run, from its config to its tables; returns the validation PSNR for searches."""
    from imaging.data import build_data
    from imaging.evaluation.evaluate import Protocol, check_sizes
    from imaging.evaluation.outputs import PER_IMAGE, flat_numbers, write_pictures
    from imaging.evaluation.run import evaluate_run
    from imaging.evaluation.table import summary_csv
    from imaging.files import write_text
    from imaging.reporting.report import report_run, run_summary
    from imaging.runs.hparams import HParams, varied_settings
    from imaging.runs.resume import open_config
    from imaging.runs.run import Run
    from imaging.runs.status import describe_end, final_psnr, is_over
    from imaging.runs.trainer import build_trainer, fit
    from imaging.tasks import build_task

    settings, directory = open_config(config)
    if is_over(directory):
        print(f"{directory}: {describe_end(directory)}")
        return final_psnr(directory)
    run = Run(directory, settings)
    with run.watched():
        protocol = Protocol.of(settings)
        task = build_task(settings)
        data = build_data(settings["data"])
        data.prepare_data()
        data.setup("fit")
        check_sizes(task, data.train_dataloader(), data.val_dataloader(), data.test_images())
        protocol.check_pixel(data.test_images()[0][1])

        trainer, start = build_trainer(settings["trainer"], run)
        data.steps_per_epoch(trainer.world_size)  # refuses ranks that cannot share the batches
        if run.writes:
            names = ["val/psnr", *(f"test/psnr/{sigma:g}" for sigma in protocol.sigmas)]
            hparams = HParams(trainer.logger, varied_settings(run.directory, settings), names)
        numbers = fit(trainer, task, data, run, start)
        if not run.writes:
            return None

        file = run.directory / PER_IMAGE
        result = evaluate_run(task, data.test_images(), protocol, settings, run.name, file)
        table, rows = run_summary(result)
        write_text(run.directory / "summary.csv", summary_csv(rows))
        write_pictures(run.directory, result)
        figures = report_run(run.directory, result)
        numbers |= flat_numbers(rows) | result.numbers
        hparams.conclude(numbers, trainer.global_step)
        run.finish(numbers, tested=len(result.records))

    if run.pruned:
        print(f"{run.directory}: {describe_end(run.directory)}")
        return final_psnr(run.directory)
    print(f"\n{table}")
    print("".join(f"{name} {value:.4f}\n" for name, value in result.numbers.items()))
    print(f"run      {run.directory}")
    print(f"figures  {' '.join(f.name for f in figures)}; tables per_image.csv, summary.csv")
    print(f"curves   tensorboard --logdir {quote(str(run.directory))}")
    return final_psnr(run.directory)


def after_sweep(directory: Path) -> list[str]:
    """What the jobs have come to: one table, and a line for each that has ended but is not completed."""
    from imaging.evaluation.comparisons import Decision
    from imaging.evaluation.sweep import find_runs
    from imaging.reporting.report import About, write_sweep
    from imaging.runs.resume import about_sweep, decision
    from imaging.runs.status import describe_end, is_over, true_state

    runs = find_runs(directory)
    states = {run.name: true_state(run) for run in runs}
    if set(states.values()) == {"queued"}:
        return []  # a script was written
    results, configs, missing = collected(runs)
    missing += [f"{run.name}: {describe_end(run)}" for run in runs if states[run.name] != "completed"]
    about = About(*about_sweep(directory), states, missing, Decision.of(decision(directory)))
    print(f"\n{write_sweep(directory, results, about, configs)}\n")
    print(f"sweep    {directory}")
    if results:
        print(f"page     {directory}/report.html")
        print("tables   per_image.csv, summary.csv, summary.md, comparisons.csv; figures beside them")
    print(f"curves   tensorboard --logdir {quote(str(directory))}")
    return [
        f"{run.name} {describe_end(run)}" for run in runs if not is_over(run) and states[run.name] != "queued"
    ]


def collected(runs: list[Path]) -> tuple[list, dict[str, dict], list[str]]:
    """The results of completed runs, the configs that can be read, and a line for each file that cannot."""
    from imaging.evaluation.sweep import collect
    from imaging.runs.retest import readable
    from imaging.runs.status import read_status

    configs, missing = readable(runs)
    results, damaged = collect(runs, configs, {run.name: read_status(run) for run in runs})
    return results, configs, missing + damaged


def undecided(directory: Path) -> list[str] | None:
    """A line for each comparison of a sweep that is open: it needs more seeds for the margin `decide`.

    None if nothing can be compared: then seeds would not help.
    """
    from imaging.evaluation import comparisons
    from imaging.evaluation.sweep import find_runs
    from imaging.evaluation.table import Table
    from imaging.runs.resume import decision

    asked = comparisons.Decision.of(decision(directory))
    results, configs, _ = collected(find_runs(directory))
    found = comparisons.compare(Table(results, configs), asked)
    return comparisons.undecided(found, asked.margin) if found else None


def main() -> None:
    command("train", train, after_sweep, undecided)


if __name__ == "__main__":
    main()
