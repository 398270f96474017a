"""Footprint graphs: which pairs of agents may ever talk, Section II."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from cmarlsim.errors import nearest
from cmarlsim.kernels.world import Ints

NAMED = ("complete", "path", "cycle", "star")
"""Footprints by name; the star's centre is agent 0."""

FOOTPRINTS = f"{', '.join(NAMED)}, or a list of pairs of agents"
"""What a footprint can be, for messages."""

MOST_EDGES = 2**24
"""Every step draws for each of them."""


def components(nodes: int, edges: Iterable[Sequence[int]]) -> list[list[int]]:
    """Connected components of a graph on 0 to `nodes` - 1: sorted nodes, the component of node 0 first."""
    parent = list(range(nodes))

    def lowest(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for i, j in edges:
        low, high = sorted((lowest(i), lowest(j)))
        parent[high] = low
    found: dict[int, list[int]] = {}
    for node in range(nodes):
        found.setdefault(lowest(node), []).append(node)
    return list(found.values())


def _named_edges(name: str, agents: int) -> Ints:
    n = np.arange(agents - 1)
    if name == "complete":
        return np.stack(np.triu_indices(agents, k=1), axis=1)
    if name == "star":
        return np.stack([np.zeros_like(n), n + 1], axis=1)
    path = np.stack([n, n + 1], axis=1)
    if name == "path" or agents < 3:
        return path
    return np.concatenate([path[:1], [[0, agents - 1]], path[1:]])


def footprint_size(footprint: str | Sequence[tuple[int, int]], agents: int) -> int:
    """Number of edges that `footprint_edges` lists, or somewhat more."""
    if not isinstance(footprint, str):
        return len(footprint)
    return agents * (agents - 1) // 2 if footprint == "complete" else agents


def footprint_edges(footprint: str | Sequence[tuple[int, int]], agents: int) -> Ints:
    """Edges of a footprint graph as an (F, 2) array, each once, the lower agent first.

    Parameters
    ----------
    footprint
        A name of `NAMED`, or a list of pairs of agents.
    agents
        N.

    Raises
    ------
    ValueError
        If the name or an agent is unknown, a pair is doubled or joins an agent to itself, or the graph is
        not connected (the message lists its components): Section II assumes it is.
    """
    if footprint_size(footprint, agents) > MOST_EDGES:
        raise ValueError(
            f"footprint: {footprint_size(footprint, agents):,} edges for N = {agents} agents, more than "
            f"{MOST_EDGES:,}: lower agents.N or use a footprint with fewer edges"
        )
    if isinstance(footprint, str):
        if footprint not in NAMED:
            raise ValueError(
                f"footprint = '{footprint}': must be one of {FOOTPRINTS}{nearest(footprint, NAMED)}"
            )
        return _named_edges(footprint, agents)
    pairs: set[tuple[int, int]] = set()
    for i, j in footprint:
        pair = (min(i, j), max(i, j))
        if not (0 <= i < agents and 0 <= j < agents) or i == j or pair in pairs:
            raise ValueError(
                f"footprint: [{i}, {j}] must be two different agents of 0 to {agents - 1}, listed once"
            )
        pairs.add(pair)
    parts = components(agents, pairs)
    if len(parts) > 1:
        raise ValueError(f"footprint: not connected, its components are {parts}")
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
