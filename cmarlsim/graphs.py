"""Footprint graphs: which pairs of agents may ever talk, Section II."""

from __future__ import annotations

from collections.abc import Sequence

import networkx as nx
import numpy as np

from cmarlsim.errors import nearest
from cmarlsim.kernels.world import Ints

NAMED = {
    "complete": nx.complete_graph,
    "path": nx.path_graph,
    "cycle": nx.cycle_graph,
    "star": lambda agents: nx.star_graph(agents - 1),
}
"""Footprints by name, each a function of the number of agents; the star's centre is agent 0."""


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
    if isinstance(footprint, str):
        if footprint not in NAMED:
            raise ValueError(
                f"footprint = '{footprint}': must be one of {', '.join(NAMED)}, or a list of pairs of agents"
                + nearest(footprint, NAMED)
            )
        graph = NAMED[footprint](agents)
    else:
        graph = nx.Graph()
        graph.add_nodes_from(range(agents))
        for i, j in footprint:
            if not (0 <= i < agents and 0 <= j < agents) or i == j or graph.has_edge(i, j):
                raise ValueError(
                    f"footprint: [{i}, {j}] must be two different agents of 0 to {agents - 1}, listed once"
                )
            graph.add_edge(i, j)
    if not nx.is_connected(graph):
        parts = [sorted(part) for part in nx.connected_components(graph)]
        raise ValueError(f"footprint: not connected, its components are {parts}")
    pairs = sorted((min(i, j), max(i, j)) for i, j in graph.edges if i != j)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)
