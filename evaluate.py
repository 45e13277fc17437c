"""Test trained networks: python evaluate.py run=… [data=…] [sigmas=[…]]."""

import shlex
import shutil
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from imaging.errors import ImagingError
from imaging.runs.command import command

TESTING = "testing"  # in the directory of the tables: what is measured so far, by run


def evaluate(config: DictConfig) -> None:
    """One table of a run, of a checkpoint or of all runs of a sweep."""
    from imaging.data import build_data
    from imaging.evaluation.comparisons import Decision
    from imaging.evaluation.evaluate import Protocol, check_sizes
    from imaging.evaluation.outputs import write_pictures
    from imaging.evaluation.run import evaluate_run
    from imaging.evaluation.sweep import find_runs
    from imaging.files import file_name
    from imaging.photographs.load import find_network, load_network
    from imaging.reporting.report import About, write_sweep
    from imaging.runs.checkpoints import find_checkpoint
    from imaging.runs.resume import decision
    from imaging.runs.retest import (
        PROTOCOL,
        output_directory,
        readable,
        refuse_data_settings,
        variants,
    )
    from imaging.runs.run import commit
    from imaging.runs.status import read_status, true_state, why_untested

    data_changes = refuse_data_settings(HydraConfig.get().overrides.task)
    if "data" in config:  # but for these, sizes and patches are as the run has them
        config.data = {key: config.data[key] for key in ("source", *data_changes)}
    given = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    if not isinstance(given["self_ensemble"], bool):
        raise ImagingError(f"self_ensemble is {given['self_ensemble']!r}; expected true or false")
    if given["sigma"] not in (None, "estimated"):
        raise ImagingError(
            f"sigma is {given['sigma']!r}; expected null or estimated; the noise of the test is sigmas=[…]"
        )
    target = Path(str(given["run"]))
    if not target.exists():
        target = find_network(target)  # by name, of those that ship
    runs = [target] if target.is_file() else find_runs(target)
    directories = [run for run in runs if run.is_dir()]
    configs, missing = readable(directories)
    results, seen, output = [], set(), None
    for run in runs:
        if run in directories and run.name not in configs and run != target:
            continue
        try:
            find_checkpoint(run)
            if run.is_dir() and run != target and (reason := why_untested(run)):
                raise ImagingError(
                    f"{reason}; alone it can be tested: python evaluate.py {shlex.quote(f'run={run}')}"
                )
            task, settings = load_network(run, given["accelerator"])
            vary(task, given, settings["physics"]["operator"]["name"])
        except ImagingError as error:
            if run == target:
                raise
            missing.append(f"{run.name}: {error}")
            continue
        source = settings["data"]["source"]
        if source.get("root", "") is None:  # of weights that were made elsewhere
            source["root"] = given["paths"]["data"]
        if "data" in given:
            channels = settings["data"]["source"]["channels"]
            settings["data"]["source"] = given["data"]["source"] | {"channels": channels}
        settings["data"] |= {key: given["data"][key] for key in data_changes}
        protocol = Protocol.of(settings, **{key: given[key] for key in PROTOCOL})
        own = [config["test"] for config in configs.values()] or [settings["test"]]
        output = output or output_directory(target, given, own, protocol.data)
        images = build_data(settings["data"]).test_images()
        check_sizes(task, images)
        protocol.check_pixel(images[0][1])
        limit = settings["data"].get("max_test_images")
        limited = "" if limit is None else f" (data.max_test_images={limit})"
        print(f"{run}: {len(images)} images{limited} × {len(protocol.sigmas)} sigmas", flush=True)
        kind = repr(settings["model"] | {"seed": None})  # of several seeds the report shows the first
        method = settings["model"]["name"] + "".join(f", {word}" for word in variants(given))
        name = run.name.removesuffix(".safetensors")
        part = output / TESTING / f"{file_name(name)}.csv"
        try:
            result = evaluate_run(task, images, protocol, settings, name, part, method, kind not in seen)
        except ImagingError as error:
            if run == target:
                raise
            missing.append(f"{name}: {error}")
            continue
        seen.add(kind)
        if run.is_dir():
            result.directory, result.command = run, read_status(run)["command"]
        if output == run:  # its own tables are made again, and so are its pictures
            write_pictures(run, result)
        results.append(result)
    if not results:
        raise ImagingError(f"{target} has nothing to evaluate: {'; '.join(missing)}")

    facts = {"Runs": f"{len(results)}, tested again", "Commit": f"{commit()}, of the test"}
    states = {run.name: true_state(run) for run in directories if run != target} or None
    asked = Decision.of(decision(target)) if target.is_dir() else None
    command_line = f"python evaluate.py {shlex.join(sys.argv[1:])}"
    about = About(facts, [command_line], states, missing, asked)
    configs |= {result.run: result.config for result in results}
    print(f"\n{write_sweep(output, results, about, configs)}")
    shutil.rmtree(output / TESTING)
    for result in results:
        print(
            "".join(f"{result.run}: {name} {value:.4f}\n" for name, value in result.numbers.items()), end=""
        )
    print(f"\npage     {output}/report.html")
    print(
        "tables   per_image.csv, summary.csv, summary.md, comparisons.csv; figures as PNG and SVG beside them"
    )
    return


def vary(task, given: dict, operator: str) -> None:
    """Do with a task's network what `imaging.runs.retest.variants` names.

    Args:
        task: changed in place.
        operator: the name of the one that it undoes.

    Raises:
        ImagingError: it makes no sense for this network.
    """
    if given["sigma"] == "estimated":
        if not task.takes_sigma:
            raise ImagingError("sigma=estimated: the network is not told sigma, and needs no estimate")
        task.network.takes_sigma = False
    if given["self_ensemble"]:
        from imaging.models.self_ensemble import SelfEnsemble

        task.network = SelfEnsemble.of(task.network, operator)


def main() -> None:
    command("evaluate", evaluate)


if __name__ == "__main__":
    main()
