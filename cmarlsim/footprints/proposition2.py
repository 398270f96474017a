"""Bounds on when news reaches an agent: Proposition 2, and closer ones from below and from above.

With T the number of steps that news from a source takes to an agent, P(R = r) at lag l is at least P(T <= l).
`docs/footprints.md` has the proofs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmarlsim.bounds.proposition2 import negative_binomial
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.passages import disjoint_paths, edges_of, passages, quickest_path
from cmarlsim.kernels.world import Floats


def sum_of_geometrics(p: Floats, last: int) -> Floats:
    """P(X_1 + ... + X_J <= l) for l = 0 .. `last`, X_j independent, geometric on 1, 2, ... with `p`[j]."""
    from scipy.signal import lfilter

    at = np.zeros(last + 1)
    at[0] = 1
    for chance in p:
        at = lfilter([0, chance], [1, chance - 1], at)
    return np.minimum(np.cumsum(at), 1)


def proposition2(footprint: Footprint, last: int) -> Floats:
    """Right-hand side of Proposition 2 at the lags 0 .. `last`, with the smallest p where edges differ."""
    return negative_binomial(footprint.diameter, float(footprint.p.min(initial=1)), last)


def paths_bound(footprint: Footprint, source: int, agent: int, last: int) -> Floats:
    """Lower bound on P(T <= l) for l = 0 .. `last`, (last + 1,).

    Block by block the best, at each lag, of families of paths without a common edge: those with the fewest
    edges, and those with the least mean time to walk them, which differ where edges do.
    """
    bounds, times = [], 1 / footprint.p
    costs = [np.ones_like(times), times] if len(set(times.tolist())) > 1 else [times]
    for passage in passages(footprint, source, agent):
        late = [
            np.prod([1 - sum_of_geometrics(footprint.p[path], last) for path in family], axis=0)
            for cost in costs
            for family in disjoint_paths(footprint, passage, cost)
        ]
        bounds.append(1 - np.min(late, axis=0))
    return _one_after_another(bounds, last)


def cuts_bound(footprint: Footprint, source: int, agent: int, last: int) -> Floats:
    """Upper bound on P(T <= l) for l = 0 .. `last`, (last + 1,).

    Block by block, news must cross each cut between what is d and what is d + 1 edges from the entry.
    """
    bounds = []
    for edges, entry, out in passages(footprint, source, agent):
        away = footprint.distances(entry)
        idle = np.ones(away[out])
        for e in edges:
            near, far = np.sort(away[footprint.edges[e]])
            if near < far and near < len(idle):
                idle[near] *= 1 - footprint.p[e]
        bounds.append(sum_of_geometrics(1 - idle, last))
    return _one_after_another(bounds, last)


def _one_after_another(laws: Sequence[Floats], last: int) -> Floats:
    """Distribution function of a sum of independent times from theirs, each (last + 1,)."""
    at = np.zeros(last + 1)
    at[0] = 1
    for law in laws:
        at = np.convolve(at, np.diff(law, prepend=0))[: last + 1]
    return np.minimum(np.cumsum(at), 1)


def lags_for(footprint: Footprint, coverage: float = 0.995, most: int = 100_000) -> int:
    """Least lag by which news has come as far as any with probability `coverage`, along one path.

    That path takes the least mean time. Where all edges have the same p, this is the lag at which the
    right-hand side of Proposition 2 reaches `coverage`.

    Raises
    ------
    InputError
        If that is more than `most`.
    """
    path = quickest_path(footprint, 1 / footprint.p, *footprint.diametral)
    p = footprint.p[edges_of(footprint, path)]
    last = 16
    while (arrived := sum_of_geometrics(p, last))[-1] < coverage:
        last *= 2
        if last > most:
            raise InputError(f"{footprint.name}: p = {p.min():g}: news takes more than {most:,} steps")
    return int(np.argmax(arrived >= coverage))
