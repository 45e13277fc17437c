"""Test trained networks or restore a photograph: python evaluate.py run=… [data=…] [sigmas=[…]] [image=…]."""

import shlex
import sys
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from imaging.errors import ImagingError
from imaging.runs.command import command


def evaluate(config: DictConfig) -> None:
    """One table of a run, of a checkpoint or of all runs of a sweep."""
    from imaging.data import build_data
    from imaging.evaluation.evaluate import Protocol, check_sizes
    from imaging.evaluation.outputs import as_arrays
    from imaging.evaluation.run import evaluate_run
    from imaging.evaluation.sweep import find_runs
    from imaging.reporting.report import write_sweep

    if "data" in config:
        config.data = {"source": config.data.source}  # sizes and patches are as the run has them
    given = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if given["image"] is not None:
        return restore_photograph(given)
    target = Path(given["run"])
    records, configs, examples, numbers, missing = [], {}, {}, [], []
    for run in [target] if target.is_file() else find_runs(target):
        try:
            task, settings = load(run, given["accelerator"])
        except ImagingError as error:
            if run == target:
                raise
            missing.append(f"{run.name}: {error}")
            continue
        if "data" in given:
            channels = settings["data"]["source"]["channels"]
            settings["data"]["source"] = given["data"]["source"] | {"channels": channels}
        test = settings["test"] | {k: given[k] for k in ("sigmas", "noise_seeds") if given[k] is not None}
        protocol = Protocol(settings["data"]["source"]["name"], tuple(test["sigmas"]), test["noise_seeds"])
        images = build_data(settings["data"]).test_images()
        check_sizes(task, images)
        print(f"{run}: {len(images)} images × {len(protocol.sigmas)} sigmas", flush=True)
        new, shown, own = evaluate_run(task, images, protocol, settings, run.name)
        records += new
        examples[run.name] = as_arrays(shown)
        numbers += [f"{run.name}: {name} {value:.4f}" for name, value in own.items()]
        configs[run.name] = settings
    if not records:
        raise ImagingError(f"{target} has nothing to evaluate: {'; '.join(missing)}")

    output = output_directory(target, given, records[0].data)
    about = f"Tested again: {len(configs)} runs.", [f"python evaluate.py {shlex.join(sys.argv[1:])}"]
    print(f"\n{write_sweep(output, records, configs, examples, about, missing=missing)}")
    print("".join(f"{line}\n" for line in numbers))
    print(f"page     {output}/report.html")
    print("figure   psnr_vs_sigma.png; tables per_image.csv, summary.csv, summary.md, comparisons.csv")
    return None


def load(run: Path, accelerator: str):
    """The trained task of a run directory or checkpoint, on its device, and the run's config."""
    from imaging.runs.checkpoints import find_checkpoint, read_checkpoint
    from imaging.runs.trainer import default_device
    from imaging.tasks.loading import load_task

    path = find_checkpoint(run)
    task, settings = load_task(read_checkpoint(path), path)
    return task.to(default_device(accelerator)), settings


def output_directory(target: Path, given: dict, data: str) -> Path:
    """`output`, or else beside the run; numbers on another data set do not replace those on its own."""
    if given["output"] is not None:
        return Path(given["output"])
    directory = target if target.is_dir() else target.with_suffix("")
    return directory / data if "data" in given else directory


def restore_photograph(given: dict) -> None:
    """`image` through the network of `run` into `output`."""
    from imaging.data.image_files import read_image, write_image
    from imaging.evaluation.evaluate import restore

    image, output = Path(given["image"]), given["output"] and Path(given["output"])
    if output is None:
        raise ImagingError(f"say where the restored image goes, e.g. output={image.stem}-restored.png")
    if output.exists() and output.samefile(image):
        raise ImagingError(f"output is the image itself, {image}; choose another name")
    task, settings = load(Path(given["run"]), given["accelerator"])
    y = read_image(image, settings["data"]["source"]["channels"])
    write_image(output, restore(task, y))
    print(f"{image} restored by {given['run']}: {output}")


def main() -> None:
    command("evaluate", evaluate)


if __name__ == "__main__":
    main()
