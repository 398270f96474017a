"""The changes of a rollout: links that go up or down, agents that enter or leave a zone.

Between changes everything stays as it is, so a rollout is its changes. They are logged in the order of time;
of one step, agent by agent that arrives, first its zones and then its links; links that are drawn come last.
A change is a toggle: applied a second time it is undone, so the log, read from its end, leads back from the
last step to the first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.bits import Words, toggle
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import Ints


class Log(NamedTuple):
    """Changes of the present rollout (changed in place), at most C.

    A change is (t, i, j), the link of agents i and j at step t, or (t, n, -1 - m): agent n and zone m.
    """

    change: NDArray[np.int32]  # (C, 3)
    length: Ints  # (1,) changes so far


class Contacts(NamedTuple):
    """Who can talk to whom, and who is in which zone, at one step (changed in place)."""

    link: Words  # (N, words of N)
    zones: Words  # (N, words of M) the zones that each agent is in
    inside: Words  # (M, words of N) the agents that are in each zone


def new_log(capacity: int) -> Log:
    """Empty log for `capacity` changes."""
    return Log(np.empty((capacity, 3), dtype=np.int32), np.zeros(1, dtype=np.int64))


def longer(log: Log) -> Log:
    """Copy with room for twice as many changes."""
    change = np.empty((2 * len(log.change), 3), dtype=np.int32)
    change[: len(log.change)] = log.change
    return Log(change, log.length)


def new_contacts(agents: int, zones: int, agent_words: int, zone_words: int) -> Contacts:
    """Empty sets: nobody can talk to anybody, and nobody is in a zone."""
    return Contacts(
        link=np.zeros((agents, agent_words), dtype=np.uint64),
        zones=np.zeros((agents, zone_words), dtype=np.uint64),
        inside=np.zeros((zones, agent_words), dtype=np.uint64),
    )


@inner
def apply_change(contacts: Contacts, i: int, j: int) -> None:
    """Toggle the link of agents i and j; with j = -1 - m, whether agent i is in zone m."""
    if j < 0:
        toggle(contacts.zones[i], -1 - j)
        toggle(contacts.inside[-1 - j], i)
    else:
        toggle(contacts.link[i], j)
        toggle(contacts.link[j], i)


@inner
def log_change(contacts: Contacts, log: Log, t: int, i: int, j: int) -> None:
    """Apply the change (i, j) and log it as one of step t."""
    apply_change(contacts, i, j)
    k = log.length[0]
    log.change[k, 0] = t
    log.change[k, 1] = i
    log.change[k, 2] = j
    log.length[0] = k + 1


@kernel
def time_of_last(log: Log, count: int) -> int:
    """Step of the last of the first `count` changes; 0 if there are none."""
    return log.change[count - 1, 0] if count > 0 else 0


@inner
def copy_contacts(source: Contacts, into: Contacts) -> None:
    """Make `into` equal to `source`."""
    for n in range(len(source.link)):
        for w in range(source.link.shape[1]):
            into.link[n, w] = source.link[n, w]
        for w in range(source.zones.shape[1]):
            into.zones[n, w] = source.zones[n, w]
    for m in range(len(source.inside)):
        for w in range(source.inside.shape[1]):
            into.inside[m, w] = source.inside[m, w]
