"""The lanes and lifts of an Open-RMF building as one graph of waypoints."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cmarlsim.errors import listed
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Edge, Level, Remark, WayGraph
from cmarlsim.maps.formats.frames import apply
from cmarlsim.maps.formats.open_rmf_file import Lift, Line, RmfFile, Storey
from cmarlsim.maps.names import distinct

RIDE = 15.0
"""Metres that a ride from one level to the next counts for: a guess, as no file says it."""

NEAR_LIFT = 5.0
"""Metres from a lift's cabin, within which the nearest vertex of a lane is where one boards it."""


class Placed(NamedTuple):
    """A level in the plane.

    Attributes
    ----------
    points
        Its vertices in metres, (V, 2), moved by `shift` along x from where the building has them.
    frame
        The (2, 3) matrix from the file to metres, without the shift.
    """

    storey: Storey
    points: Floats
    shift: float
    frame: Floats
    level: Level


Node = tuple[str, int]
"""A vertex: the name of its level, and its index there."""


class Lanes(NamedTuple):
    """The graph of all lanes and lifts, the waypoints where robots begin, and those that have names."""

    graph: WayGraph
    starts: tuple[int, ...]
    named: tuple[int, ...]
    remarks: tuple[Remark, ...]


def lanes_of(file: RmfFile, placed: Sequence[Placed]) -> Lanes:
    """Join the lanes of all levels by the lifts."""
    index: dict[Node, int] = {}
    names, position, starts, named = [], [], [], []
    edges: list[Edge] = []
    remarks: list[Remark] = []
    for each in placed:
        storey = each.storey
        for i in sorted({end for lane in storey.lines["lanes"] for end in (lane.start, lane.end)}):
            if storey.parameters[i].get("spawn_robot_name"):
                starts.append(len(index))
            if storey.names[i]:
                named.append(len(index))
            index[storey.name, i] = len(index)
            names.append(storey.names[i] or (f"{storey.name} {i}" if len(placed) > 1 else f"v{i}"))
            position.append(each.points[i])
        for start, end, one_way in _ways(storey.lines["lanes"]):
            edges.append(Edge(index[storey.name, start], index[storey.name, end], one_way=one_way))
        remarks += _said_of(storey, index)
    graph = WayGraph(tuple(distinct(names)), np.array(position).reshape(-1, 2), tuple(edges))
    rides, more = rides_of(file, placed, index, graph.position)
    graph = replace(graph, edges=(*edges, *rides))
    return Lanes(graph, tuple(starts), tuple(named), (*remarks, *more))


def rides_of(
    file: RmfFile, placed: Sequence[Placed], index: dict[Node, int], position: Floats
) -> tuple[list[Edge], list[Remark]]:
    """Edges from level to level for each lift of a building, and remarks.

    Parameters
    ----------
    index
        The waypoint of each vertex that is one.
    position
        Of the waypoints, (P, 2).
    """
    edges, remarks = list[Edge](), list[Remark]()
    for lift in _lifts(file) if len(placed) > 1 else ():
        stops = _stops(lift, placed, index, position)
        edges += [Edge(*pair, RIDE, lift=lift.name) for pair in itertools.pairwise(stops)]
        remarks.append(_said_of_lift(lift, stops, position))
    return edges, remarks


def _ways(lanes: Sequence[Line]) -> list[tuple[int, int, bool]]:
    """Each pair of vertices that lanes join, once, and whether they lead one way only."""
    arcs: dict[tuple[int, int], None] = {}
    for lane in lanes:
        arcs[lane.start, lane.end] = None
        if lane.parameters.get("bidirectional"):
            arcs[lane.end, lane.start] = None
    ways: dict[tuple[int, int], bool] = {}
    for start, end in arcs:
        if (end, start) not in ways:
            ways[start, end] = (end, start) not in arcs
    return [(start, end, one_way) for (start, end), one_way in ways.items()]


def _said_of(storey: Storey, index: dict[Node, int]) -> list[Remark]:
    """What was guessed of the lanes of a level, and the named vertices that they do not reach."""
    remarks, lanes = [], storey.lines["lanes"]
    graphs = sorted({int(lane.parameters.get("graph_idx", 0)) for lane in lanes})
    if len(graphs) > 1:
        text = f"The {len(graphs)} graphs of lanes of level '{storey.name}' are used together."
        remarks.append(Remark("guessed", text))
    lost = [name for i, name in enumerate(storey.names) if name and (storey.name, i) not in index]
    if lost and lanes:
        text = f"On level '{storey.name}' no lane leads to {listed(lost)}, so these are no waypoints."
        remarks.append(Remark("warning", text))
    return remarks


def _lifts(file: RmfFile) -> list[Lift]:
    """The lifts that a file lists, and those of which only vertices tell."""
    listed_ones = {lift.name: lift for lift in file.lifts}
    everywhere, nowhere = tuple(storey.name for storey in file.storeys), (math.nan, math.nan)
    for storey in file.storeys:
        for name in _cabins(storey):
            listed_ones.setdefault(name, Lift(name, nowhere, 0.0, (0.0, 0.0), file.reference, everywhere))
    return list(listed_ones.values())


def _cabins(storey: Storey) -> dict[str, list[int]]:
    """The vertices that say which lift's cabin they are in, by its name."""
    found: dict[str, list[int]] = {}
    for i, parameters in enumerate(storey.parameters):
        if name := parameters.get("lift_cabin"):
            found.setdefault(str(name), []).append(i)
    return found


def _stops(lift: Lift, placed: Sequence[Placed], index: dict[Node, int], position: Floats) -> list[int]:
    """The waypoints where one boards a lift, from the lowest level that it serves to the highest."""
    frames = {each.storey.name: each for each in placed}
    stops: list[tuple[float, int]] = []
    for each in placed:
        name = each.storey.name
        if name not in lift.levels:
            continue
        cabin = _cabins(each.storey).get(lift.name, [])
        told = [index[name, i] for i in cabin if (name, i) in index]
        here = [waypoint for (level, _), waypoint in index.items() if level == name]
        if told:
            stops.append((each.storey.elevation, told[0]))
        elif here and (cabin or lift.reference in frames):
            centre = each.points[cabin[0]] if cabin else _centre(lift, frames[lift.reference], each.shift)
            away = np.hypot(*(position[here] - centre).T)
            if away.min() <= max(lift.size) / 2 + NEAR_LIFT:
                stops.append((each.storey.elevation, here[int(away.argmin())]))
    return [waypoint for _, waypoint in sorted(stops, key=lambda stop: stop[0])]


def _centre(lift: Lift, reference: Placed, shift: float) -> Floats:
    """The middle of a cabin on a level that is moved by `shift`."""
    return apply(reference.frame, np.array(lift.centre)) + np.array([shift, 0.0])


def _said_of_lift(lift: Lift, stops: Sequence[int], position: Floats) -> Remark:
    if len(stops) < 2:
        text = f"Lift '{lift.name}' joins no two levels: lanes lead to it on {len(stops)}."
        return Remark("warning", text)
    x, y = position[stops[0]].tolist()
    text = f"Lift '{lift.name}' joins {len(stops)} levels; a ride counts for {RIDE:g} m a level."
    return Remark("guessed", text, (x, y))
