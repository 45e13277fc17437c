"""Test trained networks or restore a photograph: python evaluate.py run=… [data=…] [sigmas=[…]] [image=…]."""

import shlex
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
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
    from imaging.runs.checkpoints import find_checkpoint
    from imaging.runs.retest import output_directory, readable_configs, refuse_data_settings
    from imaging.runs.run import commit, read_status, true_state, why_untested

    data_changes = refuse_data_settings(HydraConfig.get().overrides.task)
    if "data" in config:  # but for these, sizes and patches are as the run has them
        config.data = {key: config.data[key] for key in ("source", *data_changes)}
    given = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if given["image"] is not None:
        return restore_photograph(given)
    target = Path(str(given["run"]))
    runs = [target] if target.is_file() else find_runs(target)
    results, missing, seen = [], [], set()
    for run in runs:
        try:
            find_checkpoint(run)
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
        settings["data"] |= {key: given["data"][key] for key in data_changes}
        protocol = Protocol.of(settings, **{key: given[key] for key in ("sigmas", "noise_seeds", "pixel")})
        images = build_data(settings["data"]).test_images()
        check_sizes(task, images)
        protocol.check_pixel(images[0][1])
        print(f"{run}: {len(images)} images × {len(protocol.sigmas)} sigmas", flush=True)
        kind = repr(settings["model"] | {"seed": None})  # of several seeds the report shows the first
        result = evaluate_run(task, images, protocol, settings, run.name, look=kind not in seen)
        seen.add(kind)
        if run.is_dir():
            result.directory, result.command = run, read_status(run).get("command")
        results.append(result)
    if not results:
        raise ImagingError(f"{target} has nothing to evaluate: {'; '.join(missing)}")

    output = output_directory(target, given, results)
    facts = {"Runs": f"{len(results)}, tested again", "Commit": f"{commit()}, of the test"}
    states = {run.name: true_state(run) for run in runs} if runs != [target] else None
    about = About(facts, [f"python evaluate.py {shlex.join(sys.argv[1:])}"], states, missing)
    configs = readable_configs(runs) | {result.run: result.config for result in results}
    print(f"\n{write_sweep(output, results, about, configs)}")
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
    from imaging.runs.trainer import device_of, prepare_network
    from imaging.tasks.loading import load_task

    path, device = find_checkpoint(run), device_of(accelerator)
    task, settings = load_task(read_checkpoint(path), path)
    prepare_network(task.network, settings["trainer"] | {"compile": False})
    return task.to(device), settings


def restore_photograph(given: dict) -> None:
    """`image` through the network of `run` into `output`."""
    from imaging.data.image_files import check_suffix, read_image, write_image
    from imaging.evaluation.tiling import restore_to_bytes

    image, output = (given[key] and Path(str(given[key])) for key in ("image", "output"))
    for key in ("sigmas", "noise_seeds", "pixel", "data"):
        if given.get(key) is not None:
            raise ImagingError(
                f"{key} has no effect on a photograph, to which nothing is added: leave it away"
            )
    if output is None:
        raise ImagingError(f"say where the restored image goes, e.g. output={image.stem}-restored.png")
    check_suffix(output)
    if output.exists() and output.samefile(image):
        raise ImagingError(f"output is the image itself, {image}; choose another name")
    task, settings = load(Path(str(given["run"])), given["accelerator"])
    y = read_image(image, settings["data"]["source"]["channels"])
    write_image(output, restore_to_bytes(task, y))
    print(f"{image} restored by {given['run']}: {output}")


def main() -> None:
    command("evaluate", evaluate)


if __name__ == "__main__":
    main()
