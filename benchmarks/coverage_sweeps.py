"""Sweeps between equal methods, simulated and real, for coverage.py."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TRAININGS = Path(__file__).with_name("coverage_trainings.npz")
SHARES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
WORST = 3  # trainings that are far below the others


@dataclass(frozen=True)
class Components:
    """Standard deviations in dB of the parts of difference[s, i] = mean + seed[s] + image[i] + rest[s, i]."""

    seed: float
    image: float
    rest: float

    def __str__(self) -> str:
        return f"{self.seed:.3f}, {self.image:.3f}, {self.rest:.3f}"


def fitted(values: np.ndarray) -> Components:
    """Components of (seeds, images) by the method of moments: the mean squares of a two-way ANOVA."""
    seeds, images = values.shape
    rows, columns = values.mean(axis=1, keepdims=True), values.mean(axis=0, keepdims=True)
    rest = ((values - rows - columns + values.mean()) ** 2).sum() / ((seeds - 1) * (images - 1))
    seed = max(0.0, rows.var(ddof=1) - rest / images)
    image = max(0.0, columns.var(ddof=1) - rest / seeds)
    return Components(*(float(np.sqrt(v)) for v in (seed, image, rest)))


# A source of sweeps: (random numbers, sweeps, seeds, images) -> differences (sweeps, seeds, images), in dB.
Source = Callable[[np.random.Generator, int, int, int], np.ndarray]


def normal(parts: Components) -> Source:
    """Sweeps of normal effects with true difference 0."""

    def draw(random: np.random.Generator, n: int, seeds: int, images: int) -> np.ndarray:
        values = parts.rest * random.standard_normal((n, seeds, images)) if parts.rest else 0
        values = values + parts.seed * random.standard_normal((n, seeds, 1))
        return values + parts.image * random.standard_normal((n, 1, images))

    return draw


def of_share(share: float) -> Source:
    """Normal sweeps whose mean has variance 1 dB², this share of it from the seeds, and the rest from images.

    For sweeps of other sizes than are drawn, as the looks of `decide`, the share is another.
    """

    def draw(random: np.random.Generator, n: int, seeds: int, images: int) -> np.ndarray:
        parts = Components(float(np.sqrt(share * seeds)), float(np.sqrt((1 - share) * images)), 0)
        return normal(parts)(random, n, seeds, images)

    return draw


def resampled(level: np.ndarray, reference: np.ndarray) -> Source:
    """Sweeps of whole trainings and whole images, drawn with replacement; the true difference is taken away.

    Args:
        level, reference: PSNR of the two configurations, (trainings, images).
    """
    level = level - (level.mean() - reference.mean())

    def draw(random: np.random.Generator, n: int, seeds: int, images: int) -> np.ndarray:
        columns = random.integers(level.shape[1], size=(n, 1, images))
        a, b = (random.integers(len(one), size=(n, seeds, 1)) for one in (level, reference))
        return level[a, columns] - reference[b, columns]

    return draw


@dataclass(frozen=True)
class Case:
    """A kind of sweep to simulate.

    Args:
        name: in the tables.
        draw: its sweeps, with true difference 0.
        key: of its random numbers.
        exact: over what Student's interval is exact for it, "seeds" or "images"; "" if over neither.
        parts: of its differences, where they are normal.
        barred: whether its width has a bar.
    """

    name: str
    draw: Source
    key: int
    exact: str = ""
    parts: Components | None = None
    barred: bool = True


def cases(trainings) -> tuple[list[Case], list[Case]]:
    """What is simulated: sweeps like the real ones, and sweeps of which seeds or images decide."""
    real, drawn = [], []
    for sigma, psnr, other in zip(
        trainings["sigmas"], trainings["psnr"], trainings["other_psnr"], strict=True
    ):
        psnr, other = psnr.astype(float), other.astype(float)
        one = fitted(psnr)
        # Equal methods differ in no image's expectation, and in twice the variance of a training.
        equal = Components(np.sqrt(2) * one.seed, 0, np.sqrt(2) * one.rest)
        paired = [list(trainings["seeds"]).index(seed) for seed in trainings["other_seeds"]]
        bias = fitted(other - psnr[paired])
        real.append(Case(f"equal, {sigma:g}", normal(equal), len(real), "seeds", equal))
        real.append(Case(f"bias, {sigma:g}", normal(bias), len(real), "", bias))
        drawn.append(Case(f"equal, {sigma:g}, drawn", resampled(psnr, psnr), 10 + len(drawn), "seeds"))
        drawn.append(Case(f"bias, {sigma:g}, drawn", resampled(other, psnr), 10 + len(drawn), ""))
    exact = {0: "images", 1: "seeds"}
    shares = [
        Case(f"{100 * share:g} %", of_share(share), 20 + i, exact.get(share, ""))
        for i, share in enumerate(SHARES)
    ]
    return real + drawn, shares


def without_the_worst(trainings) -> list[Case]:
    """Sweeps of the two configurations with none of the reference's worst trainings, for each sigma."""
    found = []
    for psnr, other in zip(trainings["psnr"], trainings["other_psnr"], strict=True):
        psnr, other = psnr.astype(float), other.astype(float)
        reference = psnr[psnr.mean(axis=1).argsort()[WORST:]]
        found.append(Case("", resampled(other, reference), 40 + len(found)))
    return found


def read_sweep(directory: Path) -> tuple[np.ndarray, list[int], list[str], list[float]]:
    """PSNR (sigmas, seeds, images) of the completed runs of a sweep of seeds, with what the axes are."""
    psnr: dict[tuple[float, int, str], float] = {}
    for path in directory.glob("*/per_image.csv"):
        if json.loads(path.with_name("status.json").read_text())["state"] != "completed":
            continue
        seed = int(path.parent.name.rpartition("-")[2])
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                psnr[float(row["sigma"]), seed, row["image"]] = float(row["psnr"])
    if not psnr:
        raise SystemExit(f"{directory} holds no completed runs")
    sigmas, seeds, images = (sorted(set(axis)) for axis in zip(*psnr, strict=True))
    values = [[[psnr[sigma, seed, image] for image in images] for seed in seeds] for sigma in sigmas]
    return np.array(values, dtype=np.float32), seeds, images, sigmas


def store(equal: Path, other: Path) -> None:
    """Read both sweeps into coverage_trainings.npz."""
    psnr, seeds, images, sigmas = read_sweep(equal)
    other_psnr, other_seeds, *same = read_sweep(other)
    if same != [images, sigmas]:
        raise SystemExit(f"{other} was not tested on the images and sigmas of {equal}")
    np.savez_compressed(
        TRAININGS,
        sigmas=sigmas,
        images=images,
        seeds=seeds,
        psnr=psnr,
        other_seeds=other_seeds,
        other_psnr=other_psnr,
    )
    print(
        f"{TRAININGS.name}: {len(seeds)} and {len(other_seeds)} trainings, {len(images)} images", flush=True
    )
