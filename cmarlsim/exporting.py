"""``cmarlsim export``: write a scenario's building as a map of ROS, or its ways as a graph of others."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.source import matrix_of
from cmarlsim.errors import ArgumentError, InputError, listed, nearest
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Edge, WayGraph
from cmarlsim.maps.formats.patrol import write_patrol_graph
from cmarlsim.maps.formats.ros import check_resolution, write_ros_map
from cmarlsim.maps.formats.routes import write_route_graph
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rasterising import rasterised
from cmarlsim.maps.ways.rerouting import building_of
from cmarlsim.scenario import Scenario, files_of
from cmarlsim.storage.outputs import check_free
from cmarlsim.terminal.console import command

SUFFIXES = {"ros": ".yaml", "graph": ".graph", "geojson": ".geojson"}
"""What can be written, and how its files end."""


def export(
    scenario: Annotated[str, typer.Argument(help="A scenario's TOML file, or a shipped name.")],
    as_: Annotated[
        str,
        typer.Option("--as", help="ros (a map), graph (of patrolling_sim) or geojson (routes of nav2)."),
    ],
    level: Annotated[
        str | None, typer.Option(help="The level that is written, if there are several.")
    ] = None,
    resolution: Annotated[float, typer.Option(help="Metres a pixel of a map or graph.")] = 0.05,
    out: Annotated[Path | None, typer.Option(help="The file. [default: named after the scenario]")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
) -> int:
    """Write a building for robots: walls and free space as a map, or waypoints and edges as a graph."""
    if as_ not in SUFFIXES:
        raise ArgumentError("as", as_, f"must be one of {', '.join(SUFFIXES)}{nearest(as_, SUFFIXES)}")
    check_resolution(resolution)
    loaded = Scenario.load(scenario)
    plan, i = loaded.floorplan, _level(loaded.floorplan, level)
    path = out or Path(f"{loaded.name}{SUFFIXES[as_]}")
    if path.suffix != SUFFIXES[as_] and as_ == "ros":
        raise ArgumentError("out", str(path), f"must end in {SUFFIXES[as_]}")
    written = [path, path.with_suffix(".pgm")] if as_ == "ros" else [path]
    for each in written:
        check_free(each, force, files_of(scenario))
    frame = _metric_frame(plan, i)
    if as_ == "ros":
        write_ros_map(_map_of(plan, i, resolution, frame), path)
    elif as_ == "graph":
        write_patrol_graph(_graph_of(plan, i, frame), path, resolution)
    else:
        write_route_graph(_graph_of(plan, i, frame), path)
    for each in written:
        print(f"written: {each}")
    return 0


def _level(plan: FloorPlan, name: str | None) -> int:
    """Index of the level that is meant; 0 in a plan without levels."""
    names = [level.name for level in plan.levels]
    if name is None and len(names) > 1:
        raise InputError(f"--level: say which level is to be written: {listed(names)}")
    if name is not None and name not in names:
        raise ArgumentError(
            "level",
            name,
            f"must be one of {listed(names) or 'none: there is only one'}{nearest(name, names)}",
        )
    return names.index(name) if name else 0


def _metric_frame(plan: FloorPlan, i: int) -> Floats:
    """The (2, 3) matrix to the frame of the source, if that is in metres; else the plan's frame is kept."""
    own = np.eye(2, 3)
    if not plan.levels:
        return own
    matrix = matrix_of(plan.levels[i])
    turns_only = np.allclose(matrix[:, :2] @ matrix[:, :2].T, np.eye(2), atol=1e-9)
    return matrix if turns_only and np.linalg.det(matrix[:, :2]) > 0 else own


def _map_of(plan: FloorPlan, i: int, resolution: float, frame: Floats) -> Raster:
    """A level as cells: walls are occupied, rooms or tiles free, or else what waypoints lie in."""
    position = plan.waypoint_positions()
    here = position[plan.level_of(position) == i]
    rectangle = plan.levels[i].rectangle if plan.levels else _with_margin(plan.bounds())
    walls = [np.array(wall.points) for wall in plan.walls]
    rooms = [np.array(room.polygon) for room in plan.rooms]
    areas = rooms or ([] if plan.tiles == "waypoints" else plan.tile_outlines())
    raster = rasterised(walls, areas, rectangle, resolution)
    if not areas:
        raster = raster._replace(free=building_of(raster, here)[0])
    x, y = frame @ (*rectangle[:2], 1.0)
    return raster._replace(origin=(float(x), float(y), math.atan2(frame[1, 0], frame[0, 0])))


def _with_margin(bounds: Floats) -> tuple[float, float, float, float]:
    x_min, y_min, x_max, y_max = bounds.tolist()
    return x_min - 0.5, y_min - 0.5, x_max + 0.5, y_max + 0.5


def _graph_of(plan: FloorPlan, i: int, frame: Floats) -> WayGraph:
    """The waypoints of a level and the edges between them."""
    position = plan.waypoint_positions()
    here = np.flatnonzero(plan.level_of(position) == i)
    index = {int(waypoint): k for k, waypoint in enumerate(here)}
    edges = [
        Edge(index[a], index[b], edge.length, edge.one_way)
        for edge, (a, b) in zip(plan.edges, plan.edge_indices().tolist(), strict=True)
        if a in index and b in index
    ]
    names = tuple(plan.waypoints[int(waypoint)].name for waypoint in here)
    return WayGraph(names, position[here] @ frame[:, :2].T + frame[:, 2], tuple(edges))


if __name__ == "__main__":
    command(export)
