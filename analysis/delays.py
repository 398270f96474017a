"""P(R = r) of eq. (17) by lag over a footprint, exact and simulated, against bounds from below and above."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.intervals import distribution_error, wilson
from cmarlsim.bounds.verdicts import CORRECTED, PRINTED, PROVEN, ROUNDING, SHARPER, Statement
from cmarlsim.footprints.chain import MOST_NODES, Chain
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.gossip import count_ages
from cmarlsim.footprints.proposition2 import cuts_bound, lags_for, paths_bound, proposition2
from cmarlsim.kernels.world import Floats, Ints

MISS = 0.01
"""Probability with which a simulated distribution function is allowed to be further off than its error."""

OCCUPANCY = 0.5
"""Probability with which every agent observes, in the variant with many observers."""

CLAIM, AGREEMENT = "Proposition 2", "simulation and chain"

AS_PRINTED, AS_CORRECTED = "as printed, <=", "corrected, >="
EVERY_PAIR, OBSERVERS = "corrected, every pair", "corrected, many observers"
PATHS, CUTS = "disjoint paths, >=", "cuts, <="
FORMS = {
    AS_PRINTED: PRINTED,
    AS_CORRECTED: CORRECTED,
    EVERY_PAIR: CORRECTED,
    OBSERVERS: CORRECTED,
    PATHS: SHARPER,
    CUTS: SHARPER,
}
"""Variants of the claim on P(R = r) by lag, at most or at least a bound, and the form that each has."""


@dataclass(frozen=True, eq=False)
class Delays:
    """What is known of one observer, at lags 0 .. L - 1, by an agent as far away as any; arrays are (L,)."""

    footprint: Footprint
    count: Ints  # repetitions in which the agent knew
    repetitions: int
    exact: Floats | None  # None for footprints too large for the chain
    worst: Floats | None  # least P(R = r) over all sources and agents
    observers: Floats | None  # least over agents, if every agent observes with probability OCCUPANCY
    bound: Floats  # right-hand side of Proposition 2
    paths: Floats
    cuts: Floats

    @property
    def simulated(self) -> Floats:
        """Share of the repetitions in which the agent knew."""
        return self.count / self.repetitions

    @property
    def error(self) -> float:
        """Largest distance of `simulated` from the truth, at all lags at once."""
        return distribution_error(self.repetitions, MISS)


def measure(footprint: Footprint, repetitions: int, seed: int) -> Delays:
    """Measure up to the lag at which Proposition 2 promises nearly everything."""
    last, (source, agent) = lags_for(footprint), footprint.diametral
    ages = count_ages(footprint, source, last + 1, repetitions, seed)[:-1, agent]
    exact = worst = observers = None
    if footprint.N <= MOST_NODES:
        chain = Chain(footprint)
        known = [chain.agreement(chain.observed_at([n]), last) for n in range(footprint.N)]
        exact, worst = known[source][:, agent], np.min(known, axis=(0, 2))
        observers = chain.agreement(chain.observed_with(OCCUPANCY), last).min(axis=1)
    return Delays(
        footprint=footprint,
        count=np.cumsum(ages),
        repetitions=repetitions,
        exact=exact,
        worst=worst,
        observers=observers,
        bound=proposition2(footprint, last),
        paths=paths_bound(footprint, source, agent, last),
        cuts=cuts_bound(footprint, source, agent, last),
    )


def claims(delays: Delays) -> pd.DataFrame:
    """One row a variant of the claim, by the exact chain where it is known, else by simulation.

    Columns: those of `claim_row`.
    """
    d = delays
    known, error = (d.simulated, d.error) if d.exact is None else (d.exact, 0.0)
    of_all = ((EVERY_PAIR, d.worst), (OBSERVERS, d.observers))
    sides = [
        (AS_PRINTED, d.bound - known, error),
        (AS_CORRECTED, known - d.bound, error),
        *((name, one - d.bound, 0.0) for name, one in of_all if one is not None),
        (PATHS, known - d.paths, error),
        (CUTS, d.cuts - known, error),
    ]
    found = [claim_row(d.footprint, variant, excess, off) for variant, excess, off in sides]
    if d.exact is not None:
        found.append(agreement_row(d.footprint, np.abs(d.simulated - d.exact), d.error))
    return pd.DataFrame(found)


def claim_row(footprint: Footprint, variant: str, excess: Floats, error: float) -> dict[str, object]:
    """A row on one variant, at the lag that decides: where it fails worst, or else where it holds best.

    Parameters
    ----------
    variant
        A key of `FORMS`.
    excess : (L,) array
        How far P(R = r) is on the right side of the bound, by lag.
    error
        How far a simulated P(R = r) may be off; 0 if it is exact.

    Returns
    -------
    dict
        Columns as `verdicts.COLUMNS`; footprint, N, edges, d_G, p (the smallest), variant, method (exact or
        simulated), lag (the one that decides), lags (how many there are), failing (at how many the variant
        fails) and slack (the largest excess).
    """
    failing = excess < -max(error, ROUNDING)
    lag = int(excess.argmin() if failing.any() else excess.argmax())
    quantity = f"P(R = r) on the wrong side of the bound by, {footprint.name}, p = {_p(footprint):g}"
    beyond = 0.0 if abs(excess[lag]) <= ROUNDING else -float(excess[lag])
    row = Statement(CLAIM, FORMS[variant], quantity, 0.0, PROVEN).row(beyond, beyond - error, beyond + error)
    method = "simulated" if error else "exact"
    case = {"lag": lag, "lags": len(excess), "failing": int(failing.sum()), "slack": max(0.0, excess.max())}
    return row | _head(footprint) | {"variant": variant, "method": method} | case


def agreement_row(footprint: Footprint, apart: Floats, error: float) -> dict[str, object]:
    """A row on whether a simulation is as close to the chain as it should be, in the columns of `claim_row`.

    `apart` (L,) is their distance by lag.
    """
    lag, quantity = int(apart.argmax()), f"distance of the two, {footprint.name}, p = {_p(footprint):g}"
    row = Statement(AGREEMENT, AGREEMENT, quantity, error, PROVEN).row(apart[lag])
    case = {"lag": lag, "lags": len(apart), "failing": int((apart > error).sum()), "slack": apart[lag]}
    return row | _head(footprint) | {"variant": AGREEMENT, "method": "simulated"} | case


def _p(footprint: Footprint) -> float:
    return float(footprint.p.min(initial=1))


def _head(footprint: Footprint) -> dict[str, object]:
    head = {"footprint": footprint.name, "N": footprint.N, "edges": len(footprint.edges)}
    return head | {"d_G": footprint.diameter, "p": _p(footprint)}


def by_lag(delays: Delays, most: int = 50) -> pd.DataFrame:
    """One row a lag, at most so many, evenly spread.

    Columns: footprint, d_G, p, source, agent, lag, exact, simulated, low, high (Wilson's 95 % interval),
    bound, paths, cuts.
    """
    lags = np.unique(np.linspace(0, len(delays.bound) - 1, most).round().astype(int))
    low, high = wilson(delays.count, delays.repetitions)
    source, agent = delays.footprint.diametral
    columns = {
        "exact": np.full(len(delays.bound), np.nan) if delays.exact is None else delays.exact,
        "simulated": delays.simulated,
        "low": low,
        "high": high,
        "bound": delays.bound,
        "paths": delays.paths,
        "cuts": delays.cuts,
    }
    footprint = delays.footprint
    head = {"footprint": footprint.name, "d_G": footprint.diameter, "p": _p(footprint)}
    head |= {"source": source, "agent": agent, "lag": lags}
    return pd.DataFrame(head | {name: values[lags] for name, values in columns.items()})
