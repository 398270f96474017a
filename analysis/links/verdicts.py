"""What eq. (4) and two-state chains say of links, each with a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analysis.intervals import distribution_error
from analysis.links.fit import Fit, pair_names, pooled_spells
from cmarlsim.bounds.verdicts import ASSUMED, MISS, Statement
from cmarlsim.kernels.world import Floats, Ints

MODEL, TWO_STATE = "eq. (4)", "two-state chain"

LEAST_RISES = 100
"""Links that went up less often say nothing of correlations."""

Row = dict[str, object]


def _tested(claim: str, form: str, quantity: str, measured: float, bound: float) -> Row:
    """A statistic beside what it stays below, but with probability `MISS`, if the claim is true."""
    return Statement(claim, form, quantity, float(bound), ASSUMED).row(measured)


def _quantile(count: int) -> float:
    """Quantile of a normal law below which `count` samples all stay in size, but with probability `MISS`."""
    from scipy.stats import norm

    return float(norm.isf(MISS / 2 / max(count, 1)))


def _farthest(values: Floats, bounds: Floats, names: Sequence[str]) -> tuple[str, float, float]:
    """Name, value and bound where the value is largest by its bound."""
    f = int((values / bounds).argmax())
    return names[f], float(values[f]), float(bounds[f])


def model_rows(fits: Sequence[Fit]) -> Iterator[Row]:
    """Tests of eq. (4) and of two-state chains; each shows the pairs that are farthest off."""
    F, steps, names = fits[0].up.shape[1], sum(len(fit.up) for fit in fits), pair_names(fits[0].N)
    p = np.mean([fit.law.p for fit in fits], axis=0)
    r = np.mean([fit.autocorrelation for fit in fits], axis=0)
    one = np.full(F, _quantile(F) / np.sqrt(steps))
    name, value, bound = _farthest(np.abs(r[1]), one, names)
    quantity = f"|autocorrelation| of a link at lag 1 (pair {name})"
    yield _tested(MODEL, "independent in time", quantity, value, bound)
    if F > 1:
        ends = names[int(p.argmax())], names[int(p.argmin())]
        quantity = f"largest difference of p (pairs {ends[0]} and {ends[1]})"
        bound = _quantile(F * (F - 1) // 2) * np.sqrt(2 * p.mean() * (1 - p.mean()) / steps)
        yield _tested(MODEL, "the same p for all pairs", quantity, float(np.ptp(p)), bound)
    known = np.flatnonzero(np.sum([len(fit.up) * fit.law.s for fit in fits], axis=0) >= LEAST_RISES)
    first, second = (known[index] for index in np.triu_indices(len(known), k=1))
    if len(first):
        both = [f"{names[a]} and {names[b]}" for a, b in zip(first, second, strict=True)]
        value_of = np.abs(np.mean([fit.correlation for fit in fits], axis=0))[first, second]
        inflation = np.maximum(1, 1 + 2 * (r[1:, first] * r[1:, second]).sum(axis=0))  # Bartlett's formula
        name, value, bound = _farthest(value_of, _quantile(len(first)) * np.sqrt(inflation / steps), both)
        quantity = f"|correlation| of two links, allowing for the memory of each (pairs {name})"
        yield _tested(MODEL, "independent pairs", quantity, value, bound)
    yield from _dwell_rows(fits, p)


def _dwell_rows(fits: Sequence[Fit], p: Floats) -> Iterator[Row]:
    """Distances of dwell times from geometric laws, with the mean that eq. (4) says, and with their own."""
    names, lengths = pair_names(fits[0].N), [pooled_spells(fits, f) for f in range(len(p))]
    for state, index in (("up", 0), ("down", 1)):
        for claim, form in ((MODEL, "mean of eq. (4)"), (TWO_STATE, "mean as measured")):
            found: list[tuple[str, float, float]] = []
            for f, both in enumerate(lengths):
                if len(length := both[index]):
                    ends = (1 - p[f], p[f])[index] if claim == MODEL else 1 / length.mean()
                    error = distribution_error(len(length), MISS / len(p))
                    found.append((names[f], _distance(length, ends), error))
            if found:
                labels, values, bounds = zip(*found, strict=True)
                name, value, bound = _farthest(np.array(values), np.array(bounds), labels)
                quantity = f"distance of times {state} from a geometric law (pair {name})"
                yield _tested(claim, f"geometric times {state}, {form}", quantity, value, bound)


def _distance(length: Ints, ends: float) -> float:
    """Largest distance of the distribution function of lengths from that of 1 - (1 - ends)^k."""
    k, count = np.unique(length, return_counts=True)
    share = np.cumsum(count) / len(length)
    law = 1 - (1 - ends) ** np.stack([k - 1, k])
    return float(max(np.abs(law[1] - share).max(), np.abs(law[0] - share + count / len(length)).max()))
