"""What is said of every graph of waypoints that is read."""

from __future__ import annotations

import math

import numpy as np

from cmarlsim.errors import listed
from cmarlsim.graphs import components
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Remark, WayGraph


def distances(graph: WayGraph) -> Floats:
    """Metres from one end of each edge to the other, in a straight line, (E,)."""
    return np.array([math.dist(graph.position[e.start], graph.position[e.end]) for e in graph.edges])


def unconnected(graph: WayGraph) -> list[str]:
    """A problem, if waypoints cannot be reached from others even against the direction of one-way edges."""
    parts = components(len(graph.names), [(edge.start, edge.end) for edge in graph.edges])
    if len(parts) == 1:
        return []
    largest, *others = sorted(parts, key=len, reverse=True)
    named = ["{" + listed([graph.names[i] for i in part]) + "}" for part in others]
    more = f"; and {len(named) - 5} more" if len(named) > 5 else ""
    return [
        f"the graph falls into {len(parts)} parts, and must be one: the largest has {len(largest):,} "
        f"waypoints; the others are {'; '.join(named[:5])}{more}"
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
