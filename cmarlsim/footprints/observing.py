"""Who observes what, for agents fixed at nodes, and what gossip makes of it: eq. (17)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from cmarlsim.building.zones import inside_zones
from cmarlsim.kernels.gossip import estimate_from_freshness
from cmarlsim.kernels.world import Bools, Ints
from cmarlsim.randomness import uniforms
from cmarlsim.recordings.recording import Recording


def always_on(N: int, steps: int, nodes: Iterable[int]) -> Bools:
    """One zone, observed at every step by `nodes` and nobody else, (steps, N, 1)."""
    own = np.zeros((steps, N, 1), dtype=np.bool_)
    own[:, list(nodes)] = True
    return own


def bernoulli(occupancy: ArrayLike, steps: int, seed: int, first: int = 0) -> Bools:
    """Node n observes zone m with probability `occupancy`[n, m], (N, M), independently at every step.

    The draws are those of the steps from `first` on.

    Returns
    -------
    (steps, N, M) array
    """
    q = np.asarray(occupancy, dtype=np.float64)
    return uniforms(seed, "occupancy", first, steps, q.shape) < q


def recorded(recording: Recording) -> Bools:
    """Zones that every agent was in, (T, N, M), in a recording of level ``step``."""
    return inside_zones(recording.scenario.world, recording.position)


def estimates(own: Bools, fresh: Ints) -> Bools:
    """R^n_{tau, t} of eq. (17) at the end of every repetition, or rollout.

    Parameters
    ----------
    own : (K, T0, N, M) observations
    fresh : (K, N, N) `gossip.Gossip.fresh` of all nodes at the last of T0 steps

    Returns
    -------
    (K, T0, N, M) array
    """
    found = np.empty_like(own)
    for k in range(len(own)):
        estimate_from_freshness(fresh[k], own[k], found[k])
    return found


def agreement_by_lag(own: Bools, fresh: Ints) -> Ints:
    """Number of repetitions in which R^n = r(S_tau) at the lags 0 .. T0 - 1, (T0, N, M).

    Parameters are those of `estimates`.
    """
    reward = own.any(axis=2, keepdims=True)
    counts = (estimates(own, fresh) == reward).sum(axis=0)
    return counts[::-1]
