"""Exact law of gossip over a small footprint: the Markov chain on the sets of nodes that are informed.

News of one step starts at the nodes that observe it, and only its lag matters. From a set A it reaches in one
step every other node j independently, with probability 1 - prod (1 - p_ij) over the edges from A to j, for no
two nodes share such an edge. A set is the number whose bit n says whether node n is in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.kernels.world import Bools, Floats

MOST_NODES = 10


class Chain:
    """The chain on the 2^N sets of informed nodes of a footprint.

    Raises
    ------
    InputError
        If the footprint has more than `MOST_NODES` nodes.
    """

    def __init__(self, footprint: Footprint) -> None:
        if footprint.N > MOST_NODES:
            raise InputError(
                f"{footprint.name}: N = {footprint.N}: the chain has 2**N states, "
                f"so N must be at most {MOST_NODES}"
            )
        self.footprint = footprint

    @cached_property
    def members(self) -> Bools:
        """Which nodes are in which set, (2^N, N)."""
        sets = np.arange(2**self.footprint.N)
        return (sets[:, None] >> np.arange(self.footprint.N)) & 1 == 1

    @cached_property
    def matrix(self) -> Any:
        """Transition probabilities as a sparse matrix, (2^N, 2^N): from the row's set to the column's."""
        from scipy.sparse import csr_array

        idle = np.ones((self.footprint.N, self.footprint.N))
        i, j = self.footprint.edges.T
        idle[i, j] = idle[j, i] = 1 - self.footprint.p
        before = np.arange(len(self.members))
        after, chance = before, np.ones(len(before))
        for node in range(self.footprint.N):
            silent = np.where(self.members, idle[node], 1).prod(axis=1)[before]
            silent[self.members[before, node]] = 1
            hears = silent < 1
            after = np.concatenate([after, after[hears] | 1 << node])
            chance = np.concatenate([chance * silent, (chance * (1 - silent))[hears]])
            before = np.concatenate([before, before[hears]])
        matrix = csr_array((chance, (before, after)), shape=(len(self.members), len(self.members)))
        matrix.eliminate_zeros()
        return matrix

    def observed_at(self, nodes: Iterable[int]) -> Floats:
        """Distribution over sets, (2^N,), when exactly `nodes` observe."""
        start = np.zeros(len(self.members))
        start[sum(1 << n for n in set(nodes))] = 1
        return start

    def observed_with(self, occupancy: ArrayLike) -> Floats:
        """Distribution over sets, (2^N,), when nodes observe independently with probabilities `occupancy`."""
        q = np.broadcast_to(np.asarray(occupancy, dtype=np.float64), self.footprint.N)
        return np.prod(np.where(self.members, q, 1 - q), axis=1)

    def agreement(self, start: Floats, last: int) -> Floats:
        """P(R^n = r) of eq. (17) at the lags 0 .. `last`, (last + 1, N).

        Parameters
        ----------
        start
            (2^N,) distribution over the sets of nodes that observe. If nobody does, there is nothing to know:
            the reward is 0, and so is every estimate.
        """
        known, now, step = np.empty((last + 1, self.footprint.N)), start, self.matrix.T.tocsr()
        for lag in range(last + 1):
            known[lag] = now @ self.members + now[0]
            now = step @ now
        return known
