"""Edges of a building of walls that run into one, led around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cmarlsim.kernels.plans import find_blocking
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.maps.draft import Draft, Edge, Remark, WayGraph
from cmarlsim.maps.names import distinct
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rasterising import rasterised
from cmarlsim.maps.ways.rerouting import rerouted

CELL = 0.05
"""Metres of the cells in which ways around walls are looked for."""


def cleared(draft: Draft) -> Draft:
    """The draft, in which edges that touch walls lead around them through new waypoints.

    Raises
    ------
    InputError
        If waypoints are in walls, or there is no way around for some edges, by their names.
    """
    graph, level_of = draft.graph, draft.level_of(draft.graph.position)
    blocked = [graph.edges[i] for i in np.flatnonzero(blocked_edges(graph, draft.walls))]
    for i, level in enumerate(draft.levels):
        if here := [edge for edge in blocked if level_of[edge.start] == i]:
            raster = rasterised(draft.walls, (), level.rectangle, CELL)
            graph, remarks = _led_around(graph, here, raster)
            draft = replace(draft, graph=graph).remarked(*remarks)
    return draft


def blocked_edges(graph: WayGraph, walls: Sequence[Floats]) -> Bools:
    """Whether an edge touches a wall, (E,); rides in lifts may."""
    segments = np.concatenate([np.hstack([wall[:-1], wall[1:]]) for wall in walls] or [np.zeros((0, 4))])
    pairs = np.array([edge[:2] for edge in graph.edges], dtype=np.int64).reshape(-1, 2)
    ways = graph.position[pairs].reshape(-1, 4)
    wall_of = np.zeros(len(ways), dtype=np.int64)
    find_blocking(segments, ways, wall_of)
    return (wall_of >= 0) & np.array([edge.lift is None for edge in graph.edges], dtype=np.bool_)


def _led_around(
    graph: WayGraph, edges: Sequence[Edge], raster: Raster
) -> tuple[WayGraph, tuple[Remark, ...]]:
    """The graph with other ways in place of some edges."""
    ends = sorted({end for edge in edges for end in (edge.start, edge.end)})
    index = {end: i for i, end in enumerate(ends)}
    part = WayGraph(
        tuple(graph.names[i] for i in ends),
        graph.position[ends],
        tuple(edge._replace(start=index[edge.start], end=index[edge.end]) for edge in edges),
    )
    found, remarks = rerouted(raster, raster.free, part)
    new = range(len(graph.names), len(graph.names) + len(found.names) - len(ends))
    back = [*ends, *new]
    position = np.concatenate([graph.position, found.position[len(ends) :]])
    position[ends] = found.position[: len(ends)]
    names = distinct([*graph.names, *found.names[len(ends) :]])
    kept = [edge for edge in graph.edges if edge not in edges]
    ways = [edge._replace(start=back[edge.start], end=back[edge.end]) for edge in found.edges]
    return WayGraph(tuple(names), position, (*kept, *ways)), remarks
