"""What comparisons say, for a reader to quote."""

import itertools
import math

from imaging.evaluation.comparisons import Comparison, Decision


def sentences(comparisons: list[Comparison]) -> list[str]:
    """One line a change, with its effect at each sigma, what it averages over, and of how many it is."""
    lines = []
    for _, group in itertools.groupby(comparisons, key=lambda c: (c.factor, c.change, c.averaged, c.sample)):
        group = list(group)
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
    """How a sweep that added seeds has ended: what of the three each comparison came to."""
    states = [c.state(decision.margin) for c in comparisons]
    seeds = max((c.n_seeds for c in comparisons), default=0)
    open_, limit = states.count("open"), "" if seeds < decision.max_seeds else ", the most that were allowed"
    return (
        f"Seeds until decided: {seeds} seeds{limit}; of {len(states)} comparisons {states.count('decided')} "
        f"have an interval that excludes 0, {states.count('within')} one within ±{decision.margin:g} dB, and "
        f"{open_} {'is' if open_ == 1 else 'are'} open. Intervals of {100 * decision.level:.1f} % at each "
        f"look hold together at 95 % over all looks up to {decision.max_seeds} seeds."
    )


def explanation(comparisons: list[Comparison]) -> str:
    """What the intervals and p-values of a report are, in one sentence."""
    over = dict.fromkeys(c.generalises for c in comparisons if c.generalises != "nothing")
    kinds = {
        "seeds and images": "another training on other images of this kind (seeds and images crossed)",
        "images": "other images of this kind; with one training each they say nothing of other seeds",
        "seeds": "another training; with one image they say nothing of other images",
    }
    whole = "; or for ".join(kinds[kind] for kind in over)
    counts = comparisons[0].n_comparisons
    adjusted = f", p-values adjusted for {counts} comparisons (Holm)" if counts > 1 else ""
    return (
        f"Paired differences with 95 % intervals for {whole}{adjusted}:" if whole else "Paired differences:"
    )
