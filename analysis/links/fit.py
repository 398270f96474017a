"""What links did: how often and for how long they were up, and how they hang together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from analysis.measures import link_blocks
from cmarlsim.errors import InputError
from cmarlsim.footprints.surrogates import TwoState
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.recordings.recording import Recording
from cmarlsim.simulation.link_trace import all_pairs

LEAST_ROLLOUTS = 10
"""Shorter recordings say too little about links."""

MOST_PAIRS = 1000
"""Pairs of agents that are compared with each other."""

LONGEST_LAG = 1000
"""Autocorrelations are estimated for lags up to this, and up to a tenth of the recording."""

LAGS = (1, 10, 100)
"""Lags in the table of pairs."""


def trace_of(recording: Recording) -> Bools:
    """Whether each pair of `all_pairs` could talk, (T, F).

    Raises
    ------
    InputError
        If there is one agent only or there are too many, the recording is too short, or links never change.
    """
    N, K = recording.scenario.agents.N, recording.rollouts_done
    if N < 2:
        raise InputError(f"{recording.path}: has one agent only, there are no links")
    pairs = all_pairs(N)
    if len(pairs) > MOST_PAIRS:
        raise InputError(
            f"{recording.path}: agents.N = {N}: {len(pairs):,} pairs, can compare {MOST_PAIRS:,} at most"
        )
    if K < LEAST_ROLLOUTS:
        raise InputError(
            f"{recording.path}: too short, it holds {K} rollouts: record {LEAST_ROLLOUTS} or more "
            f"(--steps {LEAST_ROLLOUTS * recording.scenario.dual.T0})"
        )
    i, j = pairs.T
    up = np.concatenate([block[:, i, j] for block in link_blocks(recording)])
    if (up == up[0]).all():
        model = recording.scenario.links.model
        raise InputError(f"{recording.path}: no link ever changes (links.model = '{model}'), nothing to fit")
    return up


def autocorrelation(up: Bools, last: int) -> Floats:
    """Autocorrelation of every column of (T, F) at the lags 0 .. `last`, (last + 1, F).

    That of a link that never changes is 1 at lag 0, and 0 at all others: it is one of independent steps.
    """
    from scipy.signal import correlate

    T, found = len(up), np.zeros((last + 1, up.shape[1]))
    found[0] = 1
    for f, column in enumerate(up.T):
        centred = column - column.mean()
        if column.any() and not column.all():
            product = correlate(centred, centred, method="fft")[T - 1 : T + last]
            found[:, f] = product / (T - np.arange(last + 1)) / centred.var()
    return found


def correlation(up: Bools) -> Floats:
    """Correlation of the columns of (T, F) at the same step, (F, F); 0 for a link that never changes."""
    with np.errstate(invalid="ignore"):
        found = np.nan_to_num(np.atleast_2d(np.corrcoef(up, rowvar=False)))
    np.fill_diagonal(found, 1)
    return found


@dataclass(frozen=True, eq=False)
class Fit:
    """Links of one recording, (T, F), and what they did."""

    N: int
    up: Bools

    @classmethod
    def of(cls, recording: Recording) -> Fit:
        """Fit a recording of level ``step``; raises as `trace_of`."""
        return cls(recording.scenario.agents.N, trace_of(recording))

    @cached_property
    def law(self) -> TwoState:
        """Two-state chains with the same p and mean dwell times."""
        return TwoState.fitted(self.up)

    @cached_property
    def autocorrelation(self) -> Floats:
        """Autocorrelation by lag and pair."""
        return autocorrelation(self.up, min(LONGEST_LAG, len(self.up) // 10))

    @cached_property
    def correlation(self) -> Floats:
        """Correlation of pairs with each other, (F, F)."""
        return correlation(self.up)


def pair_names(N: int) -> list[str]:
    """Names of all pairs, such as ``0-3``."""
    return [f"{i}-{j}" for i, j in all_pairs(N)]


def pair_table(fits: Sequence[Fit]) -> pd.DataFrame:
    """One row a pair: how often it could talk, how long at a time, and how fast that is forgotten.

    Columns: pair, p (mean over recordings, with p_low and p_high), up and down (mean steps at a time: those
    in the state by the times it was entered, so that what a recording cuts off counts), up_iid and down_iid
    (what eq. (4) says), autocorrelation at `LAGS` as ``r1``, and what two-state chains say as ``r1_chain``.
    """
    p, s, memory = (np.array([getattr(fit.law, name) for fit in fits]) for name in ("p", "s", "memory"))
    r = np.mean([fit.autocorrelation for fit in fits], axis=0)
    share, changes = p.mean(axis=0), s.mean(axis=0)
    table = pd.DataFrame({"pair": pair_names(fits[0].N), "p": share})
    table["p_low"], table["p_high"] = p.min(axis=0), p.max(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # a link that never changes
        for state, within in (("up", share), ("down", 1 - share)):
            table[state], table[f"{state}_iid"] = within / changes, 1 / (1 - within)
    for lag in LAGS:
        if lag < len(r):
            table[f"r{lag}"], table[f"r{lag}_chain"] = r[lag], (memory**lag).mean(axis=0)
    return table
