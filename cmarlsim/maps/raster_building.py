"""Drafts of buildings of which there is a raster, and perhaps a graph of waypoints."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cmarlsim.kernels.world import Bools
from cmarlsim.maps.draft import Draft, Level, Remark, WayGraph
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rooms.finding import find_rooms
from cmarlsim.maps.rooms.outlines import find_walls
from cmarlsim.maps.ways.around_walls import blocked_edges
from cmarlsim.maps.ways.cores import make_graph
from cmarlsim.maps.ways.rerouting import building_of, rerouted

MARGIN = 1.0
"""Metres around a building that belong to its level."""

BEND = "bend "
"""What names of waypoints begin with that are only there because a way bends."""

Frame = tuple[float, float, float, float, float, float]
AS_IT_IS: Frame = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""The way back to a source whose frame is metres."""


def draft_of_raster(
    source: str, raster: Raster, graph: WayGraph | None, to_source: Frame, remarks: Sequence[Remark]
) -> Draft:
    """The building in a raster: its walls, rooms and doors, and the ways through it.

    Parameters
    ----------
    source
        Name of the file.
    graph
        The waypoints and edges of its own that it has, or None: they are made from its rooms.
    to_source
        As `Level` has it.
    remarks
        What reading has found.

    Raises
    ------
    InputError
        If there is no building in it, or the graph does not fit into it.
    """
    inside, chosen = building_of(raster, None if graph is None else graph.position)
    found, walls = find_rooms(raster, inside, None), find_walls(raster, inside)
    said = [*remarks, chosen]
    if graph is None:
        ways = make_graph(raster, inside, found)
        named = [i for i, name in enumerate(ways.names) if not name.startswith(BEND)]
        free = ~blocked_edges(ways, walls)
        ways = replace(ways, edges=tuple(itertools.compress(ways.edges, free)))
        text = f"The source has no graph: {len(ways.names)} waypoints are made, in rooms, doors and bends."
        said.append(Remark("guessed", text))
    else:
        ways, more = rerouted(raster, inside, graph)
        named = [*range(len(graph.names))]
        said += more
    name = source.partition(".")[0]
    return Draft(
        name=name,
        source=source,
        levels=(_level(name, raster, inside, to_source),),
        walls=walls,
        doors=found.doors,
        rooms=found.rooms,
        graph=ways,
        named=tuple(named),
        remarks=tuple(said),
    )


def _level(name: str, raster: Raster, inside: Bools, to_source: Frame) -> Level:
    """The level that a building is, with some space around it."""
    row, column = np.nonzero(inside)
    space = max(MARGIN / raster.resolution, 2.0)
    left, right, low, top = column.min() - space, column.max() + space, row.min() - space, row.max() + space
    corners = raster.to_metres(np.array([[left, low], [right, low], [right, top], [left, top]]))
    x_min, y_min = corners.min(axis=0).tolist()
    x_max, y_max = corners.max(axis=0).tolist()
    return Level(name, (x_min, y_min, x_max, y_max), to_source)
