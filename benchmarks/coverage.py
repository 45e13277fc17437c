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
import sys
from pathlib import Path

import numpy as np
from coverage_rates import (
    MARGIN,
    MAX_SEEDS,
    SPLITS,
    SWEEPS,
    Rate,
    decided,
    new_excludes,
    old_excludes,
    satterthwaite,
    simulated,
    simulated_decide,
    splits,
    widths,
)
from coverage_sweeps import TRAININGS, WORST, Case, Components, cases, normal, store, without_the_worst

CHECKOUT = Path(__file__).parents[1]
PAGE = CHECKOUT / "docs" / "statistics.md"
MARKS = "<!-- coverage begin -->\n", "<!-- coverage end -->\n"

SEEDS = (2, 3, 5, MAX_SEEDS)
IMAGES = (3, 12, 100)
WIDEST = 1.5  # times the exact interval


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
            any_look, ended = splits(psnr, MAX_SEEDS, images, decided)
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
        f"**`decide={MARGIN:g}`, from 2 to {MAX_SEEDS} seeds.** Any of the nine looks excludes 0 / the look "
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
