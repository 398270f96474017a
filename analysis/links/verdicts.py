"""What eq. (4) says of links, each with a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from analysis.links.fit import Fit, pair_names
from cmarlsim.bounds.verdicts import ASSUMED, MISS, Statement

LEAST_RISES = 100
"""Links that went up less often say nothing of correlations."""


def _tested(form: str, quantity: str, measured: float, bound: float) -> dict[str, object]:
    """A statistic beside what it stays below, but with probability `MISS`, if eq. (4) is true."""
    return Statement("eq. (4)", form, quantity, float(bound), ASSUMED).row(measured)


def _quantile(count: int) -> float:
    """Quantile of a normal law below which `count` samples all stay in size, but with probability `MISS`."""
    from scipy.stats import norm

    return float(norm.isf(MISS / 2 / max(count, 1)))


def model_rows(fits: Sequence[Fit]) -> Iterator[dict[str, object]]:
    """Tests of eq. (4); each shows the pairs that are farthest off."""
    F, steps, names = fits[0].up.shape[1], sum(len(fit.up) for fit in fits), pair_names(fits[0].N)
    p = np.mean([fit.law.p for fit in fits], axis=0)
    r = np.mean([fit.autocorrelation for fit in fits], axis=0)
    f = int(np.abs(r[1]).argmax())
    quantity = f"|autocorrelation| of a link at lag 1 (pair {names[f]})"
    yield _tested("independent in time", quantity, abs(r[1, f]), _quantile(F) / np.sqrt(steps))
    if F > 1:
        ends = names[int(p.argmax())], names[int(p.argmin())]
        quantity = f"largest difference of p (pairs {ends[0]} and {ends[1]})"
        bound = _quantile(F * (F - 1) // 2) * np.sqrt(2 * p.mean() * (1 - p.mean()) / steps)
        yield _tested("the same p for all pairs", quantity, float(np.ptp(p)), bound)
    known = np.flatnonzero(np.sum([len(fit.up) * fit.law.s for fit in fits], axis=0) >= LEAST_RISES)
    first, second = (known[index] for index in np.triu_indices(len(known), k=1))
    if len(first):
        value = np.abs(np.mean([fit.correlation for fit in fits], axis=0))[first, second]
        inflation = np.maximum(1, 1 + 2 * (r[1:, first] * r[1:, second]).sum(axis=0))  # Bartlett's formula
        bounds = _quantile(len(first)) * np.sqrt(inflation / steps)
        i = int((value / bounds).argmax())
        both = f"{names[first[i]]} and {names[second[i]]}"
        quantity = f"|correlation| of two links, allowing for the memory of each (pairs {both})"
        yield _tested("independent pairs", quantity, value[i], bounds[i])
