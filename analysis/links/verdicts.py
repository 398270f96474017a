"""Statements about links, each with a verdict: what eq. (4) assumes, and what Proposition 3 makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.intervals import distribution_error
from analysis.links.fit import Fit, pair_names, pooled_spells
from analysis.links.promises import Promise, mean_of, promise
from analysis.links.replay import BERNOULLI, CHAIN, RECORDED, ROWS, Outcome, samples
from analysis.multipliers import MISS, mean_and_error, verdict, worst
from analysis.multipliers import ratio as by_bound
from cmarlsim.kernels.world import Floats, Ints
from cmarlsim.scenario import Scenario
from cmarlsim.traced import all_pairs

MODEL, PROPOSITION, TWO_STATE = "eq. (4)", "Proposition 3", "two-state chain"

LEAST_SAMPLES = 4
"""With fewer runs there is no interval: half of them choose the agent and zone that are looked at."""

LEAST_RISES = 100
"""Links that went up less often say nothing of correlations."""

Row = dict[str, object]


def _row(links: str, claim: str, form: str, quantity: str, basis: str) -> Row:
    return {"links": links, "claim": claim, "form": form, "quantity": quantity, "basis": basis}


def _tested(row: Row, measured: float, bound: float) -> Row:
    """A statistic beside what it stays below, but with probability `MISS`, if the claim is true."""
    word = "holds" if measured <= bound else "fails"
    exact = {"bound": bound, "measured": measured, "low": measured, "high": measured}
    return row | exact | {"ratio": by_bound(measured, bound), "verdict": word}


def _quantile(count: int) -> float:
    """Of a normal law: `count` samples all stay below it in size, but with probability `MISS`."""
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
    yield _tested(_row(RECORDED, MODEL, "independent in time", quantity, "assumed"), value, bound)
    yield from _likeness_rows(fits, p, steps)
    known = np.flatnonzero(np.sum([len(fit.up) * fit.law.s for fit in fits], axis=0) >= LEAST_RISES)
    first, second = (known[index] for index in np.triu_indices(len(known), k=1))
    if len(first):
        both = [f"{names[a]} and {names[b]}" for a, b in zip(first, second, strict=True)]
        value_of = np.abs(np.mean([fit.correlation for fit in fits], axis=0))[first, second]
        inflation = np.maximum(1, 1 + 2 * (r[1:, first] * r[1:, second]).sum(axis=0))  # Bartlett's formula
        name, value, bound = _farthest(value_of, _quantile(len(first)) * np.sqrt(inflation / steps), both)
        quantity = f"|correlation| of two links, allowing for the memory of each (pairs {name})"
        yield _tested(_row(RECORDED, MODEL, "independent pairs", quantity, "assumed"), value, bound)
    yield from _dwell_rows(fits, p)


def _likeness_rows(fits: Sequence[Fit], p: Floats, steps: int) -> Iterator[Row]:
    names, mean, count = pair_names(fits[0].N), p.mean(), len(p) * (len(p) - 1) // 2
    if count:
        ends = names[int(p.argmax())], names[int(p.argmin())]
        quantity = f"largest difference of p (pairs {ends[0]} and {ends[1]})"
        row = _row(RECORDED, MODEL, "the same p for all pairs", quantity, "assumed")
        yield _tested(row, float(np.ptp(p)), _quantile(count) * np.sqrt(2 * mean * (1 - mean) / steps))


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
                row = _row(RECORDED, claim, f"geometric times {state}, {form}", quantity, "assumed")
                yield _tested(row, value, bound)


def _distance(length: Ints, ends: float) -> float:
    """Largest distance of the distribution function of lengths from that of 1 - (1 - ends)^k."""
    k, count = np.unique(length, return_counts=True)
    share = np.cumsum(count) / len(length)
    law = 1 - (1 - ends) ** np.stack([k - 1, k])
    return float(max(np.abs(law[1] - share).max(), np.abs(law[0] - share + count / len(length)).max()))


def promises(fits: Sequence[Fit], scenario: Scenario) -> tuple[Promise, Promise]:
    """Promises for links with the fitted p at every step, and for two-state chains, whatever happened before.

    Raises
    ------
    InputError
        If alpha is 0, by which (22) divides.
    """

    def of(chances: Sequence[Floats]) -> Promise:
        pairs = all_pairs(fits[0].N)
        each = zip(fits, chances, strict=True)
        return mean_of([promise(fit.path, fit.N, pairs, chance, scenario.dual) for fit, chance in each])

    return of([fit.law.p for fit in fits]), of([fit.law.least for fit in fits])


def promise_rows(outcomes: Mapping[str, Outcome], fits: Sequence[Fit], scenario: Scenario) -> Iterator[Row]:
    """Errors of multipliers over each kind of links against (22) and closer bounds, with p as fitted."""
    independent, chains = promises(fits, scenario)
    dual = scenario.dual
    most = dual.eta * float(scenario.c.max()) / dual.alpha  # lambda^n <= eta c / alpha, eq. (18)
    zone, largest = "error in each zone", "error in the max norm"
    for kind, outcome in outcomes.items():
        modelled = kind in (BERNOULLI, ROWS)
        assumed = "assumed: steps are independent"
        corrected = "corrected" if modelled else assumed
        lines = [
            ("printed", zone, independent.printed, "proven" if modelled else assumed),
            ("printed", largest, independent.printed, assumed),
            ("quickest paths", zone, independent.one_zone, corrected),
            ("quickest paths", largest, independent.one_agent, corrected),
        ]
        if not modelled:
            lines += [
                ("quickest paths, with memory", zone, chains.one_zone, _basis(kind)),
                ("quickest paths, with memory", largest, chains.one_agent, _basis(kind)),
            ]
        errors = {zone: outcome.zone_error, largest: outcome.max_error}
        for form, quantity, bound, basis in lines:
            values = samples(errors[quantity])
            compared = _compared(values.reshape(len(values), -1), bound, most)
            yield _row(kind, PROPOSITION, form, quantity, basis) | compared


def _basis(kind: str) -> str:
    return "corrected" if kind == CHAIN else "estimated: chains fitted to the links"


def _compared(values: Floats, bound: float, most: float) -> Row:
    """Mean of the worst column of (samples, J) beside a bound on each."""
    if len(values) < LEAST_SAMPLES:
        mean, low, high = float(values.mean(axis=0).max()), -np.inf, np.inf
    else:
        mean, error = (float(each[0]) for each in mean_and_error(worst(values)[:, None]))
        low, high = mean - error, mean + error
    word = verdict(low, high, bound, most).replace("within error", "undecided")
    compared = {"bound": bound, "measured": mean, "low": low, "high": high}
    return compared | {"ratio": by_bound(mean, bound), "verdict": word}


COLUMNS = [
    *("links", "claim", "form", "quantity", "bound", "measured", "low", "high", "ratio", "verdict", "basis")
]


def verdict_table(outcomes: Mapping[str, Outcome], fits: Sequence[Fit], scenario: Scenario) -> pd.DataFrame:
    """One row a statement and kind of links.

    Columns: links (whose they are), claim, form, quantity, bound, measured, low, high (interval of the
    measured), ratio, verdict (``holds``, ``fails``, ``vacuous`` or ``undecided``), basis.
    """
    rows = [*model_rows(fits), *promise_rows(outcomes, fits, scenario)]
    return pd.DataFrame(rows)[COLUMNS]
