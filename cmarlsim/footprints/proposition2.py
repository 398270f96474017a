"""Bounds on when news reaches an agent: Proposition 2, and closer ones from below and from above.

With T the number of steps that news from a source takes to an agent, P(R = r) at lag l is at least P(T <= l).
`docs/footprints.md` has the proofs.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any, NamedTuple

import numpy as np

from cmarlsim.bounds.proposition2 import negative_binomial
from cmarlsim.errors import InputError
from cmarlsim.footprints.footprint import Footprint
from cmarlsim.kernels.world import Floats


def sum_of_geometrics(p: Floats, last: int) -> Floats:
    """P(X_1 + ... + X_J <= l) for l = 0 .. `last`, X_j independent, geometric on 1, 2, ... with `p`[j]."""
    from scipy.signal import lfilter

    at = np.zeros(last + 1)
    at[0] = 1
    for chance in p:
        at = lfilter([0, chance], [1, chance - 1], at)
    return np.minimum(np.cumsum(at), 1)


def proposition2(footprint: Footprint, last: int) -> Floats:
    """Right-hand side of Proposition 2 at the lags 0 .. `last`, with the smallest p where edges differ."""
    return negative_binomial(footprint.diameter, float(footprint.p.min(initial=1)), last)


class Passage(NamedTuple):
    """A block (a largest part without a cut node) that news must cross, in at one node and out at another."""

    graph: Any  # of networkx; each edge has its number as ``edge``
    entry: int
    exit: int


def passages(footprint: Footprint, source: int, agent: int) -> list[Passage]:
    """Blocks between two nodes, in the order in which every way crosses them."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_node(source)
    graph.add_edges_from((i, j, {"edge": e}) for e, (i, j) in enumerate(footprint.edges.tolist()))
    block = {
        frozenset(edge): number
        for number, edges in enumerate(nx.biconnected_component_edges(graph))
        for edge in edges
    }
    walked = list(pairwise(nx.shortest_path(graph, source, agent)))
    found = []
    for number, group in groupby(walked, key=lambda edge: block[frozenset(edge)]):
        steps = list(group)
        inside = graph.edge_subgraph([tuple(edge) for edge, b in block.items() if b == number])
        found.append(Passage(inside, steps[0][0], steps[-1][1]))
    return found


def disjoint_paths(passage: Passage, cost: Floats) -> list[list[list[int]]]:
    """Families of 1, 2, ... paths through a block without a common edge, as many as there can be.

    Parameters
    ----------
    cost
        (F,) of every edge of the footprint, at least 1. The families are flows of least cost, in thousandths.

    Returns
    -------
    list of families, each a list of paths, each a list of edges by number
    """
    import networkx as nx

    graph, source, agent = passage.graph.to_directed(), passage.entry, passage.exit
    for *_, data in graph.edges(data=True):
        data |= {"capacity": 1, "weight": round(1000 * cost[data["edge"]])}
    families = []
    for count in range(1, nx.edge_connectivity(passage.graph, source, agent) + 1):
        graph.add_node(source, demand=-count)
        graph.add_node(agent, demand=count)
        flow = nx.min_cost_flow(graph)
        families.append([_walk(graph, flow, source, agent) for _ in range(count)])
    return families


def _walk(graph: Any, flow: dict[int, dict[int, int]], node: int, agent: int) -> list[int]:
    """Take one path out of a flow."""
    path = []
    while node != agent:
        after = next(other for other, units in flow[node].items() if units)
        flow[node][after] = 0
        path.append(graph.edges[node, after]["edge"])
        node = after
    return path


def paths_bound(footprint: Footprint, source: int, agent: int, last: int) -> Floats:
    """Lower bound on P(T <= l) for l = 0 .. `last`, (last + 1,).

    Block by block the best, at each lag, of families of paths without a common edge: those with the fewest
    edges, and those with the least mean time to walk them, which differ where edges do.
    """
    bounds, times = [], 1 / footprint.p
    costs = [np.ones_like(times), times] if len(set(times.tolist())) > 1 else [times]
    for passage in passages(footprint, source, agent):
        late = [
            np.prod([1 - sum_of_geometrics(footprint.p[path], last) for path in family], axis=0)
            for cost in costs
            for family in disjoint_paths(passage, cost)
        ]
        bounds.append(1 - np.min(late, axis=0))
    return _one_after_another(bounds, last)


def cuts_bound(footprint: Footprint, source: int, agent: int, last: int) -> Floats:
    """Upper bound on P(T <= l) for l = 0 .. `last`, (last + 1,).

    Block by block, news must cross each cut between what is d and what is d + 1 edges from the entry.
    """
    import networkx as nx

    bounds = []
    for graph, entry, out in passages(footprint, source, agent):
        away = nx.single_source_shortest_path_length(graph, entry)
        idle = np.ones(away[out])
        for i, j, e in graph.edges(data="edge"):
            near = min(away[i], away[j])
            if away[i] != away[j] and near < len(idle):
                idle[near] *= 1 - footprint.p[e]
        bounds.append(sum_of_geometrics(1 - idle, last))
    return _one_after_another(bounds, last)


def _one_after_another(laws: Sequence[Floats], last: int) -> Floats:
    """Distribution function of a sum of independent times from theirs, each (last + 1,)."""
    at = np.zeros(last + 1)
    at[0] = 1
    for law in laws:
        at = np.convolve(at, np.diff(law, prepend=0))[: last + 1]
    return np.minimum(np.cumsum(at), 1)


def lags_for(footprint: Footprint, coverage: float = 0.995, most: int = 100_000) -> int:
    """Least lag by which news has come as far as any with probability `coverage`, along one path.

    That path takes the least mean time. Where all edges have the same p, this is the lag at which the
    right-hand side of Proposition 2 reaches `coverage`.

    Raises
    ------
    InputError
        If that is more than `most`.
    """
    import networkx as nx

    graph = nx.Graph()
    graph.add_weighted_edges_from(
        (i, j, 1 / p) for (i, j), p in zip(footprint.edges.tolist(), footprint.p.tolist(), strict=True)
    )
    steps = pairwise(nx.dijkstra_path(graph, *footprint.diametral))
    p = np.array([1 / graph.edges[step]["weight"] for step in steps])
    last = 16
    while (arrived := sum_of_geometrics(p, last))[-1] < coverage:
        last *= 2
        if last > most:
            raise InputError(f"{footprint.name}: p = {p.min():g}: news takes more than {most:,} steps")
    return int(np.argmax(arrived >= coverage))
