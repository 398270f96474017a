"""Statements about links, each with a verdict: what eq. (4) assumes, and what Proposition 3 makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.intervals import distribution_error, mean_and_error
from analysis.links.fit import Fit, pair_names, pooled_spells
from analysis.links.promises import Promise, mean_of, promise
from analysis.links.replay import BERNOULLI, CHAIN, RECORDED, ROWS, Outcome, samples
from analysis.multipliers import worst
from cmarlsim.bounds.verdicts import ASSUMED, COLUMNS, ESTIMATED, MISS, OURS, PRINTED, PROVEN, Statement
from cmarlsim.kernels.world import Floats, Ints
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.link_trace import all_pairs

MODEL, PROPOSITION, TWO_STATE = "eq. (4)", "Proposition 3", "two-state chain"
QUICKEST, WITH_MEMORY = "quickest paths", "quickest paths, with memory"

LEAST_SAMPLES = 4
"""Fewer runs have no interval: half of them choose the agent and zone that are looked at."""

LEAST_RISES = 100
"""Links that went up less often say nothing of correlations."""

Row = dict[str, object]


def _tested(claim: str, form: str, quantity: str, measured: float, bound: float) -> Row:
    """A statistic beside what it stays below, but with probability `MISS`, if the claim is true."""
    return {"links": RECORDED, **Statement(claim, form, quantity, float(bound), ASSUMED).row(measured)}


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
    yield from _likeness_rows(fits, p, steps)
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


def _likeness_rows(fits: Sequence[Fit], p: Floats, steps: int) -> Iterator[Row]:
    names, mean, count = pair_names(fits[0].N), p.mean(), len(p) * (len(p) - 1) // 2
    if count:
        ends = names[int(p.argmax())], names[int(p.argmin())]
        quantity = f"largest difference of p (pairs {ends[0]} and {ends[1]})"
        bound = _quantile(count) * np.sqrt(2 * mean * (1 - mean) / steps)
        yield _tested(MODEL, "the same p for all pairs", quantity, float(np.ptp(p)), bound)


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
        assumed = f"{ASSUMED}: steps are independent"
        ours = OURS if modelled else assumed
        lines = [
            (PRINTED, zone, independent.printed, PROVEN if modelled else assumed),
            (PRINTED, largest, independent.printed, assumed),
            (QUICKEST, zone, independent.one_zone, ours),
            (QUICKEST, largest, independent.one_agent, ours),
        ]
        if not modelled:
            basis = OURS if kind == CHAIN else f"{ESTIMATED}: chains fitted to the links"
            lines += [
                (WITH_MEMORY, zone, chains.one_zone, basis),
                (WITH_MEMORY, largest, chains.one_agent, basis),
            ]
        errors = {zone: outcome.zone_error, largest: outcome.max_error}
        for form, quantity, bound, basis in lines:
            statement = Statement(PROPOSITION, form, quantity, bound, basis, trivial=most)
            values = samples(errors[quantity])
            yield {"links": kind, **statement.row(*_worst_mean(values.reshape(len(values), -1)))}


def _worst_mean(values: Floats) -> tuple[float, float, float]:
    """Mean of the worst column of (samples, J), and its interval; without end where samples are few."""
    if len(values) < LEAST_SAMPLES:
        return float(values.mean(axis=0).max()), -np.inf, np.inf
    mean, error = (float(each[0]) for each in mean_and_error(worst(values)[:, None]))
    return mean, mean - error, mean + error


def verdict_table(outcomes: Mapping[str, Outcome], fits: Sequence[Fit], scenario: Scenario) -> pd.DataFrame:
    """One row a statement and kind of links: ``links``, whose they are, and the columns of verdicts."""
    rows = [*model_rows(fits), *promise_rows(outcomes, fits, scenario)]
    return pd.DataFrame(rows)[["links", *COLUMNS]]
