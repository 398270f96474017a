"""Shortest ways along the waypoint graph, one-way edges in their direction, in exact arithmetic on ticks."""

from __future__ import annotations

from typing import NamedTuple

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import TIE, Bools, Ints

UNREACHED = 2**62
"""Ticks; longer than all ways together."""


class Roads(NamedTuple):
    """The waypoint graph, with the edges at every waypoint."""

    edge: Ints  # (E, 2) waypoints at both ends
    ticks: Ints  # (E,) length
    one_way: Bools  # (E,) whether it leads from its first end to its second only
    first: Ints  # (P + 1,) where in `at` the edges at a waypoint begin; they end where the next one's begin
    at: Ints  # (2 E,) edges at each waypoint, the lowest first


@inner
def leads_from(roads: Roads, edge: int, p: int) -> bool:
    """Whether agents at waypoint `p`, an end of `edge`, may take it."""
    return not roads.one_way[edge] or roads.edge[edge, 0] == p


class Search(NamedTuple):
    """Scratch of a search for the ways to one waypoint."""

    to_go: Ints  # (P,) ticks
    queue: Ints  # (P,)
    waiting: Bools  # (P,) nobody is, between two searches


@kernel
def measure(roads: Roads, goal: int, search: Search) -> None:
    """Write into `search.to_go` the ticks from every waypoint to `goal`; `UNREACHED` where no way leads.

    Waypoints whose way became shorter wait in line to offer it to their neighbours (Bellman, Ford, Moore).
    """
    to_go, queue, waiting = search.to_go, search.queue, search.waiting
    points = len(to_go)
    for p in range(points):
        to_go[p] = UNREACHED
    queue[0], to_go[goal] = goal, 0
    head, length = 0, 1
    while length > 0:
        p = queue[head]
        head, length, waiting[p] = (head + 1) % points, length - 1, False
        for k in range(roads.first[p], roads.first[p + 1]):
            edge = roads.at[k]
            other = roads.edge[edge, 0] + roads.edge[edge, 1] - p
            through = to_go[p] + roads.ticks[edge]
            if through < to_go[other] and leads_from(roads, edge, other):
                to_go[other] = through
                if not waiting[other]:
                    queue[(head + length) % points] = other
                    length, waiting[other] = length + 1, True


@inner
def first_edge(roads: Roads, p: int, to_go: Ints) -> int:
    """Edge at waypoint `p` that begins a shortest way; of those within `TIE` ticks, the lowest index."""
    shortest = UNREACHED
    for k in range(roads.first[p], roads.first[p + 1]):
        edge = roads.at[k]
        other = roads.edge[edge, 0] + roads.edge[edge, 1] - p
        if leads_from(roads, edge, p):
            shortest = min(shortest, roads.ticks[edge] + to_go[other])
    for k in range(roads.first[p], roads.first[p + 1]):
        edge = roads.at[k]
        other = roads.edge[edge, 0] + roads.edge[edge, 1] - p
        if leads_from(roads, edge, p) and roads.ticks[edge] + to_go[other] <= shortest + TIE:
            return edge
    return -1


@kernel
def find_ways(roads: Roads, goal: Ints, search: Search, to_go: Ints, next_edge: Ints) -> None:
    """Write the ways from every waypoint to the goals (M,), in place.

    Parameters
    ----------
    to_go : (P, M)
        Ticks to the goal.
    next_edge : (P, M)
        First edge of the shortest way; -1 at the goal itself.
    """
    for m in range(len(goal)):
        measure(roads, goal[m], search)
        for p in range(len(to_go)):
            to_go[p, m] = search.to_go[p]
            next_edge[p, m] = -1 if p == goal[m] else first_edge(roads, p, search.to_go)
