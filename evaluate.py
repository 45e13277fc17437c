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
    from imaging.evaluation.run import evaluate_run
    from imaging.evaluation.sweep import find_runs
    from imaging.reporting.report import About, write_sweep
    from imaging.runs.run import commit, read_status, true_state, why_untested

    if "data" in config:
        config.data = {"source": config.data.source}  # sizes and patches are as the run has them
    given = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if given["image"] is not None:
        return restore_photograph(given)
    target = Path(given["run"])
    runs = [target] if target.is_file() else find_runs(target)
    results, missing = [], []
    for run in runs:
        try:
            if run != target and (reason := why_untested(run)):
                raise ImagingError(f"{reason}; alone it can be tested: python evaluate.py run={run}")
            task, settings = load(run, given["accelerator"])
        except ImagingError as error:
            if run == target:
                raise
            missing.append(f"{run.name}: {error}")
            continue
        if "data" in given:
            channels = settings["data"]["source"]["channels"]
            settings["data"]["source"] = given["data"]["source"] | {"channels": channels}
        protocol = Protocol.of(settings, **{key: given[key] for key in ("sigmas", "noise_seeds", "pixel")})
        images = build_data(settings["data"]).test_images()
        check_sizes(task, images)
        protocol.check_pixel(images[0][1])
        print(f"{run}: {len(images)} images × {len(protocol.sigmas)} sigmas", flush=True)
        result = evaluate_run(task, images, protocol, settings, run.name)
        if run.is_dir():
            result.directory, result.command = run, read_status(run).get("command")
        results.append(result)
    if not results:
        raise ImagingError(f"{target} has nothing to evaluate: {'; '.join(missing)}")

    output = output_directory(target, given, results[0].records[0].data)
    facts = {"Runs": f"{len(results)}, tested again", "Commit": f"{commit()}, of the test"}
    states = {run.name: true_state(run) for run in runs} if runs != [target] else None
    about = About(facts, [f"python evaluate.py {shlex.join(sys.argv[1:])}"], states, missing)
    print(f"\n{write_sweep(output, results, about)}")
    for result in results:
        print(
            "".join(f"{result.run}: {name} {value:.4f}\n" for name, value in result.numbers.items()), end=""
        )
    print(f"\npage     {output}/report.html")
    print(
        "tables   per_image.csv, summary.csv, summary.md, comparisons.csv; figures as PNG and SVG beside them"
    )
    return None


def load(run: Path, accelerator: str):
    """The trained task of a run directory or checkpoint, on its device, and the run's config."""
    from imaging.runs.checkpoints import find_checkpoint, read_checkpoint
    from imaging.runs.trainer import default_device, prepare_network
    from imaging.tasks.loading import load_task

    path = find_checkpoint(run)
    task, settings = load_task(read_checkpoint(path), path)
    prepare_network(task.network, settings["trainer"] | {"compile": False})
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
    from imaging.evaluation.tiling import restore_to_bytes

    image, output = Path(given["image"]), given["output"] and Path(given["output"])
    if output is None:
        raise ImagingError(f"say where the restored image goes, e.g. output={image.stem}-restored.png")
    if output.exists() and output.samefile(image):
        raise ImagingError(f"output is the image itself, {image}; choose another name")
    task, settings = load(Path(given["run"]), given["accelerator"])
    y = read_image(image, settings["data"]["source"]["channels"])
    write_image(output, restore_to_bytes(task, y))
    print(f"{image} restored by {given['run']}: {output}")


def main() -> None:
    command("evaluate", evaluate)


if __name__ == "__main__":
    main()
