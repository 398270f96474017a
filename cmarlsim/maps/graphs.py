"""What is said of every graph of waypoints that is read."""

from __future__ import annotations

import math

import numpy as np

from cmarlsim.errors import listed
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Remark, WayGraph


def distances(graph: WayGraph) -> Floats:
    """Metres from one end of each edge to the other, in a straight line, (E,)."""
    return np.array([math.dist(graph.position[e.start], graph.position[e.end]) for e in graph.edges])


def unconnected(graph: WayGraph) -> list[str]:
    """A problem, if waypoints cannot be reached from others even against the direction of one-way edges."""
    from scipy.sparse import coo_array, csgraph

    count = len(graph.names)
    ends = np.array([(e.start, e.end) for e in graph.edges], dtype=np.int64).reshape(-1, 2)
    links = coo_array((np.ones(len(ends)), tuple(ends.T)), shape=(count, count))
    number, part = csgraph.connected_components(links, directed=False)
    if number == 1:
        return []
    largest = np.bincount(part).argmax()
    smaller = [
        "{" + listed([graph.names[i] for i in np.flatnonzero(part == each)]) + "}"
        for each in range(number)
        if each != largest
    ]
    return [
        f"the graph falls into {number} parts, and must be one: the largest has "
        f"{np.count_nonzero(part == largest):,} waypoints; the others are {'; '.join(smaller[:5])}"
        + (f"; and {len(smaller) - 5} more" if len(smaller) > 5 else "")
    ]


def remarks_on(graph: WayGraph) -> list[Remark]:
    """Warnings of edges shorter than the distance of their ends, and of waypoints in one place."""
    straight = distances(graph)
    short = [
        f"{graph.names[edge.start]}-{graph.names[edge.end]} ({edge.length:.2f} m of {distance:.2f} m)"
        for edge, distance in zip(graph.edges, straight, strict=True)
        if edge.length is not None and edge.length < 0.99 * distance
    ]
    first: dict[tuple[float, ...], str] = {}
    together = []
    for name, position in zip(graph.names, graph.position.tolist(), strict=True):
        if (other := first.setdefault(tuple(position), name)) != name:
            together.append(f"{other} and {name}")
    said = {
        f"{len(short)} of {len(graph.edges)} edges are shorter than the distance of their ends": short,
        "These waypoints are in the same place": together,
    }
    return [Remark("warning", f"{text}: {listed(names)}.") for text, names in said.items() if names]
