"""The events of a rollout: links that go up or down, agents that enter or leave a zone.

Between events nothing changes, so a rollout is its events. They are logged in the order of time; of one step,
agent by agent that arrives, first its zones and then its links; links that are drawn come last. An event is a
toggle: applied a second time it is undone, so the log, read from its end, leads back from the last step to
the first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from cmarlsim.kernels.bits import Words, toggle
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import Ints


class Log(NamedTuple):
    """Events of the present rollout (changed in place), at most C.

    An event is (t, i, j), the link of agents i and j at step t, or (t, n, -1 - m): agent n and zone m.
    """

    event: NDArray[np.int32]  # (C, 3)
    happened: Ints  # (1,) events so far


class Contacts(NamedTuple):
    """Who can talk to whom, and who is in which zone, at one step (changed in place)."""

    link: Words  # (N, words of N)
    zones: Words  # (N, words of M) the zones that each agent is in
    inside: Words  # (M, words of N) the agents that are in each zone


def new_log(capacity: int) -> Log:
    """Empty log for `capacity` events."""
    return Log(np.empty((capacity, 3), dtype=np.int32), np.zeros(1, dtype=np.int64))


def longer(log: Log) -> Log:
    """Copy with room for twice as many events."""
    event = np.empty((2 * len(log.event), 3), dtype=np.int32)
    event[: len(log.event)] = log.event
    return Log(event, log.happened)


def new_contacts(agents: int, zones: int, agent_words: int, zone_words: int) -> Contacts:
    """Nobody can talk to anybody, and nobody is in a zone."""
    return Contacts(
        link=np.zeros((agents, agent_words), dtype=np.uint64),
        zones=np.zeros((agents, zone_words), dtype=np.uint64),
        inside=np.zeros((zones, agent_words), dtype=np.uint64),
    )


@kernel
def apply_change(contacts: Contacts, i: int, j: int) -> None:
    """Toggle what the event (i, j) says."""
    if j < 0:
        toggle(contacts.zones[i], -1 - j)
        toggle(contacts.inside[-1 - j], i)
    else:
        toggle(contacts.link[i], j)
        toggle(contacts.link[j], i)


@kernel
def happen(contacts: Contacts, log: Log, t: int, i: int, j: int) -> None:
    """Apply the event (i, j) and log that it happened at step t."""
    apply_change(contacts, i, j)
    k = log.happened[0]
    log.event[k, 0] = t
    log.event[k, 1] = i
    log.event[k, 2] = j
    log.happened[0] = k + 1


@kernel
def time_of_last(log: Log, count: int) -> int:
    """Step of the last of the first `count` events; 0 if there are none."""
    return log.event[count - 1, 0] if count > 0 else 0


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
