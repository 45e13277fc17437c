"""Verify a run: every check, in an order in which the quick ones come first."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import OmegaConf

from imaging.data import build_data
from imaging.errors import ImagingError, brief, one_line
from imaging.formats.networks import load_network
from imaging.places import CONF
from imaging.runs.config import CONFIG, PLACES, as_dict, check_config, read_config_here
from imaging.runs.ledger import LEDGER, read_ledger
from imaging.runs.lock import refuse_locked
from imaging.runs.names import register_resolvers
from imaging.training.again import validate_again
from imaging.training.trainer import device_of, refuse_mps
from imaging.verification.check import Check
from imaging.verification.files import Recorded, check_checkpoints, check_config_hash, check_lines
from imaging.verification.results import check_images, check_results, check_validation
from imaging.verification.segments import all_segments, check_beginning, check_segment, choose, segment_of

TOLERANCE = 0.1


@dataclass(frozen=True)
class Request:
    """What is verified.

    Args:
        segments: number of segments that are trained again, chosen at random; None: all.
        steps: first and last step that are trained again, in place of random segments.
        images: number of images that are tested again, chosen at random; None: all.
        seed: of the choice.
        tolerance: see `imaging.verification.segments.Comparison`.
        device: auto, cpu or cuda; auto is that of the run if it is the processor.
        places: `data.source.…` settings of the places of images here, by key.
    """

    segments: int | None = 1
    steps: tuple[int, int] | None = None
    images: int | None = 2
    seed: int = 0
    tolerance: float = TOLERANCE
    device: str = "auto"
    places: dict[str, str] = field(default_factory=dict)


def open_run(directory: Path, places: dict[str, str]) -> tuple[Recorded, str | None]:
    """A run with its ledger, and what damage the ledger has.

    Raises:
        ImagingError: it is not a run directory with a ledger, or it is still running.
    """
    for key in places:
        if key not in PLACES:
            raise ImagingError(f"--place {key}: expected one of {', '.join(PLACES)}")
    if not directory.is_dir():
        raise ImagingError(f"there is no run directory {directory}")
    refuse_locked(directory)
    source = {key.rpartition(".")[2]: value for key, value in places.items()}
    config = read_config_here(directory, {"paths": _paths(), "data": {"source": source}})
    check_config(config, directory / CONFIG)
    callbacks = config.get("callbacks", {})
    if not isinstance(callbacks, dict) or not all(
        isinstance(one, dict) and isinstance(one.get("name"), str) for one in callbacks.values()
    ):
        raise ImagingError(f"{directory / CONFIG}: callbacks is {brief(callbacks)}; expected a mapping")
    ledger = read_ledger(directory / LEDGER)
    if not ledger.lines:
        raise ImagingError(
            f"{directory / LEDGER} has no lines ({ledger.damage or 'the training did not begin'})"
        )
    return Recorded(directory, config, ledger), ledger.damage


def verify_run(directory: Path, request: Request) -> Iterator[Check]:
    """Verify a run without writing into its directory.

    Args:
        directory: of the run.
        request: what is verified.

    Yields:
        what was found, as it is found.

    Raises:
        ImagingError: the run cannot be verified, e.g. for want of its ledger or of its images.
    """
    run, damage = open_run(directory, request.places)
    if damage is not None:
        yield Check(False, f"{LEDGER}: {damage}")
        return
    yield (lines := check_lines(run))
    yield check_config_hash(run)
    yield from check_checkpoints(run)
    there = run.ledger.lines[0].facts.get("device")
    accelerator = "cpu" if request.device == "auto" and there == "cpu" else request.device
    refuse_mps(accelerator)
    accelerator = device_of(accelerator).type
    if run.ledger.end is not None:
        yield from check_results(run)
    if not lines.right:
        return
    data = build_data(run.config["data"])
    begun, others = check_beginning(run, data, request.tolerance, accelerator)
    for name, (before, here) in others.items():
        yield Check(None, _told(name, before, here))
    if others:
        ratio = f"{request.tolerance:g} of their way, and losses by {request.tolerance:g}"
        yield Check(None, f"so bits may differ; then the weights of a first line may differ by {ratio}")
    yield begun
    draw = random.Random(request.seed)
    if run.ledger.end is not None and (directory / "checkpoints" / "last.ckpt").is_file():
        task, _ = load_network(directory, accelerator)
        yield from check_images(run, task, data.test_images(), request.images, draw)
        data.prepare_data()
        data.setup("fit")
        yield check_validation(run, validate_again(run.config, data, task, accelerator))
    if request.steps is not None:
        segments = [segment_of(run, *request.steps)]
    else:
        segments = choose(all_segments(run), request.segments, draw)
    for segment in segments:
        yield check_segment(run, data, segment, request.tolerance, accelerator)


def _told(name: str, before: str, here: str) -> str:
    if name == "deterministic":
        return "the run is on a GPU, without trainer.deterministic=true"
    return f"{name}: {one_line(before)} in the ledger, {here} here"


def _paths() -> dict:
    """The places of data sets and caches on this machine."""
    register_resolvers()
    paths = OmegaConf.select(OmegaConf.load(CONF / "train.yaml"), "paths")
    return as_dict(OmegaConf.create({"paths": paths}))["paths"]
