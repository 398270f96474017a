"""Which waypoints reach which, and how far that is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cmarlsim.errors import listed
from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.maps.draft import Edge, Remark, WayGraph

SHORTEST = 1e-3
"""Metres between waypoints that a way may lead between."""


def lengths_of(graph: WayGraph) -> Floats:
    """Lengths of the edges in metres, (E,): their own, or the distance of their ends."""
    pairs = np.array([edge[:2] for edge in graph.edges], dtype=np.int64).reshape(-1, 2)
    ends = graph.position[pairs]
    straight = np.hypot(*(ends[:, 1] - ends[:, 0]).T)
    own = np.array(
        [math.nan if edge.length is None else edge.length for edge in graph.edges], dtype=np.float64
    )
    return np.where(np.isnan(own), straight, own)


def distances(graph: WayGraph, ends: Sequence[int] | Ints) -> Floats:
    """Lengths of the shortest ways from every waypoint to each of `ends`, (len(ends), P) in metres."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import dijkstra

    shortest: dict[tuple[int, int], float] = {}
    for edge, length in zip(graph.edges, lengths_of(graph).tolist(), strict=True):
        arcs = [(edge.end, edge.start)] if edge.one_way else [(edge.end, edge.start), (edge.start, edge.end)]
        for arc in arcs:
            shortest[arc] = min(length, shortest.get(arc, math.inf))
    rows, columns = np.array([*shortest], dtype=np.int64).reshape(-1, 2).T
    size = len(graph.names)
    backwards = csr_array(([*shortest.values()], (rows, columns)), shape=(size, size))
    return dijkstra(backwards, indices=list(ends))


def core_of(graph: WayGraph) -> Bools:
    """The largest set of waypoints, (P,), that can all reach each other."""
    labels = _strong_components(graph)
    return labels == np.bincount(labels).argmax()


def one_piece(graph: WayGraph, walls: Sequence[Floats], level_of: Ints) -> tuple[WayGraph, list[Remark]]:
    """A graph of which every waypoint reaches the core: separate parts are joined where they see each other.

    Parameters
    ----------
    level_of
        Level of each waypoint, (P,).

    Returns
    -------
    WayGraph, list of Remark
        Without the waypoints that cannot reach the core; a remark for each join and for what is left out.
    """
    graph, level_of = _without_points(graph, level_of)
    graph, remarks = _joined(graph, walls, level_of)
    core = np.flatnonzero(core_of(graph))
    reaching = np.isfinite(distances(graph, core[:1])[0])
    if not reaching.all():
        lost = [name for name, kept in zip(graph.names, reaching, strict=True) if not kept]
        text = f"No way leads back from {listed(lost)} to most other waypoints, so they are left out."
        remarks.append(Remark("warning", text))
    return reduced(graph, reaching), remarks


def _without_points(graph: WayGraph, level_of: Ints) -> tuple[WayGraph, Ints]:
    """The graph without edges of no length: their ends become one waypoint, the one that stands first."""
    into = np.arange(len(graph.names))
    for edge, length in zip(graph.edges, lengths_of(graph).tolist(), strict=True):
        if length < SHORTEST:
            low, high = sorted((int(into[edge.start]), int(into[edge.end])))
            into[into == high] = low
    edges, known = list[Edge](), set[tuple[int, int]]()
    for edge in graph.edges:
        start, end = int(into[edge.start]), int(into[edge.end])
        arcs = {(start, end)} if edge.one_way else {(start, end), (end, start)}
        if start != end and not known & arcs:
            edges.append(edge._replace(start=start, end=end))
            known |= arcs
    kept = into == np.arange(len(into))
    return reduced(WayGraph(graph.names, graph.position, tuple(edges)), kept), level_of[kept]


def reduced(graph: WayGraph, kept: Bools) -> WayGraph:
    """The waypoints that are kept, and the edges between them."""
    index = np.cumsum(kept) - 1
    edges = [
        edge._replace(start=int(index[edge.start]), end=int(index[edge.end]))
        for edge in graph.edges
        if kept[edge.start] and kept[edge.end]
    ]
    names = tuple(name for name, keep in zip(graph.names, kept, strict=True) if keep)
    return WayGraph(names, graph.position[kept], tuple(edges))


def _strong_components(graph: WayGraph) -> Ints:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    arcs = [(edge.start, edge.end) for edge in graph.edges]
    arcs += [(edge.end, edge.start) for edge in graph.edges if not edge.one_way]
    rows, columns = np.array(arcs, dtype=np.int64).reshape(-1, 2).T
    size = len(graph.names)
    links = csr_array((np.ones(len(arcs)), (rows, columns)), shape=(size, size))
    return connected_components(links, directed=True, connection="strong")[1]


def _joined(graph: WayGraph, walls: Sequence[Floats], level_of: Ints) -> tuple[WayGraph, list[Remark]]:
    """Join separate parts by the shortest straight ways that touch no wall, as long as there are some."""
    from cmarlsim.graphs import components

    edges, remarks = list(graph.edges), []
    parts = components(len(graph.names), [edge[:2] for edge in edges])
    if len(parts) == 1:
        return graph, []
    part_of = np.empty(len(graph.names), dtype=np.int64)
    for number, part in enumerate(parts):
        part_of[part] = number
    for start, end in _clear_pairs(graph.position, part_of, walls, level_of):
        if part_of[start] != part_of[end]:
            edges.append(Edge(start, end))
            part_of[part_of == part_of[end]] = part_of[start]
            x, y = graph.position[start].tolist()
            text = f"A way from {graph.names[start]} to {graph.names[end]} joins separate parts of the graph."
            remarks.append(Remark("guessed", text, (x, y)))
    return WayGraph(graph.names, graph.position, tuple(edges)), remarks


def _clear_pairs(
    position: Floats, part_of: Ints, walls: Sequence[Floats], level_of: Ints
) -> list[tuple[int, int]]:
    """Pairs of waypoints of different parts that see each other on their level, the nearest first."""
    from shapely import STRtree, linestrings

    first, second = np.triu_indices(len(position), 1)
    apart = (part_of[first] != part_of[second]) & (level_of[first] == level_of[second])
    first, second = first[apart], second[apart]
    away = np.hypot(*(position[first] - position[second]).T)
    order = np.argsort(away, kind="stable")[: 20 * len(position)]
    order = order[away[order] > SHORTEST]
    ways = linestrings(np.stack([position[first[order]], position[second[order]]], axis=1))
    tree = STRtree([linestrings(wall) for wall in walls])
    blocked = np.zeros(len(order), dtype=np.bool_)
    blocked[tree.query(ways, predicate="intersects")[0]] = True
    return [(int(first[i]), int(second[i])) for i in order[~blocked]]
