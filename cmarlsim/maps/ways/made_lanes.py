"""Ways through a building of walls that has no lanes: from room to room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Door, Edge, Remark, Room, WayGraph
from cmarlsim.maps.formats.open_rmf_file import RmfFile
from cmarlsim.maps.formats.open_rmf_graph import Lanes, Node, Placed, rides_of
from cmarlsim.maps.names import distinct
from cmarlsim.maps.rasterising import rasterised
from cmarlsim.maps.rooms.finding import find_rooms
from cmarlsim.maps.ways.cores import make_graph

CELL = 0.05
"""Metres of the cells in which ways are looked for."""


def made_lanes(
    file: RmfFile,
    placed: Sequence[Placed],
    walls: Sequence[Floats],
    doors: Sequence[Door],
    rooms: Sequence[Room],
) -> Lanes:
    """A graph of the middles of rooms, at least one, and of doors, and the lifts between levels."""
    index: dict[Node, int] = {}
    names, position, edges = list[str](), list[Floats](), list[Edge]()
    for each in placed:
        if not (graph := _ways_on(each, walls, doors, rooms)):
            continue
        first = len(names)
        index |= {(each.storey.name, -1 - i): first + i for i in range(len(graph.names))}
        edges += [edge._replace(start=first + edge.start, end=first + edge.end) for edge in graph.edges]
        names += [f"{each.storey.name} {name}" if len(placed) > 1 else name for name in graph.names]
        position += [*graph.position]
    rides, remarks = rides_of(file, placed, index, np.array(position))
    text = f"The building has no lanes: {len(names)} waypoints in rooms and doors are made."
    whole = WayGraph(tuple(distinct(names)), np.array(position), (*edges, *rides))
    return Lanes(whole, (), (), (Remark("guessed", text), *remarks))


def _ways_on(
    placed: Placed, walls: Sequence[Floats], doors: Sequence[Door], rooms: Sequence[Room]
) -> WayGraph | None:
    """The ways on a level, if it has rooms."""
    x_min, _, x_max, _ = placed.level.rectangle
    areas = [room.polygon for room in rooms if x_min <= room.polygon[0, 0] <= x_max]
    if not areas:
        return None
    raster = rasterised(walls, areas, placed.level.rectangle, CELL)
    barriers = rasterised([door.ends for door in doors], (), placed.level.rectangle, CELL).occupied
    return make_graph(raster, raster.free, find_rooms(raster, raster.free, barriers))
