"""Max-gossip of one-bit observations, eq. (17), backwards.

At step t agent n's estimate of what was attended at step tau is its own observation for tau = t, and for
tau < t the largest of its own estimate and those of the agents that it can talk to, of the step before::

    R^n_{tau, t} = max(R^n_{tau, t-1}, max over j linked to n at t of R^j_{tau, t-1})

What an agent knows of one source is a prefix in tau, for older news travels no worse than later news. So one
number a pair, the *freshness*, carries all of eq. (17): the latest step of this rollout whose observation
by agent l has reached agent n. It is the age of information as well.

Only the estimates at the end of the rollout enter eq. (18). The engine finds them backwards: an agent's news
of step tau - 1 reaches at the end whom its own news of step tau reaches, and whom its neighbours' news does.
These sets grow as tau goes back. While links and zones stay as they are they soon stop growing, and all
earlier steps of that time are counted at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.bits import Words, any_in, clear, copy_set, has, lowest, put, unite
from cmarlsim.kernels.changes import (
    Contacts,
    Log,
    apply_change,
    copy_contacts,
    new_contacts,
    time_of_last,
)
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import Bools, Ints


@kernel
def estimate_from_freshness(fresh: Ints, own: Bools, estimate: Bools) -> None:
    """Estimates of eq. (17) at the end of a rollout.

    Parameters
    ----------
    fresh : (N, N) freshness after the last step
    own : (T0, N, M) direct observations
    estimate : (T0, N, M), overwritten; entry [tau, n, m] is (R^n_tau)_m
    """
    T0, agents, zones = own.shape
    for tau in range(T0):
        for n in range(agents):
            for m in range(zones):
                estimate[tau, n, m] = False
    for n in range(agents):
        for source in range(agents):
            for tau in range(fresh[n, source] + 1):
                for m in range(zones):
                    estimate[tau, n, m] |= own[tau, source, m]


class BackwardGossip(NamedTuple):
    """The state of the backward pass over a rollout, at one step tau (changed in place).

    `news` and `knows` are about what agents will know at the end of the rollout.
    """

    at: Contacts  # links and zones at step tau
    news: Words  # (N, words of N) whom an agent's observation of step tau reaches
    grown: Words  # (words of N) the agents whose `news` grew when tau last went down
    growing: Words  # (words of N) buffer: those whose `news` grows now
    later: Words  # (N, words of N) buffer: their new `news`
    knows: Words  # (M, words of N) who knows that a zone was attended at step tau
    stale: Words  # (words of M) the zones whose `knows` is to be found anew
    union: Words  # (words of N) buffer
    known: NDArray[np.int32]  # (M, N) in how many steps, as far as an agent knows, a zone was attended


def new_backward_gossip(agents: int, zones: int, agent_words: int, zone_words: int) -> BackwardGossip:
    """Buffers, to be filled by `begin_backward_gossip`."""
    return BackwardGossip(
        at=new_contacts(agents, zones, agent_words, zone_words),
        news=np.zeros((agents, agent_words), dtype=np.uint64),
        grown=np.zeros(agent_words, dtype=np.uint64),
        growing=np.zeros(agent_words, dtype=np.uint64),
        later=np.zeros((agents, agent_words), dtype=np.uint64),
        knows=np.zeros((zones, agent_words), dtype=np.uint64),
        stale=np.zeros(zone_words, dtype=np.uint64),
        union=np.zeros(agent_words, dtype=np.uint64),
        known=np.zeros((zones, agents), dtype=np.int32),
    )


@kernel
def begin_backward_gossip(contacts: Contacts, T0: int, back: BackwardGossip) -> None:
    """Start at the last step, with its `contacts`: of it an agent knows its own observation only."""
    copy_contacts(contacts, back.at)
    clear(back.grown)
    clear(back.stale)
    for n in range(len(back.news)):
        clear(back.news[n])
        put(back.news[n], n, True)
        put(back.grown, n, True)
    for m in range(len(back.knows)):
        copy_set(back.at.inside[m], back.knows[m])
        for n in range(len(back.news)):
            back.known[m, n] = 0
        for w in range(back.knows.shape[1]):
            rest = back.knows[m, w]
            while rest != np.uint64(0):
                back.known[m, 64 * w + lowest(rest)] = T0
                rest &= rest - np.uint64(1)


@inner
def hand_on(back: BackwardGossip, agent: int, other: int) -> None:
    """An agent's news of step tau - 1 will also reach whom the other's news of step tau does."""
    news, later = back.news, back.later
    if not has(back.growing, agent):
        new = np.uint64(0)
        for w in range(news.shape[1]):
            new |= news[other, w] & ~news[agent, w]
        if new == np.uint64(0):
            return
        put(back.growing, agent, True)
        copy_set(news[agent], later[agent])
    unite(later[agent], news[other])


@kernel
def grow(back: BackwardGossip, log: Log, first: int, last: int) -> bool:
    """Extend `news` from step tau to step tau - 1, over the links of step tau.

    Only what is new can make a difference: agents whose `news` grew on the way to step tau, and links that
    were not there at step tau + 1. The latter are among the changes `first` to `last` - 1, those just undone.

    Returns
    -------
    bool
        Whether any grew. If none did, none will while the links stay as they are.
    """
    clear(back.growing)
    link = back.at.link
    if any_in(back.grown):
        for n in range(len(link)):
            for w in range(link.shape[1]):
                rest = link[n, w] & back.grown[w]
                while rest != np.uint64(0):
                    hand_on(back, n, 64 * w + lowest(rest))
                    rest &= rest - np.uint64(1)
    for k in range(first, last):
        i, j = log.change[k, 1], log.change[k, 2]
        if j >= 0 and has(link[i], j):
            hand_on(back, i, j)
            hand_on(back, j, i)
    for w in range(len(back.grown)):
        back.grown[w] = back.growing[w]
    return any_in(back.grown)


@kernel
def apply_growth(back: BackwardGossip) -> None:
    """Take over the `news` that grew; the zones of those agents become stale."""
    for w in range(len(back.grown)):
        rest = back.grown[w]
        while rest != np.uint64(0):
            n = 64 * w + lowest(rest)
            rest &= rest - np.uint64(1)
            copy_set(back.later[n], back.news[n])
            unite(back.stale, back.at.zones[n])


@kernel
def undo(back: BackwardGossip, log: Log, last: int) -> int:
    """Undo the changes before number `last` that are of the same step as change `last` - 1.

    Returns
    -------
    int
        The number of changes that are left.
    """
    t = time_of_last(log, last)
    while last > 0 and log.change[last - 1, 0] == t:
        last -= 1
        i, j = log.change[last, 1], log.change[last, 2]
        if j < 0:
            put(back.stale, -1 - j, True)
        apply_change(back.at, i, j)
    return last


@kernel
def recount(back: BackwardGossip, tau: int) -> None:
    """Bring `knows` to step `tau` for the stale zones, and `known` with it.

    `known` always holds what it will be if `knows` stays as it is back to step 0.
    """
    for v in range(len(back.stale)):
        zones = back.stale[v]
        back.stale[v] = np.uint64(0)
        while zones != np.uint64(0):
            m = 64 * v + lowest(zones)
            zones &= zones - np.uint64(1)
            clear(back.union)
            for w in range(len(back.union)):
                agents = back.at.inside[m, w]
                while agents != np.uint64(0):
                    unite(back.union, back.news[64 * w + lowest(agents)])
                    agents &= agents - np.uint64(1)
            for w in range(len(back.union)):
                changed = back.union[w] ^ back.knows[m, w]
                back.knows[m, w] = back.union[w]
                while changed != np.uint64(0):
                    n = 64 * w + lowest(changed)
                    changed &= changed - np.uint64(1)
                    back.known[m, n] += tau + 1 if has(back.union, n) else -(tau + 1)
