"""Buildings of Open-RMF's traffic editor: levels, walls, doors, lanes and lifts, as a draft in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cmarlsim.building.plan_problems import FARTHEST, LARGEST
from cmarlsim.errors import InputError, listed, nearest
from cmarlsim.kernels.world import Floats
from cmarlsim.maps.draft import Door, Draft, Level, Remark
from cmarlsim.maps.formats.frames import apply, frames_of, inverse
from cmarlsim.maps.formats.open_rmf_file import Storey, read_rmf_file
from cmarlsim.maps.formats.open_rmf_graph import Placed, lanes_of
from cmarlsim.maps.names import distinct
from cmarlsim.maps.rooms.enclosed import Label, enclosed_rooms
from cmarlsim.maps.ways.made_lanes import made_lanes

GAP, MARGIN = 5.0, 1.0
"""Metres between the rectangles of two levels, and around what lies in one."""


def read_open_rmf(path: Path, levels: Sequence[str] = (), resolution: float | None = None) -> Draft:
    """Read a building.yaml; its levels lie side by side, the reference level where the file has it.

    Parameters
    ----------
    levels
        Names of the levels that are wanted; none: all.
    resolution
        Metres a pixel, if the file has no measurements.

    Returns
    -------
    Draft
        Its graph is that of the lanes; where there are none, it leads through all rooms.

    Raises
    ------
    InputError
        If the file cannot be read, a level is unknown or the scale of one is.
    """
    file = read_rmf_file(path)
    known = [storey.name for storey in file.storeys]
    for name in levels:
        if name not in known:
            near = nearest(name, known)
            raise InputError(f"{path}: there is no level '{name}', only {listed(known)}{near}")
    if not any(_used(storey) for storey in file.storeys if storey.name in (levels or known)):
        raise InputError(f"{path}: no level has walls, doors or lanes, so there is no building in it")
    frames, remarks = frames_of(file, path, resolution)
    placed: list[Placed] = []
    for storey in file.storeys:
        if storey.name not in (levels or known):
            continue
        if used := _used(storey):
            end = placed[-1].level.rectangle[2] + GAP if placed else None
            placed.append(_placed(storey, frames[storey.name], used, end))
            _check_size(placed[-1].level, path)
        else:
            text = f"Level '{storey.name}' has neither walls nor doors nor lanes, and is left out."
            remarks.append(Remark("warning", text))
    openings = [(door, each.points) for each in placed for door in each.storey.lines["doors"]]
    given = [str(door.parameters.get("name") or f"door {i + 1}") for i, (door, _) in enumerate(openings)]
    ends = [points[[door.start, door.end]] for door, points in openings]
    walls = tuple(wall for each in placed for wall in _walls(each))
    doors = tuple(map(Door, distinct(given), ends))
    labels = [label for each in placed for label in _labels(each)]
    floors = [each.points[list(floor)] for each in placed for floor in each.storey.floors if len(floor) > 2]
    rooms = enclosed_rooms(walls, doors, labels, floors)
    if any(each.storey.lines["lanes"] for each in placed):
        lanes = lanes_of(file, placed)
    elif not rooms:
        raise InputError(f"{path}: has neither lanes nor rooms that walls and doors enclose")
    else:
        lanes = made_lanes(file, placed, walls, doors, rooms)
    return Draft(
        name=file.name,
        source=path.name,
        levels=tuple(each.level for each in placed),
        walls=walls,
        doors=doors,
        rooms=rooms,
        graph=lanes.graph,
        starts=lanes.starts,
        named=lanes.named,
        remarks=(*remarks, *lanes.remarks),
    )


def _used(storey: Storey) -> list[int]:
    """Vertices of walls, doors and lanes."""
    lines = [line for kind in ("walls", "doors", "lanes") for line in storey.lines[kind]]
    return sorted({end for line in lines for end in (line.start, line.end)})


def _placed(storey: Storey, frame: Floats, used: Sequence[int], beginning: float | None) -> Placed:
    """A level in the plane; where others lie there already, it begins at this x."""
    points = apply(frame, storey.points)
    low, high = points[used].min(axis=0) - MARGIN, points[used].max(axis=0) + MARGIN
    shift = 0.0 if beginning is None else math.ceil(beginning - low[0])
    moved = frame + np.array([[0, 0, shift], [0, 0, 0]])
    rectangle = (float(low[0]) + shift, float(low[1]), float(high[0]) + shift, float(high[1]))
    a, b, c, d, e, f = inverse(moved).ravel().tolist()
    level = Level(storey.name, rectangle, (a, b, c, d, e, f))
    return Placed(storey, points + np.array([shift, 0.0]), shift, frame, level)


def _check_size(level: Level, path: Path) -> None:
    """Raise InputError if no building is that large, or it is so far off that metres are not exact."""
    x_min, y_min, x_max, y_max = level.rectangle
    if max(x_max - x_min, y_max - y_min) > LARGEST or max(map(abs, level.rectangle)) > FARTHEST:
        raise InputError(
            f"{path}: level '{level.name}' is {x_max - x_min:,.6g} x {y_max - y_min:,.6g} m, and its lower "
            f"left corner is ({x_min:,.6g}, {y_min:,.6g}): is a measurement wrong, or a vertex far off?"
        )


def _walls(placed: Placed) -> list[Floats]:
    """The walls of a level, (2, 2) each, but for those without length."""
    ends = [placed.points[[wall.start, wall.end]] for wall in placed.storey.lines["walls"]]
    return [wall for wall in ends if math.dist(*wall) > 0]


def _labels(placed: Placed) -> list[Label]:
    """Names of vertices or of their lifts, and where they are; not of places where robots wait."""
    storey, waiting = placed.storey, ("is_charger", "spawn_robot_name")
    return [
        (str(parameters.get("lift_cabin") or name), point)
        for name, point, parameters in zip(storey.names, placed.points, storey.parameters, strict=True)
        if (name or parameters.get("lift_cabin")) and not any(parameters.get(key) for key in waiting)
    ]
