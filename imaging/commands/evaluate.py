"""Test trained networks on a data set, and report the results in one table."""

import shutil
import sys
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from imaging.commands.process.threads import limit_threads
from imaging.commands.retest import (
    PROTOCOL,
    check_data_settings,
    output_directory,
    test_digest,
    unseeded,
    variants,
)
from imaging.data import build_data
from imaging.errors import ImagingError
from imaging.evaluation.outputs import Result, write_pictures
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.run import evaluate_run
from imaging.evaluation.sizes import check_sizes
from imaging.evaluation.statistics.comparisons import Decision
from imaging.files import file_name
from imaging.formats.networks import find_network, load_network
from imaging.images.opening import SUFFIXES
from imaging.models.noise_level import refuse_estimate
from imaging.models.self_ensemble import SelfEnsemble
from imaging.places import command_line
from imaging.registry import import_own
from imaging.reporting.figures import read_width
from imaging.reporting.report import About, write_sweep
from imaging.runs.checkpoints import find_checkpoint
from imaging.runs.config import as_dict, with_local_paths
from imaging.runs.record import decision
from imaging.runs.run import commit
from imaging.runs.status import read_status, true_state, why_untested
from imaging.sweeps.collect import find_runs, readable
from imaging.tasks.reconstruction import Reconstruction
from imaging.training.trainer import refuse_mps

TESTING = "testing"  # directory of unfinished measurements, in the directory of the tables


def evaluate(config: DictConfig) -> None:
    """Test a run, a checkpoint, a network that ships or all runs of a sweep, and write one report.

    The report omits the runs of a sweep that cannot be tested, and gives the reasons.

    Args:
        config: composed from `conf/evaluate.yaml`.

    Raises:
        ImagingError: a wrong setting, or no network can be tested.
    """
    settings = read_settings(config)
    limit_threads()
    import_own(settings["imports"])
    target = Path(str(settings["run"]))
    if not target.exists():
        target = find_network(target)  # the name of a network that ships
    runs = [target] if target.is_file() else find_runs(target)
    directories = [run for run in runs if run.is_dir()]
    configs, left_out = readable(directories)
    protocols = [config["test"] for config in configs.values()]
    results: list[Result] = []
    reasons: list[str] = []
    networks, output = set(), None

    for run in runs:
        if run.is_dir() and run.name not in configs and run != target:
            continue  # its config is not readable; `left_out` has the reason
        try:
            task, run_config = open_network(run, settings, in_sweep=run != target)
            run_config = with_local_paths(run_config, settings["paths"])
            choose_data(run_config["data"], settings)
            if read_width(settings) is not None:
                run_config["figures"] = settings["figures"]
            protocol = Protocol.of(run_config, **{key: settings[key] for key in PROTOCOL})
            output = output or output_directory(
                target, settings, protocols or [run_config["test"]], protocol.data
            )
            images = load_images(run, run_config, task, protocol)
            # A report has pictures of only one seed of each network.
            network = unseeded(run_config)
            method = ", ".join([run_config["model"]["name"], *variants(settings)])
            name, pictures = name_of(run), network not in networks
            records = output / TESTING / f"{file_name(name)}-{test_digest(run_config, settings)}.csv"
            result = evaluate_run(task, images, protocol, run_config, name, records, method, pictures)
        except ImagingError as error:
            if run == target:
                raise
            left_out.append(f"{name_of(run)}: {error}")
            reasons.append(str(error))
            continue
        networks.add(network)
        if run.is_dir():
            result.directory, result.command = run, read_status(run)["command"]
        if output == run:
            write_pictures(run, result)  # a run tested with its own protocol gets new files
        results.append(result)
    if not results:
        if len(reasons) == len(left_out) and len(set(reasons)) == 1:  # of the command, not of the runs
            raise ImagingError(reasons[0])
        raise ImagingError(f"{target} has nothing to evaluate: {'; '.join(left_out)}")

    facts = {"Runs": f"{len(results)}, tested again", "Commit": f"{commit()}, of the test"}
    commands = [command_line("evaluate", *sys.argv[1:])]
    states = {run.name: true_state(run) for run in directories if run != target} or None
    limits = Decision.of(decision(target)) if target.is_dir() else None
    about = About(facts, commands, states, left_out, limits)
    configs |= {result.run: result.config for result in results}
    print(f"\n{write_sweep(output, results, about, configs)}")
    shutil.rmtree(output / TESTING)
    for result in results:
        for name, value in result.numbers.items():
            print(f"{result.run}: {name} {value:.4f}")
    print(f"\npage     {output}/report.html")
    print("tables   per_image.csv, summary.csv, summary.md, comparisons.csv; figures beside them")


def read_settings(config: DictConfig) -> dict:
    """The settings of the command as plain data.

    Raises:
        ImagingError: a wrong value, or a setting of the data set that would have no effect.
    """
    changes = check_data_settings(HydraConfig.get().overrides.task)
    if "data" in config:  # the run determines sizes and patches
        config.data = {key: config.data[key] for key in ("source", "clean", *changes)}
    settings = as_dict(config)
    if not isinstance(settings["self_ensemble"], bool):
        raise ImagingError(f"self_ensemble is {settings['self_ensemble']!r}; expected true or false")
    if Path(str(settings["output"])).suffix in SUFFIXES:
        raise ImagingError(
            f"output is {settings['output']}; expected a directory; photographs are restored by: "
            "imaging restore"
        )
    if settings["sigma"] not in (None, "estimated"):
        raise ImagingError(
            f"sigma is {settings['sigma']!r}; expected null or estimated; the noise of the test is sigmas=[…]"
        )
    refuse_mps(settings["accelerator"])
    read_width(settings)
    return settings


def name_of(run: Path) -> str:
    """The name of a run in the tables."""
    return run.name.removesuffix(".safetensors")


def open_network(run: Path, settings: dict, in_sweep: bool) -> tuple[Reconstruction, dict]:
    """Load a trained network, and apply `psf`, `boundary`, `self_ensemble` and `sigma`.

    Args:
        run: a run directory, a checkpoint or a safetensors file.
        settings: of the command.
        in_sweep: whether the run is one of several, of which only the completed ones are tested.

    Returns:
        The task, on its device, and the run's config, with the command's psf and boundary.

    Raises:
        ImagingError: the network cannot be loaded, is not completed, or does not support the settings.
    """
    find_checkpoint(run)
    if run.is_dir() and (reason := why_untested(run)):
        if in_sweep:
            again = command_line("evaluate", f"run={run}")
            raise ImagingError(f"{reason}; to test it alone: {again}")
        print(f"{run}: {reason}; its last checkpoint is tested", file=sys.stderr, flush=True)
    task, config = load_network(run, settings["accelerator"], settings.get("psf"), settings["boundary"])
    if settings["sigma"] == "estimated":
        if not task.takes_sigma:
            raise ImagingError("sigma=estimated is for a network that takes sigma; this one does not")
        if task.network.noise_level is None:
            raise ImagingError("sigma=estimated is for a network that can estimate sigma; this one cannot")
        refuse_estimate(task.physics.operator)
        task.network.takes_sigma = False
    if settings["self_ensemble"]:
        task.network = SelfEnsemble.of(task.network, config["physics"]["operator"]["name"])
    return task, config


def choose_data(data: dict, settings: dict) -> None:
    """Replace the data set of a run by the command's.

    Args:
        data: the run's data settings, changed in place.
        settings: of the command; without `data`, the data set is not replaced.
    """
    source = data["source"]
    if source.get("root", "") is None:  # the weights are from another machine
        source["root"] = settings["paths"]["data"]
    if "data" in settings:
        data |= settings["data"] | {"source": settings["data"]["source"] | {"channels": source["channels"]}}


def load_images(run: Path, config: dict, task: Reconstruction, protocol: Protocol):
    """The test images of a run as a sequence of (id, image); prints their number.

    Raises:
        ImagingError: images that do not fit the network, or a pixel outside the images.
    """
    images = build_data(config["data"]).test_images()
    check_sizes(task, images, clean=protocol.clean, pairs=protocol.pairs)
    protocol.check_pixel(images[0][1])
    limit = config["data"].get("max_test_images")
    limited = "" if limit is None else f" (data.max_test_images={limit})"
    print(f"{run}: {len(images)} images{limited} × {len(protocol.levels)} {protocol.level}s", flush=True)
    return images
