"""Make the weights that ship: python -m imaging.formats.shipping <run directory> <name> "<description>"

Writes `weights/<name>.safetensors`, its card `weights/<name>.md` and `weights/SHA256SUMS`. The card has the
PSNR of the run's test, and the PSNR on the bundled photographs, which a test of the project measures again.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from imaging.data import build_data
from imaging.evaluation.outputs import Result, read_result
from imaging.evaluation.protocol import Protocol
from imaging.evaluation.statistics.factors import value_text
from imaging.evaluation.table import summarise
from imaging.evaluation.testing import run_protocol
from imaging.files import write_text
from imaging.formats.networks import load_network, write_sums
from imaging.formats.weights import weights_of, write_weights
from imaging.physics.measurement import build_noise
from imaging.places import WEIGHTS
from imaging.quality import VALIDATION
from imaging.reporting.curves import read_minutes
from imaging.runs.checkpoints import find_checkpoint, read_checkpoint
from imaging.runs.config import read_config
from imaging.runs.status import read_status

LIMIT = 8_000_000  # bytes per file in the repository
CROP = [256, 256]  # pixels of the bundled photographs, so that the test is short
LICENCE = (
    "The weights are under this project's MIT licence. They were trained on BSDS300, whose images are for\n"
    "research and education and are not part of this repository."
)


def ship(run: Path, name: str, description: str) -> None:
    """Add a completed run's network to the weights that ship.

    Args:
        run: the run's directory.
        name: of the network, for `imaging.load`.
        description: a sentence for the card.
    """
    config, status = read_config(run), read_status(run)
    rows, path = summarise(read_result(run, config)[0]), WEIGHTS / f"{name}.safetensors"
    weights = weights_of(read_checkpoint(find_checkpoint(run)))
    write_weights(path, config, weights, {"commit": status["commit"]})
    assert path.stat().st_size < LIMIT, f"{path} has {path.stat().st_size} bytes"
    write_sums()
    write_text(path.with_suffix(".md"), card(name, description, config, status, rows, curve(run)))


def card(
    name: str, description: str, config: dict, status: dict, rows: list[dict], lines: Sequence[str] = ()
) -> str:
    """The card in Markdown: description, data, command, commit, PSNR, `lines` of the training, licence."""
    level = build_noise(config["physics"]["noise"]).level
    trained = value_text(config["physics"]["noise"][level])
    source = config["data"]["source"]["name"]
    lines = [
        f"# {name}",
        "",
        description,
        "",
        f"- trained on {source}, {level} {trained}, seed {config['seed']}, commit {status['commit']}:",
        "",
        f"      {status['command']}",
        "",
        f"- PSNR in dB, {rows[0]['n_images']} test images of {source}, one network:",
        "",
        *table({row[level]: (row["psnr_mean"], row["psnr_input_mean"]) for row in rows}),
        "",
        f"- PSNR in dB, test photographs that come with scikit-image, upper left {CROP[0]}×{CROP[1]} pixels:",
        "",
        *table(bundled(name)),
        "",
        *lines,
        LICENCE,
        "",
    ]
    return "\n".join(lines)


def curve(run: Path, points: int = 10) -> list[str]:
    """The lines of a Markdown table of the validation's PSNR against the minutes of training."""
    values = read_minutes(run, VALIDATION[0])
    if not values:
        return []
    chosen = values[:: -(-len(values) // points)]
    chosen += [] if chosen[-1] == values[-1] else [values[-1]]
    return [
        "- PSNR in dB of the validation images, against minutes of training:",
        "",
        f"| minutes | {' | '.join(f'{minutes:.0f}' for minutes, _ in chosen)} |",
        f"| --- |{' ---: |' * len(chosen)}",
        f"| PSNR | {' | '.join(f'{value:.2f}' for _, value in chosen)} |",
        "",
    ]


def table(means: dict[float, tuple[float, float]]) -> list[str]:
    """The lines of a Markdown table of (restored, measured) by sigma."""
    return [
        f"| sigma | {' | '.join(f'{sigma:g}' for sigma in means)} |",
        f"| --- |{' ---: |' * len(means)}",
        f"| restored | {' | '.join(f'{after:.2f}' for after, _ in means.values())} |",
        f"| measured | {' | '.join(f'{before:.2f}' for _, before in means.values())} |",
    ]


def bundled(name: str) -> dict[float, tuple[float, float]]:
    """The mean PSNR of (restored, measured) bundled photographs by sigma, for a network that ships."""
    task, config = load_network(name, "cpu")
    images = build_data({"source": {"name": "bundled"}, "crop": CROP}).test_images()
    sigmas = tuple(config["test"]["sigmas"])
    result = Result(name, config, list(run_protocol(task, images, Protocol("bundled", sigmas), name, name)))
    return {row["sigma"]: (row["psnr_mean"], row["psnr_input_mean"]) for row in summarise(result)}


if __name__ == "__main__":
    ship(Path(sys.argv[1]), *sys.argv[2:4])
