"""Multipliers of agents fixed at nodes, by eq. (18), beside those that true rewards give, by eq. (16)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from cmarlsim.footprints.activations import Copies
from cmarlsim.footprints.chain import Chain
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.footprints.gossip import spread
from cmarlsim.footprints.observing import bernoulli, estimates
from cmarlsim.kernels.dual import updated_all
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.scenario import Dual

BYTES_AT_ONCE = 2**26
"""Rollouts are simulated side by side as far as this memory goes."""


@dataclass(frozen=True, eq=False)
class Watch:
    """Who observes which zones, and how often they must be attended.

    Node n observes zone m at every step, independently, with probability `occupancy`[n, m]: always, if 1.
    """

    occupancy: Floats  # (N, M)
    c: Floats  # (M,)

    @classmethod
    def dealt(cls, footprint: Footprint, M: int, c: float, occupancy: float = 1.0) -> Watch:
        """Deal M zones to the nodes in turn, beginning with one that is as far from another as any."""
        keeper = (footprint.diametral[0] + np.arange(M)) % footprint.N
        observed = np.zeros((footprint.N, M))
        observed[keeper, np.arange(M)] = occupancy
        return cls(observed, np.full(M, c))

    @property
    def certain(self) -> bool:
        """Whether everything is observed always or never."""
        return bool(np.isin(self.occupancy, (0, 1)).all())

    def observe(self, fresh: Ints, T0: int, seed: int, first: int) -> tuple[Ints, Ints]:
        """Count for rollouts number `first`, ... the steps in which a zone was attended, and who missed it.

        Parameters
        ----------
        fresh
            (count, N, N) `gossip.Gossip.fresh` of all nodes at the end of these rollouts.

        Returns
        -------
        (count, M) and (count, N, M) arrays
            Steps attended, and steps attended of which an agent does not know at the end.
        """
        if self.certain:
            keeps: Bools = self.occupancy == 1
            attended = np.broadcast_to(T0 * keeps.any(axis=0), (len(fresh), keeps.shape[1]))
            known = [(1 + fresh[:, :, each]).max(axis=2, initial=0) for each in keeps.T]
            return attended, attended[:, None] - np.stack(known, axis=2)
        own = bernoulli(self.occupancy, len(fresh) * T0, seed, first * T0)
        own = own.reshape(len(fresh), T0, *self.occupancy.shape)
        attended = own.any(axis=2).sum(axis=1)
        return attended, attended[:, None] - estimates(own, fresh).sum(axis=1)

    def missed_on_average(self, footprint: Footprint, T0: int) -> Floats:
        """Mean number of steps of a rollout in which an agent misses that a zone is attended, (N, M).

        Exact, from the chain, so for few nodes only.
        """
        chain = Chain(footprint)
        starts = [chain.observed_with(column) for column in self.occupancy.T]
        return np.stack([(1 - chain.agreement(start, T0 - 1)).sum(axis=0) for start in starts], axis=1)


class Errors(NamedTuple):
    """lambda^n - lambda after some rollouts, as they are and if [.]_+ were left out of eq. (16) and (18)."""

    projected: Floats  # (repetitions, agents, M)
    unprojected: Floats  # (repetitions, agents, M)


def multiplier_errors(
    footprint: Footprint, watch: Watch, dual: Dual, repetitions: int, seed: int, agents: list[int]
) -> Iterator[Errors]:
    """Simulate the multipliers of `agents` from 0 on; yields the errors after one rollout, two, ...

    Repetitions are independent of each other. Their number is part of the draws' address.
    """
    M, step = len(watch.c), dual.eta / dual.T0
    lam, ideal = np.zeros((repetitions, len(agents), M)), np.zeros((repetitions, M))
    unprojected, k = np.zeros_like(lam), 0
    while True:
        attended, missed = _rollout(footprint, watch, dual.T0, k * repetitions, repetitions, seed, agents)
        known = attended[:, None] - missed
        lam = updated_all(lam, watch.c, dual.alpha, step, known, dual.T0)
        ideal = updated_all(ideal, watch.c, dual.alpha, step, attended, dual.T0)
        unprojected = (1 - dual.alpha) * unprojected + step * missed
        k += 1
        yield Errors(lam - ideal[:, None], unprojected)


def _rollout(
    footprint: Footprint, watch: Watch, T0: int, first: int, count: int, seed: int, agents: list[int]
) -> tuple[Ints, Ints]:
    """`Watch.observe` of rollouts number `first` to `first + count - 1`, for some agents."""
    each = 16 * footprint.N**2 + (0 if watch.certain else 10 * T0 * watch.occupancy.size)
    batch = max(1, BYTES_AT_ONCE // each)
    found = []
    for start in range(first, first + count, batch):
        copies = Copies(footprint, min(batch, first + count - start), start)
        attended, missed = watch.observe(spread(copies, T0, seed), T0, seed, start)
        found.append((attended, missed[:, agents]))
    attended, missed = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return attended, missed
