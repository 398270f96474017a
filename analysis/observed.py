"""Proposition 2 with the observations of a recorded team: its agents at the nodes, a repetition a rollout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.delays import AS_CORRECTED, AS_PRINTED, MISS, agreement_row, claim_row, lag_head
from analysis.intervals import many_errors, wilson
from analysis.recordings import check_level
from cmarlsim.errors import InputError
from cmarlsim.footprints.activations import Copies
from cmarlsim.footprints.chain import MOST_NODES, Chain
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.gossip import spread
from cmarlsim.footprints.observing import agreement_by_lag, recorded
from cmarlsim.footprints.proposition2 import lags_for, proposition2
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.recordings.recording import Recording

SHAPES = {"path": 2, "cycle": 3, "star": 4, "complete": 4}
"""Footprints of which there is one for every number of agents from so many on."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What every agent knows of every zone, at the lags 0 .. T0 - 1 from the end of a rollout."""

    footprint: Footprint
    count: Ints  # (T0, N, M) repetitions in which R^n = r
    repetitions: int
    exact: Floats | None  # (T0, N, M) P(R^n = r), None for footprints too large for the chain
    bound: Floats  # (T0,) right-hand side of Proposition 2

    @property
    def simulated(self) -> Floats:
        """Share of the repetitions in which R^n = r, (T0, N, M)."""
        return self.count / self.repetitions

    @property
    def error(self) -> float:
        """Largest distance of `simulated` from the truth, at all lags, agents and zones at once."""
        return many_errors(self.repetitions, self.count.size, MISS)


def read_observations(path: str | Path) -> Bools:
    """Who was in which zone, (K, T0, N, M), in the whole rollouts of a recording.

    Raises
    ------
    InputError
        If it is not of level ``step``, holds no whole rollout, or has one agent only.
    """
    with Recording.open(path) as recording:
        check_level(recording, "step")
        scenario, K = recording.scenario, recording.rollouts_done
        if scenario.agents.N < 2:
            raise InputError(f"{path}: has one agent only, there is no gossip")
        own = recorded(recording)[: K * scenario.dual.T0]
        return own.reshape(K, scenario.dual.T0, scenario.agents.N, scenario.M)


def footprints_for(N: int) -> list[str]:
    """Names of footprints on N agents."""
    return [f"{name}:{N}" for name, least in SHAPES.items() if least <= N]


def measure_observed(footprint: Footprint, own: Bools, repetitions: int, seed: int) -> Observed:
    """Let gossip carry recorded observations (K, T0, N, M), each rollout `repetitions` / K times, rounded up.

    Raises
    ------
    InputError
        If the footprint has not as many nodes as there are agents.
    """
    K, T0, N, _ = own.shape
    if footprint.N != N:
        raise InputError(f"{footprint.name}: N = {footprint.N}: must be {N}, as many as agents were recorded")
    count, rounds = np.zeros(own.shape[1:], dtype=np.int64), -(-repetitions // K)
    for each in range(rounds):
        count += agreement_by_lag(own, spread(Copies(footprint, K, each * K), T0, seed))
    exact = exactly(footprint, own) if N <= MOST_NODES else None
    return Observed(footprint, count, rounds * K, exact, proposition2(footprint, T0 - 1))


def exactly(footprint: Footprint, own: Bools) -> Floats:
    """P(R^n = r) by lag, (T0, N, M), as the mean over recorded rollouts, by the chain."""
    chain, T0 = Chain(footprint), own.shape[1]
    sets = np.tensordot(own, 1 << np.arange(footprint.N), axes=(2, 0))[:, ::-1]  # (K, lag, M)
    found = np.zeros(own.shape[1:])
    for each in np.unique(sets):
        start = np.zeros(len(chain.members))
        start[each] = 1
        share = (sets == each).mean(axis=0)
        found += chain.agreement(start, T0 - 1)[:, :, None] * share[:, None]
    return found


def observed_claims(known: Observed) -> pd.DataFrame:
    """Rows as those of `delays.claims`, for the worst of all agents and zones."""
    probability, error = (known.simulated, known.error) if known.exact is None else (known.exact, 0.0)
    excess, found = probability - known.bound[:, None, None], []
    for variant, sign in ((AS_PRINTED, -1), (AS_CORRECTED, 1)):
        found.append(claim_row(known.footprint, variant, (sign * excess).min(axis=(1, 2)), error))
    if known.exact is not None:
        apart = np.abs(known.simulated - known.exact).max(axis=(1, 2))
        found.append(agreement_row(known.footprint, apart, known.error))
    return pd.DataFrame(found)


def observed_by_lag(known: Observed) -> pd.DataFrame:
    """One row a lag, up to where nearly everything is promised, for the agent and zone with least knowledge.

    Columns: those of `delays.by_lag`, with the zone instead of a source, and no closer bounds.
    """
    mean = (known.simulated if known.exact is None else known.exact).mean(axis=0)
    agent, zone = np.unravel_index(mean.argmin(), mean.shape)
    low, high = wilson(known.count[:, agent, zone], known.repetitions)
    lags = np.arange(min(len(known.bound), lags_for(known.footprint) + 1))
    columns = {
        "exact": np.nan if known.exact is None else known.exact[lags, agent, zone],
        "simulated": known.simulated[lags, agent, zone],
        "low": low[lags],
        "high": high[lags],
        "bound": known.bound[lags],
        "paths": np.nan,
        "cuts": np.nan,
    }
    return pd.DataFrame(lag_head(known.footprint) | {"zone": zone, "agent": agent, "lag": lags} | columns)
