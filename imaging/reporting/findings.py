"""Sentences about comparisons for a report."""

import itertools
import math

from imaging.evaluation.statistics.comparisons import Comparison, Decision
from imaging.evaluation.statistics.intervals import LEVEL


def sentences(comparisons: list[Comparison]) -> list[str]:
    """One line per change: its effect at each sigma, what it averages over, and the size of the sample."""
    lines = []
    for _, alike in itertools.groupby(comparisons, key=lambda c: (c.factor, c.change, c.averaged, c.sample)):
        group = list(alike)
        words = [group[0].averaged, group[0].sample]
        effects = "; ".join(_with_p(c) for c in group)
        lines.append(f"{group[0].change}: {effects}; {', '.join(w for w in words if w)}")
    return lines


def _with_p(comparison: Comparison) -> str:
    p = comparison.p_adjusted
    if math.isnan(p):
        return comparison.effect
    return f"{comparison.effect} (p {'< 0.0001' if p < 1e-4 else f'= {p:.2g}'})"


def verdict(comparisons: list[Comparison], decision: Decision) -> str:
    """How a sweep that added seeds ended: the number of decided, small and open differences."""
    if not comparisons:
        return "Seeds until decided: nothing could be compared, so no seed was added."
    states = [c.state(decision.margin) for c in comparisons]
    seeds = max(c.n_seeds for c in comparisons)
    limit = "" if seeds < decision.max_seeds else ", the most that were allowed"
    counts = {state: states.count(state) for state in ("decided", "within", "open")}
    return (
        f"Seeds until decided: {seeds} seeds{limit}. Intervals that exclude 0: {counts['decided']}; that lie "
        f"within ±{decision.margin:g} dB: {counts['within']}; open: {counts['open']}. At "
        f"{100 * decision.level:.1f} % each, the intervals of all looks up to {decision.max_seeds} seeds "
        "hold together at 95 %."
    )


def explanation(comparisons: list[Comparison], decision: Decision | None = None) -> str:
    """Explain the intervals and p-values of a report in one sentence."""
    if not comparisons:
        return "Differences:"
    level = f"{100 * (decision.level if decision else LEVEL):.3g} %"
    over = dict.fromkeys(c.generalises for c in comparisons if c.generalises != "nothing")
    kinds = {
        "seeds and images": "another training on other images of this kind (seeds and images crossed)",
        "images": "other images of this kind; with one training each they say nothing about other seeds",
        "seeds": "another training; with one image they say nothing about other images",
    }
    if not over:
        return "Paired differences:"
    target = "; or for ".join(kinds[kind] for kind in over)
    count = comparisons[0].n_comparisons
    adjusted = f", p-values adjusted for {count} comparisons (Holm)" if count > 1 else ""
    return f"Paired differences with {level} intervals for {target}{adjusted}:"
