"""P(R = r) of eq. (17) by lag over a footprint, exact and simulated, against bounds from below and above."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.intervals import distribution_error, wilson
from cmarlsim.footprints.chain import MOST_NODES, Chain
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.gossip import count_ages
from cmarlsim.footprints.proposition2 import cuts_bound, lags_for, paths_bound, proposition2
from cmarlsim.kernels.world import Floats, Ints

ROUNDING = 1e-9
"""Exact probabilities that differ by less are equal."""

MISS = 0.01
"""Probability with which a simulated distribution function is allowed to be further off than its error."""

OCCUPANCY = 0.5
"""Probability with which every agent observes, in the claim on several observers."""

# What P(R = r) by lag is said to be: at most or at least a bound of `cmarlsim.footprints.proposition2`.
PRINTED = "as printed, <="
CORRECTED = "corrected, >="
EVERY_PAIR = "corrected, every pair"
OBSERVERS = "corrected, many observers"
PATHS = "disjoint paths, >="
CUTS = "cuts, <="
AGREEMENT = "simulation and chain"


@dataclass(frozen=True, eq=False)
class Delays:
    """What is known of one observer, at lags 0 .. L - 1, by an agent as far away as any; arrays are (L,)."""

    footprint: Footprint
    count: Ints  # repetitions in which the agent knew
    repetitions: int
    exact: Floats | None  # None for footprints too large for the chain
    worst: Floats | None  # the same, least over all sources and agents
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
        """Of `simulated`, at all lags at once."""
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


def verdict(excess: Floats, error: float) -> str:
    """Say whether an excess that should not be negative is, by more than `error`.

    Where it is nowhere further from 0: ``equality``, or ``within error`` if that is more than rounding.
    """
    against = excess < -error
    if against.any():
        return f"fails at {against.sum()} of {len(excess)} lags, by up to {-excess.min():.3g}"
    if (excess > error).any():
        return "holds"
    return "equality" if error <= ROUNDING else "within error"


def claims(delays: Delays) -> pd.DataFrame:
    """One row a claim: how its verdict comes out exactly and in simulation, and how loose it is.

    Columns: footprint, N, edges, d_G, p (the smallest), claim, exact, simulated, slack (the largest
    excess, exact where it is known, else simulated), the lag where it is, and against (the largest deficit).
    """
    d = delays
    rows = [
        (PRINTED, d.exact, d.simulated, d.bound, -1),
        (CORRECTED, d.exact, d.simulated, d.bound, 1),
        (EVERY_PAIR, d.worst, None, d.bound, 1),
        (OBSERVERS, d.observers, None, d.bound, 1),
        (PATHS, d.exact, d.simulated, d.paths, 1),
        (CUTS, d.exact, d.simulated, d.cuts, -1),
    ]
    found = []
    for claim, exact, simulated, bound, sign in rows:
        excess = [None if known is None else sign * (known - bound) for known in (exact, simulated)]
        errors = (ROUNDING, d.error)
        words = [
            "" if each is None else verdict(each, error) for each, error in zip(excess, errors, strict=True)
        ]
        best = excess[0] if excess[0] is not None else excess[1]
        if best is not None:
            found.append(claim_row(d.footprint, claim, words, best))
    if d.exact is not None:
        apart = np.abs(d.simulated - d.exact)
        word = "agrees" if apart.max() <= d.error else f"differs by {apart.max():.3g}"
        found.append(claim_row(d.footprint, AGREEMENT, ["", word], apart))
    return pd.DataFrame(found)


def claim_row(footprint: Footprint, claim: str, words: Sequence[str], excess: Floats) -> dict[str, object]:
    """A row of the table of claims, from verdicts (exact, simulated) and the excess at every lag."""
    return {
        "footprint": footprint.name,
        "N": footprint.N,
        "edges": len(footprint.edges),
        "d_G": footprint.diameter,
        "p": footprint.p.min(initial=1),
        "claim": claim,
        "exact": words[0],
        "simulated": words[1],
        "slack": max(0.0, float(excess.max())),
        "lag": int(excess.argmax()),
        "against": max(0.0, -float(excess.min())),
    }


def by_lag(delays: Delays, most: int = 50) -> pd.DataFrame:
    """One row a lag, at most so many, evenly spread.

    Columns: footprint, d_G, source, agent, p, lag, exact, simulated, low, high (Wilson's 95 % interval),
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
    head = {
        "footprint": delays.footprint.name,
        "d_G": delays.footprint.diameter,
        "source": source,
        "agent": agent,
        "p": delays.footprint.p.min(initial=1),
        "lag": lags,
    }
    return pd.DataFrame(head | {name: values[lags] for name, values in columns.items()})
