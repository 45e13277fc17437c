"""How often intervals between equal methods exclude 0, and how wide they are.

    python benchmarks/coverage.py             # print the tables of docs/statistics.md; 3 minutes on one core
    python benchmarks/coverage.py --write     # and write them into it

The trainings are in coverage_trainings.npz. To train them again (an hour and a half on two cores) and read
them into it:

    S="experiment=denoising data=bsds300 model.hidden_channels=32 trainer.max_steps=300"
    S="$S test.sigmas=[0.01,0.1]"
    python train.py -m $S model.bias=false 'seed=range(64)' hydra.sweep.dir=multirun/equal
    python train.py -m $S model.bias=true 'seed=range(12)' hydra.sweep.dir=multirun/bias
    python benchmarks/coverage.py --sweep multirun/equal --other multirun/bias --write

A false alarm is a 95 % interval that excludes 0 where the true difference is 0. Bars: false alarms at most
5 % and two standard errors, wherever there are two seeds or more; mean width at most 1.5 times that of the
exact interval where there is one. Exit status 1 if one is missed.
"""

import argparse
import csv
import functools
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import interpolate, stats

sys.path.insert(0, str(Path(__file__).parents[1]))

from imaging.evaluation.intervals import LEVEL, level_of_a_look, sum_of_two_t_quantile

CHECKOUT = Path(__file__).parents[1]
TRAININGS = Path(__file__).with_name("coverage_trainings.npz")
PAGE = CHECKOUT / "docs" / "statistics.md"
MARKS = "<!-- coverage begin -->\n", "<!-- coverage end -->\n"

SEEDS = (2, 3, 5, 10)
IMAGES = (3, 12, 100)
SHARES = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1)
ALPHA = 1 - LEVEL
MARGIN = 0.1  # dB, of `decide`
WIDEST = 1.5  # times the exact interval
SWEEPS = 10_000  # simulated ones at a time
AGAIN = 10  # times as many for an entry that is above its bar at first
SPLITS = 40_000  # of the real trainings
WORST = 3  # trainings that are far below the others
RESAMPLES = 2_001  # of the old interval; then its ends are the 51st value from below and from above


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


@functools.cache
def _quantile_by_angle(alpha: float, df_a: int, df_b: int) -> interpolate.CubicSpline:
    """The quantile of sin(angle) T + cos(angle) U, so that not each interval needs an integral."""
    angles = np.pi / 4 * (1 - np.cos(np.linspace(0, np.pi, 100)))
    return interpolate.CubicSpline(
        angles, [sum_of_two_t_quantile(alpha, np.sin(x), df_a, np.cos(x), df_b) for x in angles]
    )


def half_widths(a: np.ndarray, b: np.ndarray, seeds: int, images: int, alpha: float = ALPHA) -> np.ndarray:
    """Half the widths of `crossed_interval`, from the standard errors over seeds (a) and over images (b)."""
    return np.hypot(a, b) * _quantile_by_angle(alpha, seeds - 1, images - 1)(np.arctan2(a, b))


def errors(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mean of each sweep, and its standard errors over seeds and over images."""
    rows, columns = values.mean(axis=2), values.mean(axis=1)
    seeds, images = rows.shape[1], columns.shape[1]
    a, b = rows.std(axis=1, ddof=1) / np.sqrt(seeds), columns.std(axis=1, ddof=1) / np.sqrt(images)
    return rows.mean(axis=1), a, b


def new_excludes(values: np.ndarray) -> np.ndarray:
    """For each sweep, whether `crossed_interval` excludes 0."""
    mean, a, b = errors(values)
    return np.abs(mean) > half_widths(a, b, *values.shape[1:])


def old_excludes(values: np.ndarray) -> np.ndarray:
    """For each sweep, whether the percentile bootstrap interval over the images excludes 0.

    As the package used to make it: from the mean over seeds, with the same resamples for all sweeps.
    """
    images = values.shape[2]
    draws = np.random.default_rng(0).integers(0, images, (RESAMPLES, images))
    weights = np.stack([(draws == image).mean(axis=1) for image in range(images)])
    # Resampled means are compared with 0, which rounding in float32 decides only if all values are equal.
    means = values.mean(axis=1).astype(np.float32) @ weights.astype(np.float32)
    outside = round((RESAMPLES - 1) * ALPHA / 2)
    return ((means <= 0).sum(axis=1) <= outside) | ((means >= 0).sum(axis=1) <= outside)


def satterthwaite_excludes(values: np.ndarray) -> np.ndarray:
    """For each sweep, whether Student's interval with Satterthwaite's degrees of freedom excludes 0."""
    mean, a, b = errors(values)
    seeds, images = values.shape[1:]
    df = (a**2 + b**2) ** 2 / (a**4 / (seeds - 1) + b**4 / (images - 1))
    return np.abs(mean) > stats.t.isf(ALPHA / 2, df) * np.hypot(a, b)


def decided(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`decide` with seeds added one at a time: (any look excludes 0, the look at which it stops does).

    It stops where an interval excludes 0 or lies within ± MARGIN; each is at `level_of_a_look`.
    """
    n, max_seeds, images = values.shape
    alpha = 1 - level_of_a_look(max_seeds)
    any_look, ended, stopped = (np.zeros(n, dtype=bool) for _ in range(3))
    for seeds in range(2, max_seeds + 1):
        mean, a, b = errors(values[:, :seeds])
        half = half_widths(a, b, seeds, images, alpha)
        excludes = np.abs(mean) > half
        any_look |= excludes
        ended |= excludes & ~stopped
        stopped |= excludes | (np.abs(mean) + half <= MARGIN)
    return any_look, ended


@dataclass(frozen=True)
class Rate:
    """A share of sweeps with its standard error."""

    value: float
    error: float

    @property
    def met(self) -> bool:
        return self.value <= ALPHA + 2 * self.error

    def __str__(self) -> str:
        text = f"{100 * self.value:.1f}"
        return text if self.met else f"**{text}**"


def again_if_above(counts: Callable[[int], np.ndarray], which: int) -> list[Rate]:
    """The rates of some events, of SWEEPS sweeps, or of others, AGAIN times as many, if one is above its bar.

    Of many entries whose true rate is just 5 %, some are above two standard errors by chance; few are twice.

    Args:
        counts: sweeps -> how many of them have each of the events.
        which: the event with a bar.
    """

    def rates(blocks: int) -> list[Rate]:
        n = blocks * SWEEPS
        shares = sum(counts(SWEEPS) for _ in range(blocks)) / n
        return [Rate(float(p), float(np.sqrt(p * (1 - p) / n))) for p in shares]

    first = rates(1)
    return first if first[which].met else rates(AGAIN)


def simulated(case: Case, seeds: int, images: int) -> list[Rate]:
    """False alarms of the old and of the new interval."""
    random = np.random.default_rng([case.key, seeds, images])

    def counts(n: int) -> np.ndarray:
        values = case.draw(random, n, seeds, images)
        return np.array([old_excludes(values).sum(), new_excludes(values).sum()])

    return again_if_above(counts, 1)


def satterthwaite(case: Case, seeds: int, images: int) -> float:
    """False alarms of an interval that the package does not have; for comparison."""
    random = np.random.default_rng([case.key, seeds, images, 2])
    return float(satterthwaite_excludes(case.draw(random, SWEEPS, seeds, images)).mean())


def simulated_decide(case: Case, images: int) -> list[Rate]:
    """False alarms of `decide`: any look excludes 0; the one at which it stops does."""
    random = np.random.default_rng([case.key, images])

    def counts(n: int) -> np.ndarray:
        return np.array([event.sum() for event in decided(case.draw(random, n, SEEDS[-1], images))])

    return again_if_above(counts, 0)


def widths(case: Case, seeds: int, images: int) -> float:
    """The mean width of the new interval over that of the exact one, or else of one with known variances."""
    values = case.draw(np.random.default_rng([case.key, seeds, images, 1]), SWEEPS, seeds, images)
    mean, a, b = errors(values)
    exact = stats.norm.isf(ALPHA / 2) * mean.std()
    if case.exact == "seeds":
        exact = stats.t.isf(ALPHA / 2, seeds - 1) * a.mean()
    elif case.exact == "images":
        exact = stats.t.isf(ALPHA / 2, images - 1) * b.mean()
    return float(half_widths(a, b, seeds, images).mean() / exact)


def splits(psnr: np.ndarray, seeds: int, images: int, events: Callable, n: int = SPLITS) -> list[Rate]:
    """False alarms between two disjoint groups of equal trainings, on some of the images, drawn at random.

    The splits share the trainings. The standard error is that of the jackknife over trainings, which asks how
    much the rate would be another with other trainings; that of the drawing of splits is part of it.

    Args:
        psnr: (trainings, images).
        events: differences (splits, seeds, images) -> for each event whether each split has it.
    """
    random = np.random.default_rng([seeds, images])
    count = len(psnr)
    with_all, without, left = 0, 0, 0
    for _ in range(0, n, SWEEPS):
        order = random.random((SWEEPS, count)).argsort(axis=1)[:, : 2 * seeds]
        columns = random.random((SWEEPS, psnr.shape[1])).argsort(axis=1)[:, None, :images]
        drawn = psnr[order[:, :, None], columns]
        had = np.stack(events(drawn[:, :seeds] - drawn[:, seeds:]))
        absent = np.ones((SWEEPS, count))
        np.put_along_axis(absent, order, 0, axis=1)
        with_all, without, left = (
            with_all + had.sum(axis=1),
            without + had @ absent,
            left + absent.sum(axis=0),
        )
    rates, deleted = with_all / n, without / left
    variance = (count - 1) / count * ((deleted - deleted.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    return [Rate(float(p), float(np.sqrt(v))) for p, v in zip(rates, variance, strict=True)]


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


def table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---:"] * len(head), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


def sizes() -> list[tuple[int, int]]:
    return [(seeds, images) for seeds in SEEDS for images in IMAGES]


def report(trainings) -> tuple[list[str], list[str]]:
    """The lines of the page, and the bars that are missed."""
    lines: list[str] = []
    missed: list[str] = []

    def bar(rate: Rate, what: str) -> str:
        if not rate.met:
            missed.append(f"{what}: {100 * rate.value:.2f} ± {100 * rate.error:.2f} %")
        return str(rate)

    like, shares = cases(trainings)
    arrays = dict(zip(map(float, trainings["sigmas"]), trainings["psnr"].astype(float), strict=True))

    count = trainings["psnr"].shape[1]
    lines += [
        f"**Real trainings.** {count} trainings of one configuration that differ in their seed alone; "
        f"{SPLITS:,} random splits an entry into two groups of so many seeds, on so many images. Share of "
        "95 % intervals that exclude 0, in %. The splits overlap: ± is the standard error of the jackknife "
        "over trainings.",
        "",
    ]
    rows = []
    for seeds, images in sizes():
        row = [f"{seeds}", f"{images}"]
        for sigma, psnr in arrays.items():
            old, new = splits(psnr, seeds, images, lambda v: (old_excludes(v), new_excludes(v)))
            told = bar(new, f"real, {sigma:g}, {seeds} seeds, {images} images")
            row += [f"{100 * old.value:.1f}", f"{told} ± {100 * new.error:.1f}"]
        rows.append(row)
    head = [f"{which}, sigma {sigma:g}" for sigma in arrays for which in ("old", "new")]
    lines += table(["seeds", "images", *head], rows)
    progress("real trainings")

    for group, text in (
        (
            like,
            f"**Simulated sweeps like real ones.** Old / new, in % of {SWEEPS:,} sweeps; normal effects with "
            "the standard deviations below, and whole trainings and images drawn with replacement.",
        ),
        (
            shares,
            "**Simulated sweeps by the seeds' share of the variance of the mean**, of which images have the "
            f"rest. Old / new, % of {SWEEPS:,} sweeps.",
        ),
    ):
        rows = []
        for seeds, images in sizes():
            row = [f"{seeds}", f"{images}"]
            for case in group:
                old, new = simulated(case, seeds, images)
                told = bar(new, f"{case.name}, {seeds} seeds, {images} images")
                row.append(f"{100 * old.value:.1f} / {told}")
            rows.append(row)
        lines += ["", text, "", *table(["seeds", "images", *(case.name for case in group)], rows)]
        progress(text.split("**")[1])

    highest = max(
        (satterthwaite(case, seeds, images), seeds, images, case.name)
        for case in shares
        for seeds, images in sizes()
    )
    without = [
        max(simulated(case, seeds, images)[1].value for seeds, images in sizes())
        for case in without_the_worst(trainings)
    ]
    lines += [
        "",
        "Of intervals with Satterthwaite's degrees of freedom, {:.1f} % would exclude 0 at {} seeds, {} "
        "images and a share of {}.".format(100 * highest[0], *highest[1:]),
        f"Without the {WORST} worst trainings without bias, at most "
        + " and ".join(f"{100 * value:.1f} %" for value in without)
        + f" of the new intervals of bias, drawn, do, at sigma {' and '.join(f'{s:g}' for s in arrays)}.",
    ]

    rows = []
    for sigma, psnr in arrays.items():
        row = [f"real trainings, {sigma:g}"]
        for images in IMAGES:
            any_look, ended = splits(psnr, SEEDS[-1], images, decided)
            told = bar(any_look, f"decide, real, {sigma:g}, {images} images")
            row.append(f"{told} ± {100 * any_look.error:.1f} / {100 * ended.value:.1f}")
        rows.append(row)
    for case in [*like, *shares]:
        row = [f"seeds' share {case.name}" if case in shares else case.name]
        for images in IMAGES:
            any_look, ended = simulated_decide(case, images)
            told = bar(any_look, f"decide, {case.name}, {images} images")
            row.append(f"{told} / {100 * ended.value:.1f}")
        rows.append(row)
    lines += [
        "",
        f"**`decide={MARGIN:g}`, from 2 to {SEEDS[-1]} seeds.** Any of the nine looks excludes 0 / the look "
        "at which this comparison alone would stop does, in %. The shares are those at 10 seeds, where the "
        "mean has a standard deviation of 1 dB.",
        "",
        *table(["", *(f"{images} images" for images in IMAGES)], rows),
    ]
    progress("decide")

    rows = []
    chosen = [c for c in [*shares[-1:], *like, *shares[:-1]] if "drawn" not in c.name]
    chosen.append(Case("interaction", normal(Components(0, 1, 1)), 30, "images", barred=False))
    for seeds, images in sizes():
        row = [f"{seeds}", f"{images}"]
        for case in chosen:
            ratio = widths(case, seeds, images)
            over = case.exact and case.barred and ratio > WIDEST
            if over:
                missed.append(f"width, {case.name}, {seeds} seeds, {images} images: {ratio:.2f}")
            row.append(f"**{ratio:.2f}**" if over else f"{ratio:.2f}")
        rows.append(row)
    head = [c.name + (f" (Student, {c.exact})" if c.exact else "") for c in chosen]
    lines += [
        "",
        "**Widths.** Mean width of the new interval over that of Student's where it is exact, and elsewhere "
        "over that of an interval with known variances, which nobody has.",
        "",
        *table(["seeds", "images", *head], rows),
        "",
        "Standard deviations in dB of seed, image and rest: "
        + "; ".join(f"{case.name}: {case.parts}" for case in like if case.parts)
        + ".",
    ]
    return lines, missed


def progress(what: str) -> None:
    print(f"{what}: done", file=sys.stderr, flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweep", type=Path, help="directory of a sweep of seeds of one configuration")
    parser.add_argument("--other", type=Path, help="and of another configuration, with some of its seeds")
    parser.add_argument("--write", action="store_true", help=f"write the tables into {PAGE.name}")
    arguments = parser.parse_args()
    if (arguments.sweep is None) != (arguments.other is None):
        parser.error("--sweep and --other go together")
    if arguments.sweep:
        store(arguments.sweep, arguments.other)
    with np.load(TRAININGS) as trainings:
        lines, missed = report(trainings)
    text = "\n".join(lines) + "\n"
    print(text)
    if arguments.write:
        before, rest = PAGE.read_text(encoding="utf-8").split(MARKS[0])
        after = rest.split(MARKS[1])[1]
        PAGE.write_text(f"{before}{MARKS[0]}{text}{MARKS[1]}{after}", encoding="utf-8")
        print(f"written into {PAGE.relative_to(CHECKOUT)}")
    for line in missed:
        print(f"bar missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
