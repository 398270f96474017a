"""Graphs of patrolling_sim (`.graph`): waypoints in pixels, and the lengths of the ways between them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from cmarlsim.errors import InputError, listed
from cmarlsim.maps.draft import Edge, Remark, WayGraph
from cmarlsim.maps.formats.graphs import remarks_on, unconnected
from cmarlsim.maps.formats.patrol_file import DIRECTIONS, PatrolFile, read_patrol_file
from cmarlsim.maps.formats.problems import check_none
from cmarlsim.maps.formats.ros import check_resolution
from cmarlsim.storage.files import write_whole

MOST_NEIGHBOURS = 8
"""Neighbours of a vertex that patrolling_sim can read."""


def read_patrol_graph(path: Path) -> tuple[WayGraph, tuple[Remark, ...]]:
    """Read a graph, of the older header of four numbers or today's of six; vertex 0 becomes waypoint v0.

    A position in metres is pixel * resolution + offset, y upwards. An edge is as long as the file says, also
    where that is less than the distance of its ends. Where both directions differ, they are two one-way
    edges; of several ways between the same vertices the shortest counts.

    Raises
    ------
    InputError
        All that is wrong in it in one message, with the ids of vertices.
    """
    file = read_patrol_file(path)
    pixels = np.array([file.pixels[i] for i in range(len(file.pixels))])
    names = tuple(f"v{i}" for i in range(len(pixels)))
    graph = WayGraph(names, pixels * file.resolution + file.offset, _edges(file))
    check_none(path, unconnected(graph))
    return graph, (*_remarks(file), *remarks_on(graph))


def _edges(file: PatrolFile) -> tuple[Edge, ...]:
    edges = []
    for (a, b), cost in file.costs.items():
        one_way = cost != file.costs.get((b, a))
        if one_way or a < b:
            edges.append(Edge(a, b, cost * file.resolution, one_way))
    return tuple(edges)


def _remarks(file: PatrolFile) -> list[Remark]:
    alone = [f"v{a} to v{b}" for a, b in file.costs if (b, a) not in file.costs]
    differing = [
        f"v{a}-v{b}"
        for (a, b), cost in file.costs.items()
        if a < b and (b, a) in file.costs and file.costs[b, a] != cost
    ]
    again = dict.fromkeys(file.parallel)
    parallel = [f"v{a}-v{b}" for a, b in again if a < b or (b, a) not in again]
    said = {
        "The file has these ways in one direction only, so they are one-way": alone,
        "These have another length in the other direction, so each direction is an edge": differing,
        "These stand in the file more than once, and the shortest counts": parallel,
    }
    return [Remark("warning", f"{text}: {listed(edges)}.") for text, edges in said.items() if edges]


def write_patrol_graph(graph: WayGraph, path: Path, resolution: float) -> None:
    """Write a graph with today's header and offsets of 0; waypoint i becomes vertex i.

    Positions and lengths are rounded to whole pixels, as patrolling_sim reads them; names are not kept.

    Parameters
    ----------
    resolution
        Metres a pixel.

    Raises
    ------
    InputError
        If neighbours fall on one pixel, or one has more neighbours than patrolling_sim can read.
    """
    check_resolution(resolution)
    pixels = np.rint(graph.position / resolution).astype(np.int64).tolist()
    costs: list[dict[int, int]] = [{} for _ in graph.names]
    for edge in graph.edges:
        ends = graph.position[[edge.start, edge.end]]
        length = math.dist(*ends) if edge.length is None else edge.length
        cost = max(round(length / resolution), 1)
        costs[edge.start][edge.end] = cost
        if not edge.one_way:
            costs[edge.end][edge.start] = cost
    _check_writable(graph, pixels, costs, path)
    width, height = (max(value) + 1 for value in zip(*pixels, strict=True))
    lines = [str(len(pixels)), str(max(width, 1)), str(max(height, 1)), repr(float(resolution)), "0.0", "0.0"]
    for vertex, (x, y) in enumerate(pixels):
        lines += ["", str(vertex), str(x), str(y), str(len(costs[vertex]))]
        for other, cost in costs[vertex].items():
            lines += [str(other), _direction(pixels[vertex], pixels[other]), str(cost)]
    write_whole(path, ("\n".join(lines) + "\n").encode())


def _check_writable(
    graph: WayGraph, pixels: list[list[int]], costs: list[dict[int, int]], path: Path
) -> None:
    together = [
        f"{graph.names[edge.start]} and {graph.names[edge.end]}"
        for edge in graph.edges
        if pixels[edge.start] == pixels[edge.end]
    ]
    crowded = [name for name, ways in zip(graph.names, costs, strict=True) if len(ways) > MOST_NEIGHBOURS]
    if together:
        raise InputError(
            f"{path}: these neighbours fall on one pixel, so the resolution must be finer: {listed(together)}"
        )
    if crowded:
        raise InputError(
            f"{path}: have more than {MOST_NEIGHBOURS} neighbours, which patrolling_sim cannot read: "
            f"{listed(crowded)}"
        )


def _direction(start: list[int], end: list[int]) -> str:
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    return DIRECTIONS[round(angle / (math.pi / 4)) % 8]
