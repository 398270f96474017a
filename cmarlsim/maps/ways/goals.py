"""Where agents go in rooms: the waypoints that lie in them, or new ones on edges that pass through."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from cmarlsim.errors import listed
from cmarlsim.maps.draft import Draft, Remark, WayGraph
from cmarlsim.maps.names import distinct
from cmarlsim.maps.ways.reaching import core_of

LEAST_PASSAGE = 0.5
"""Metres of an edge in a room, from which on it gets a waypoint there."""


def with_goals(draft: Draft) -> tuple[Draft, dict[int, int]]:
    """The draft with a waypoint in each room that a way passes through, and where agents go in each room.

    Returns
    -------
    Draft, dict
        The second has for each room by its index the waypoint nearest to its middle, of those that can be
        reached. Rooms without one, and cabins of lifts, are not in it.
    """
    from shapely import Polygon

    shapes = [Polygon(room.polygon) for room in draft.rooms]
    cabins = {end for edge in draft.graph.edges if edge.lift for end in (edge.start, edge.end)}
    goals, lost = dict[int, int](), list[str]()
    core = core_of(draft.graph)
    for i, shape in enumerate(shapes):
        inside = _inside(draft, shape)
        if len(inside) and cabins.issuperset(inside.tolist()):
            continue
        if not len(inside[core[inside]]) and (split := _split(draft, core, i, shape)):
            draft = split
            core = np.append(core, True)
        inside = _inside(draft, shape)
        inside = inside[core[inside]]
        if len(inside):
            middle = shape.centroid if shape.contains(shape.centroid) else shape.representative_point()
            away = np.hypot(*(draft.graph.position[inside] - (middle.x, middle.y)).T)
            goals[i] = int(inside[away.argmin()])
        else:
            lost.append(draft.rooms[i].name)
    if lost:
        draft = draft.remarked(Remark("warning", f"No way leads into {listed(lost)}: no zones are there."))
    return draft, goals


def _inside(draft: Draft, shape: Any) -> np.ndarray:
    """The waypoints in a room."""
    from shapely import contains_properly, points

    return np.flatnonzero(contains_properly(shape, points(draft.graph.position)))


def _split(draft: Draft, core: np.ndarray, room: int, shape: Any) -> Draft | None:
    """The draft with a waypoint on the edge that passes longest through a room; None if none does."""
    from shapely import get_parts, linestrings

    graph = draft.graph
    passing = [
        k for k, edge in enumerate(graph.edges) if core[edge.start] and core[edge.end] and edge.lift is None
    ]
    ends = graph.position[np.array([graph.edges[k][:2] for k in passing], dtype=np.int64).reshape(-1, 2)]
    parts = get_parts(shape.intersection(linestrings(ends)), return_index=True)
    pieces = [(part, passing[i]) for part, i in zip(*parts, strict=True)]
    part, k = max(pieces, key=lambda piece: piece[0].length, default=(None, -1))
    if part is None or part.length < LEAST_PASSAGE:
        return None
    edge, middle = graph.edges[k], np.array(part.interpolate(0.5, normalized=True).coords)
    start, end = graph.position[[edge.start, edge.end]]
    share, new = math.dist(start, middle[0]) / math.dist(start, end), len(graph.names)
    first, second = (None, None) if edge.length is None else (edge.length * share, edge.length * (1 - share))
    halves = (edge._replace(end=new, length=first), edge._replace(start=new, length=second))
    edges = (*graph.edges[:k], *halves, *graph.edges[k + 1 :])
    names = tuple(distinct([*graph.names, draft.rooms[room].name]))
    return replace(draft, graph=WayGraph(names, np.concatenate([graph.position, middle]), edges))
