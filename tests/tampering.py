"""Ways to tamper with a run that has a ledger; for `tests/attacks/ledger.py` and for tests.

Those in `NAIVE` change files as an editor would. Those in `CAREFUL` make every checksum right again: those of
checkpoints, of the lines of records, and the chain of the ledger from the first changed line to the last.
"""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from omegaconf import OmegaConf

from imaging.evaluation.outputs import flat_numbers, read_result
from imaging.evaluation.records import per_image_csv, read_per_image
from imaging.evaluation.table import summarise, summary_csv
from imaging.runs.checkpoints import kept_checkpoints
from imaging.runs.config import read_config
from imaging.runs.ledger import Line, append, file_hash, read_ledger
from imaging.training.fingerprints import describe, digest, states_of
from imaging.verification.results import result_hashes

Tamper = Callable[[Path, random.Random], None]


def lines_of(run: Path) -> list[Line]:
    return read_ledger(run / "ledger.csv").lines


def rechain(run: Path, lines: list[Line]) -> None:
    """Write a ledger of these lines, with a right chain."""
    (run / "ledger.csv").unlink()
    before = ""
    for line in lines:
        before = append(run / "ledger.csv", line, before).chain


def rows_of(run: Path) -> list[str]:
    return (run / "ledger.csv").read_text().splitlines(keepends=True)


def write_rows(run: Path, rows: list[str]) -> None:
    (run / "ledger.csv").write_text("".join(rows))


def change_row(run: Path, draw: random.Random, change: Callable[[str], str]) -> None:
    rows = rows_of(run)
    at = draw.randrange(1, len(rows))
    rows[at] = change(rows[at])
    write_rows(run, rows)


def change_line(run: Path, draw: random.Random, event: str = "step", **changes) -> None:
    """Change a line, and every hash of the chain after it."""
    lines = lines_of(run)
    at = draw.choice([i for i, line in enumerate(lines) if line.event == event])
    lines[at] = replace(lines[at], **{key: change(lines[at]) for key, change in changes.items()})
    rechain(run, lines)


def other_hash(text: str) -> str:
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def flip(tensor: torch.Tensor, draw: random.Random) -> None:
    """Flip one bit of a float's mantissa."""
    flat = tensor.as_strided((tensor.numel(),), (1,), tensor.storage_offset())  # in any memory format
    flat[draw.randrange(len(flat)) :][:1].view(torch.int32).bitwise_xor_(1 << draw.randrange(4, 16))


def edit(path: Path, change: Callable[[dict], object]) -> dict:
    """Change a checkpoint and save it with right checksums; the new content."""
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)
    return checkpoint


def flip_weight(key: str, draw: random.Random) -> Callable[[dict], object]:
    return lambda checkpoint: flip(draw.choice(list(checkpoint[key].values())), draw)


def flip_moment(checkpoint: dict, draw: random.Random) -> None:
    states = list(checkpoint["optimizer_states"][0]["state"].values())
    flip(draw.choice(states)["exp_avg"], draw)


def raise_rate(checkpoint: dict) -> None:
    checkpoint["optimizer_states"][0]["param_groups"][0]["lr"] *= 1.5


def any_kept(run: Path, draw: random.Random) -> Path:
    """One of the kept checkpoints but for the last, which may be that of last.ckpt, with a rate of 0."""
    return draw.choice([*kept_checkpoints(run / "checkpoints").values()][:-1])


def last_of(run: Path) -> Path:
    return run / "checkpoints" / "last.ckpt"


def match(run: Path, checkpoint: dict) -> None:
    """Make the ledger's line of a checkpoint's step that of the checkpoint, and the closing line as well."""
    step, lines = checkpoint["global_step"], lines_of(run)
    for at, line in enumerate(lines):
        if line.event == "step" and line.step == step:
            lines[at] = describe(step, *states_of(checkpoint), line.loss)
        if line.event == "end" and line.step == step:
            lines[at] = replace(line, weights=digest(checkpoint["state_dict"]))
    rechain(run, lines)


def change_records(run: Path, draw: random.Random, **changes) -> None:
    """Change one record, with a right checksum."""
    records = read_per_image(run / "per_image.csv")
    at = draw.randrange(len(records))
    records[at] = replace(records[at], **{key: change(records[at]) for key, change in changes.items()})
    (run / "per_image.csv").write_text(per_image_csv(records))


def change_metrics(run: Path, draw: random.Random, prefix: str, by: float | None) -> None:
    """Add to a number in metrics.json, or remove it."""
    metrics = json.loads((run / "metrics.json").read_text())
    key = draw.choice([name for name in metrics if name.startswith(prefix)])
    if by is None:
        del metrics[key]
    else:
        metrics[key] += by
    (run / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


def follow(run: Path) -> None:
    """Make the means those of the records."""
    result, _ = read_result(run, read_config(run))
    rows = summarise(result)
    (run / "summary.csv").write_text(summary_csv(rows, [result.level]))
    metrics = json.loads((run / "metrics.json").read_text()) | flat_numbers(rows, result.level)
    (run / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")


def close(run: Path) -> None:
    """Make the hashes of the results in the ledger those of the files."""
    *lines, end = lines_of(run)
    rechain(run, [*lines, replace(end, facts=result_hashes(run))])


def change_config(run: Path, key: str, value) -> None:
    """Change a setting in config.yaml, in every checkpoint, and its hash in the ledger."""
    config = OmegaConf.load(run / "config.yaml")
    OmegaConf.update(config, key, value)
    (run / "config.yaml").write_text(OmegaConf.to_yaml(config))
    for path in (run / "checkpoints").glob("*.ckpt"):
        edit(path, lambda checkpoint: checkpoint.update(config=read_config(run)))
    start, *lines = lines_of(run)
    rechain(run, [replace(start, facts=start.facts | {"config": file_hash(run / "config.yaml")}), *lines])


def shuffled(run: Path, draw: random.Random) -> None:
    rows = rows_of(run)
    at = draw.randrange(2, len(rows) - 2)
    rows[at], rows[at + 1] = rows[at + 1], rows[at]
    write_rows(run, rows)


def without(run: Path, draw: random.Random) -> None:
    rows = rows_of(run)
    del rows[draw.randrange(1, len(rows))]
    write_rows(run, rows)


def twice(run: Path, draw: random.Random) -> None:
    rows = rows_of(run)
    at = draw.randrange(1, len(rows))
    write_rows(run, [*rows[:at], rows[at], *rows[at:]])


def digit(row: str, draw: random.Random) -> str:
    at = draw.choice([i for i, c in enumerate(row) if c in "0123456789abcdef"])
    return row[:at] + draw.choice("0123456789abcdef".replace(row[at], "")) + row[at + 1 :]


def without_line(run: Path, draw: random.Random) -> None:
    lines = lines_of(run)
    del lines[draw.choice([i for i, line in enumerate(lines) if line.event == "step"][:-1])]
    rechain(run, lines)


def some_records(run: Path) -> None:
    """Leave out the records of an image."""
    records = read_per_image(run / "per_image.csv")
    kept = [record for record in records if record.image != records[0].image]
    (run / "per_image.csv").write_text(per_image_csv(kept))
    status = json.loads((run / "status.json").read_text())
    (run / "status.json").write_text(json.dumps(status | {"tested": len(kept)}))


def better(run: Path, draw: random.Random) -> None:
    """Change a record, and all that follows from it."""
    change_records(run, draw, psnr=lambda record: record.psnr + 0.01)
    follow(run)
    close(run)


NAIVE: dict[str, Tamper] = {
    "a digit of a line": lambda run, draw: change_row(run, draw, lambda row: digit(row, draw)),
    "another digit of a line": lambda run, draw: change_row(run, draw, lambda row: digit(row, draw)),
    "a line removed": without,
    "two lines exchanged": shuffled,
    "a line twice": twice,
    "a line cut short": lambda run, draw: change_row(run, draw, lambda row: row[: len(row) // 2]),
    "the end cut off": lambda run, draw: write_rows(run, ["".join(rows_of(run))[:-40]]),
    "no closing line": lambda run, draw: write_rows(run, rows_of(run)[:-1]),
    "the later half of the lines removed": lambda run, draw: write_rows(
        run, rows_of(run)[: len(rows_of(run)) // 2]
    ),
    "bytes that are no text": lambda run, draw: (run / "ledger.csv").write_bytes(
        (run / "ledger.csv").read_bytes().replace(b"step", b"\xff\xfe", 1)
    ),
    "an empty ledger": lambda run, draw: write_rows(run, []),
    "a weight of last.ckpt": lambda run, draw: edit(last_of(run), flip_weight("training_weights", draw)),
    "an averaged weight of last.ckpt": lambda run, draw: edit(last_of(run), flip_weight("state_dict", draw)),
    "a weight of a kept checkpoint": lambda run, draw: edit(
        any_kept(run, draw), flip_weight("training_weights", draw)
    ),
    "a weight of best.ckpt": lambda run, draw: edit(
        run / "checkpoints" / "best.ckpt", flip_weight("state_dict", draw)
    ),
    "a moment of Adam in last.ckpt": lambda run, draw: edit(last_of(run), lambda one: flip_moment(one, draw)),
    "a moment of Adam in a kept checkpoint": lambda run, draw: edit(
        any_kept(run, draw), lambda one: flip_moment(one, draw)
    ),
    "the learning rate in a kept checkpoint": lambda run, draw: edit(any_kept(run, draw), raise_rate),
    "the config in last.ckpt": lambda run, draw: edit(
        last_of(run), lambda one: one["config"]["optimizer"].update(lr=0.5)
    ),
    "another step in last.ckpt": lambda run, draw: edit(last_of(run), lambda one: one.update(global_step=3)),
    "a kept checkpoint under another's name": lambda run, draw: any_kept(run, draw).write_bytes(
        last_of(run).read_bytes()
    ),
    "a PSNR": lambda run, draw: change_records(run, draw, psnr=lambda record: record.psnr + 0.5),
    "an SSIM": lambda run, draw: change_records(run, draw, ssim=lambda record: record.ssim - 0.1),
    "the records of an image removed": lambda run, draw: some_records(run),
    "a mean in metrics.json": lambda run, draw: change_metrics(run, draw, "test/", 0.5),
    "the validation in metrics.json": lambda run, draw: change_metrics(run, draw, "val/", 0.5),
    "a mean in summary.csv": lambda run, draw: (run / "summary.csv").write_text(
        digit((run / "summary.csv").read_text(), draw)
    ),
    "the learning rate in config.yaml": lambda run, draw: (run / "config.yaml").write_text(
        (run / "config.yaml").read_text().replace("lr: 0.001", "lr: 0.002")
    ),
    "the seed in config.yaml": lambda run, draw: (run / "config.yaml").write_text(
        (run / "config.yaml").read_text().replace("\nseed: 0", "\nseed: 1")
    ),
}
CAREFUL: dict[str, Tamper] = {
    "the hash of weights": lambda run, draw: change_line(
        run, draw, weights=lambda line: other_hash(line.weights)
    ),
    "the hash of averaged weights": lambda run, draw: change_line(
        run, draw, average=lambda line: other_hash(line.average)
    ),
    "the hash of an optimiser": lambda run, draw: change_line(
        run, draw, optimizer=lambda line: other_hash(line.optimizer)
    ),
    "a loss": lambda run, draw: change_line(run, draw, loss=lambda line: line.loss * 0.9),
    "a sketch": lambda run, draw: change_line(
        run, draw, sketch=lambda line: (line.sketch[0] + 0.01, *line.sketch[1:])
    ),
    "the initial weights' hash": lambda run, draw: change_line(
        run, draw, "start", weights=lambda line: other_hash(line.weights)
    ),
    "a line that is left out": without_line,
    "no closing line, and no trace of it": lambda run, draw: rechain(run, lines_of(run)[:-1]),
    "the tested weights' hash": lambda run, draw: change_line(
        run, draw, "end", weights=lambda line: other_hash(line.weights)
    ),
    "last.ckpt and its lines": lambda run, draw: match(
        run, edit(last_of(run), flip_weight("training_weights", draw))
    ),
    "averaged weights and their lines": lambda run, draw: match(
        run, edit(last_of(run), flip_weight("state_dict", draw))
    ),
    "a kept checkpoint and its line": lambda run, draw: match(
        run, edit(any_kept(run, draw), flip_weight("training_weights", draw))
    ),
    "a kept optimiser and its line": lambda run, draw: match(
        run, edit(any_kept(run, draw), lambda one: flip_moment(one, draw))
    ),
    "a kept learning rate and its line": lambda run, draw: match(run, edit(any_kept(run, draw), raise_rate)),
    "a PSNR and all that follows": better,
    "an SSIM and its hash": lambda run, draw: (
        change_records(run, draw, ssim=lambda record: record.ssim - 0.01),
        follow(run),
        close(run),
    ),
    "a PSNR of the measurement and all that follows": lambda run, draw: (
        change_records(run, draw, psnr_input=lambda record: record.psnr_input - 0.01),
        follow(run),
        close(run),
    ),
    "a mean in metrics.json and its hash": lambda run, draw: (
        change_metrics(run, draw, "test/", 0.001),
        close(run),
    ),
    "a number of metrics.json removed": lambda run, draw: (
        change_metrics(run, draw, "test/", None),
        close(run),
    ),
    "the validation and its hash": lambda run, draw: (change_metrics(run, draw, "val/", 0.01), close(run)),
    "the records of an image, and all that follows": lambda run, draw: (
        some_records(run),
        follow(run),
        close(run),
    ),
    "the learning rate": lambda run, draw: change_config(run, "optimizer.lr", 0.0011),
    "the seed": lambda run, draw: change_config(run, "seed", 1),
    "the noise of the training": lambda run, draw: change_config(run, "physics.noise.sigma", 0.101),
    "the length of the training": lambda run, draw: change_config(run, "trainer.max_steps", 1000),
    "the decay of the average": lambda run, draw: change_config(run, "trainer.weight_averaging", 0.2),
    "the loss": lambda run, draw: change_config(run, "loss.name", "log_mse"),
}
