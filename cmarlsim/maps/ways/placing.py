"""Waypoints of others on a raster: in free space, and a little off its walls."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cmarlsim.errors import listed
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.maps.draft import Remark, WayGraph
from cmarlsim.maps.formats.problems import check_none
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.ways.clearance import CLEAR, LEAST, clear_cells, gap_of_line

FARTHEST_MOVE = 0.5
"""Metres, and at least 2 cells, that a waypoint in a wall is moved at most."""

_NUDGE = 1.5  # cells that one in free space is moved at most


def placed(raster: Raster, inside: Bools, graph: WayGraph) -> tuple[Floats, list[Remark]]:
    """Where the waypoints of a graph are on a raster, (P, 2) in cells, once they are off its walls.

    Raises
    ------
    InputError
        All that are not in the building, nor near to it, by name.
    """
    points = raster.to_cells(graph.position)
    held = values_at(inside, points)
    core = clear_cells(inside)
    farthest = max(FARTHEST_MOVE / raster.resolution, 2.0)
    cells = points.copy()
    bad = []
    for i, point in enumerate(points):
        gap = gap_of_line(inside, point, point, CLEAR)
        if gap == CLEAR:
            continue
        reach = _NUDGE if held[i] else farthest
        found = _nearest(core, point, reach)
        if found is None and gap < LEAST:
            found = _nearest(inside, point, reach)
        if found is not None:
            cells[i] = found
        elif not held[i]:
            bad.append(i)
    check_none("graph", _problems(raster, graph, points, bad))
    return cells, _remarks(raster, graph, held, np.linalg.norm(cells - points, axis=1))


def values_at(field: NDArray, points: Floats) -> NDArray:
    """Values of the cells that hold some points, (n,); 0 beyond all cells."""
    column, row = np.floor(np.clip(points, -1, 1e9)).astype(np.int64).T
    held = (column >= 0) & (row >= 0) & (column < field.shape[1]) & (row < field.shape[0])
    values = np.zeros(len(points), dtype=field.dtype)
    values[held] = field[row[held], column[held]]
    return values


def _nearest(wanted: Bools, point: Floats, farthest: float) -> Floats | None:
    """The middle of the nearest cell that is wanted, if there is one not farther than that, in cells."""
    low = np.clip(np.floor(point - farthest - 1), 0, wanted.shape[::-1]).astype(int)
    high = np.clip(np.ceil(point + farthest + 1), 0, wanted.shape[::-1]).astype(int)
    middle = np.argwhere(wanted[low[1] : high[1], low[0] : high[0]])[:, ::-1] + low + 0.5
    distance = np.linalg.norm(middle - point, axis=1)
    if not len(middle) or distance.min() > farthest:
        return None
    return middle[distance.argmin()]


def _problems(raster: Raster, graph: WayGraph, points: Floats, bad: list[int]) -> list[str]:
    """What is wrong with waypoints that are not in the building."""
    names = np.array(graph.names, dtype=object)
    size = raster.free.shape[::-1]
    beyond = ((points < 0) | (points > size)).any(axis=1)
    cut_off = ~beyond & values_at(raster.free, points)
    wrong = np.isin(np.arange(len(points)), bad)
    said = {
        "are off the map": wrong & beyond,
        "are in free space that is cut off from the building": wrong & cut_off,
        "are in walls or unknown space": wrong & ~beyond & ~cut_off,
    }
    counted = {text: which for text, which in said.items() if which.any()}
    if 2 * len(bad) > len(points):
        parts = ", ".join(f"{np.count_nonzero(which):,} {text}" for text, which in counted.items())
        low, high = graph.position.min(axis=0), graph.position.max(axis=0)
        return [
            f"does not fit the map: of {len(points):,} waypoints, {parts}. They lie in x = {low[0]:.2f} to "
            f"{high[0]:.2f} m, y = {low[1]:.2f} to {high[1]:.2f} m; the map in {_extent(raster)}. "
            "Is it the graph of another map, or its resolution or offset wrong?"
        ]
    return [f"waypoints that {text}: {listed(names[which].tolist())}" for text, which in counted.items()]


def _extent(raster: Raster) -> str:
    width, height = raster.free.shape[::-1]
    corners = raster.to_metres(np.array([[0, 0], [width, 0], [0, height], [width, height]], dtype=np.float64))
    low, high = corners.min(axis=0), corners.max(axis=0)
    return f"x = {low[0]:.2f} to {high[0]:.2f} m, y = {low[1]:.2f} to {high[1]:.2f} m"


def _remarks(raster: Raster, graph: WayGraph, held: Bools, moved: Floats) -> list[Remark]:
    metres = moved * raster.resolution
    remarks = [
        Remark(
            "warning",
            f"Waypoint {graph.names[i]} is not in free space; it is moved by {metres[i]:.2f} m.",
            tuple(graph.position[i].tolist()),
        )
        for i in np.flatnonzero(~held & (moved > 0))
    ]
    if nudged := [graph.names[i] for i in np.flatnonzero(held & (moved > 0))]:
        most = metres[held].max()
        text = f"Waypoints that touch walls are moved by at most {most:.2f} m: {listed(nudged)}."
        remarks.append(Remark("found", text))
    return remarks
