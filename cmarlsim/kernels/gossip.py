"""Max-gossip of one-bit observations, eq. (17): literally, by freshness, and backwards.

What an agent knows of one source is a prefix in tau, for older news travels no worse than later news. So one
number a pair, the *freshness*, carries all of eq. (17): the latest step of this rollout whose observation
by agent l has reached agent n. It is the age of information as well.

Only the estimates at the end of the rollout enter eq. (18). The engine finds them backwards: the set of
agents whose observations of step tau have reached agent n by the end grows as tau goes back. While links and
zones stay as they are it soon stops growing, and all earlier steps of that time are counted at once.
"""

from __future__ import annotations

from cmarlsim.kernels.bits import Words, clear, has, put, unite
from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.world import Bools, Ints


@kernel
def spread_literally(t: int, own: Bools, link: Bools, before: Bools, estimate: Bools) -> None:
    """One step of eq. (17) as printed: read `before` (R_{., t-1}), write `estimate` (R_{., t}).

    Parameters
    ----------
    t : step within the rollout
    own : (N, M) direct observations at step t
    link : (N, N) links at step t
    before, estimate : (T0, N, M), entry [tau, n, m]; must not share memory
    """
    agents, zones = own.shape
    for tau in range(t):
        for n in range(agents):
            for m in range(zones):
                known = before[tau, n, m]
                for j in range(agents):
                    known = known or (link[n, j] and before[tau, j, m])
                estimate[tau, n, m] = known
    for n in range(agents):
        for m in range(zones):
            estimate[t, n, m] = own[n, m]


@kernel
def spread(t: int, link: Bools, before: Ints, fresh: Ints) -> None:
    """One step of max-gossip on freshness: read `before`, write `fresh`, both (N, N), -1 for nothing yet."""
    agents = len(link)
    for n in range(agents):
        for source in range(agents):
            fresh[n, source] = before[n, source]
        for j in range(agents):
            if link[n, j]:
                for source in range(agents):
                    fresh[n, source] = max(fresh[n, source], before[j, source])
        fresh[n, n] = t


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


@kernel
def begin_backwards(reach: Words) -> None:
    """Sets for the last step of a rollout, (N, words of N): of it an agent knows its own observation only."""
    for n in range(len(reach)):
        clear(reach[n])
        put(reach[n], n, True)


@kernel
def step_backwards(link: Words, reach: Words, earlier: Words) -> bool:
    """Write the sets for step tau - 1 into `earlier`, given those of step tau in `reach`.

    Parameters
    ----------
    link : (N, words of N) links at step tau
    reach, earlier : (N, words of N); must not share memory

    Returns
    -------
    bool
        Whether a set grew. If none did, none will while the links stay as they are.
    """
    agents, grew = len(reach), False
    for n in range(agents):
        for w in range(reach.shape[1]):
            earlier[n, w] = reach[n, w]
        for j in range(agents):
            if has(reach[n], j):
                unite(earlier[n], link[j])
        for w in range(reach.shape[1]):
            grew = grew or earlier[n, w] != reach[n, w]
    return grew
