"""Who observes what, for agents fixed at nodes, and what gossip makes of it: eq. (17)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cmarlsim.kernels.gossip import estimate_from_freshness
from cmarlsim.kernels.world import Bools, Ints
from cmarlsim.randomness import uniforms


def bernoulli(occupancy: ArrayLike, steps: int, seed: int, first: int = 0) -> Bools:
    """Node n observes zone m with probability `occupancy`[n, m], (N, M), independently at every step.

    The draws are those of the steps from `first` on.

    Returns
    -------
    (steps, N, M) array
    """
    q = np.asarray(occupancy, dtype=np.float64)
    return uniforms(seed, "occupancy", first, steps, q.shape) < q


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
