"""Drafts of buildings of which there is a raster, and perhaps a graph of waypoints."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cmarlsim.maps.cores import make_graph
from cmarlsim.maps.draft import Draft, Level, Remark, WayGraph
from cmarlsim.maps.halls import hall_graph
from cmarlsim.maps.outlines import find_walls
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rooms import find_rooms
from cmarlsim.maps.ways import building_of, rerouted
from cmarlsim.maps.zones import FEWEST

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
    found = find_rooms(raster, inside, None)
    said = [*remarks, chosen]
    if graph is None:
        few = len(found.rooms) < FEWEST
        made = hall_graph(raster, inside) if few else make_graph(raster, inside, found)
        ways, _ = rerouted(raster, inside, made)
        where = "all over its halls" if few else "in the middle of rooms and in doors"
        text = f"The source has no graph: {len(ways.names)} waypoints are made, {where}."
        said.append(Remark("guessed", text))
    else:
        ways, more = rerouted(raster, inside, graph)
        said += more
    own = () if graph is None else tuple(range(len(graph.names)))
    name = source.partition(".")[0]
    return Draft(
        name=name,
        source=source,
        levels=(_level(name, raster, to_source),),
        walls=find_walls(raster, inside),
        doors=found.doors,
        rooms=found.rooms,
        graph=ways,
        named=own,
        remarks=tuple(said),
    )


def _level(name: str, raster: Raster, to_source: Frame) -> Level:
    """The level of a whole raster, with a cell around it."""
    height, width = raster.free.shape
    right, top = width + 1.0, height + 1.0
    corners = raster.to_metres(np.array([[-1.0, -1.0], [right, -1.0], [right, top], [-1.0, top]]))
    x_min, y_min = corners.min(axis=0).tolist()
    x_max, y_max = corners.max(axis=0).tolist()
    return Level(name, (x_min, y_min, x_max, y_max), to_source)
