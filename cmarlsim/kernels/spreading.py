"""Max-gossip of freshness over a footprint whose edges are given: which are active, at which step.

As in `gossip`, one number carries all that eq. (17) lets a node know of a source: the latest step whose
observation by the source has reached it. Step by step, all nodes and edges are looked at; by
activations, only the edges that are active and the nodes at their ends. Both read what was known at the step
before.
"""

from __future__ import annotations

from typing import NamedTuple

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import Bools, Ints


class Knowledge(NamedTuple):
    """What N nodes know of S sources (changed in place)."""

    fresh: Ints  # (N, S) latest step known, -1 for none; a source's entry about itself is not kept
    before: Ints  # (N, S) buffer: the same at the step before
    saved: Ints  # (N,) step at which a node's row of `before` was saved, -1 for never
    column: Ints  # (N,) number of a node among the sources, -1 if it is none


@inner
def save(knowledge: Knowledge, n: int, t: int) -> None:
    """Save what node `n` knew before step `t`; a source knows of itself the step before."""
    if knowledge.saved[n] == t:
        return
    knowledge.saved[n] = t
    for s in range(knowledge.fresh.shape[1]):
        knowledge.before[n, s] = knowledge.fresh[n, s]
    if knowledge.column[n] >= 0:
        knowledge.before[n, knowledge.column[n]] = t - 1


@inner
def tell(knowledge: Knowledge, i: int, j: int) -> None:
    """Nodes `i` and `j` tell each other what they knew before."""
    fresh, before = knowledge.fresh, knowledge.before
    for s in range(fresh.shape[1]):
        fresh[i, s] = max(fresh[i, s], before[j, s])
        fresh[j, s] = max(fresh[j, s], before[i, s])


@kernel
def spread_by_steps(ends: Ints, active: Bools, first: int, knowledge: Knowledge) -> None:
    """Gossip step by step.

    Parameters
    ----------
    ends : (F, 2) nodes of every edge
    active : (steps, F) which edges are active at the steps from `first` on
    """
    for row in range(len(active)):
        for n in range(len(knowledge.saved)):
            save(knowledge, n, first + row)
        for e in range(len(ends)):
            if active[row, e]:
                tell(knowledge, ends[e, 0], ends[e, 1])


@kernel
def spread_by_activations(ends: Ints, time: Ints, edge: Ints, knowledge: Knowledge) -> None:
    """Gossip from activation to activation.

    Parameters
    ----------
    ends : (F, 2) nodes of every edge
    time, edge : (C,) step and edge of all activations of some steps, in the order of time
    """
    first = 0
    while first < len(time):
        t, last = time[first], first
        while last < len(time) and time[last] == t:
            save(knowledge, ends[edge[last], 0], t)
            save(knowledge, ends[edge[last], 1], t)
            last += 1
        for k in range(first, last):
            tell(knowledge, ends[edge[k], 0], ends[edge[k], 1])
        first = last
