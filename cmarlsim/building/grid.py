"""Grids over the walls of a plan, and which walls are joined."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.chains import Walls
from cmarlsim.kernels.grid import SLACK, count_walls, fill_walls
from cmarlsim.kernels.world import Floats, Grid, Ints

EMPTY = Grid(
    corner=np.zeros(2),
    size=1.0,
    first=np.zeros((1, 2), dtype=np.int64),
    wall=np.zeros(0, dtype=np.int64),
    segment=np.zeros((0, 4)),
)
"""Without walls."""

WALLS_A_CELL = 1.0
"""On average over the plan; most cells have none, since walls stand along lines."""


def _grid_of(wall: Floats) -> Grid:
    """The grid of walls (W, 4)."""
    if not len(wall):
        return EMPTY
    ends = wall.reshape(-1, 2)
    corner = ends.min(axis=0) - SLACK
    extent = ends.max(axis=0) + SLACK - corner
    length = np.hypot(*(wall[:, 2:] - wall[:, :2]).T).mean()
    size = max(np.sqrt(extent.prod() * WALLS_A_CELL / len(wall)), extent.max() / len(wall), length / 4)
    columns, rows = np.ceil(extent / size).astype(np.int64)
    grid = EMPTY._replace(
        corner=corner, size=float(size), first=np.zeros((columns, rows + 1), dtype=np.int64)
    )
    count_walls(wall, grid)
    begin = np.cumsum(grid.first[:, 1:]).reshape(columns, rows)
    grid.first[:, 1:] = begin
    grid.first[1:, 0] = begin[:-1, -1]
    count = int(begin[-1, -1])
    filled = grid._replace(wall=np.empty(count, dtype=np.int64), segment=np.empty((count, 4)))
    fill_walls(wall, filled, filled.first[:, :-1].copy())
    return filled


def _joined(wall: Floats) -> Ints:
    """For both ends of each wall (W, 4), the end of another one at the same point, or -1; (2 W,)."""
    ends = wall.reshape(-1, 2)
    order = np.lexsort(ends.T)
    same = (ends[order] == np.roll(ends[order], 1, axis=0)).all(axis=1)
    joined, group = np.full(len(ends), -1), np.cumsum(~same)
    for here, there in ((slice(1, None), slice(None, -1)), (slice(None, -1), slice(1, None))):
        pairs = group[here] == group[there]
        joined[order[here][pairs]] = order[there][pairs]
    return joined


def _merged(wall: Floats) -> Floats:
    """The walls (W, 4), those that continue or overlap each other along an axis as one: the same points."""
    found: list[tuple[tuple[int, float], float, float]] = []
    upright = wall[:, 0] == wall[:, 2]
    level = (wall[:, 1] == wall[:, 3]) & ~upright
    for axis, chosen in enumerate((upright, level)):
        along = wall[chosen]
        low, high = np.sort(along[:, [1 - axis, 3 - axis]], axis=1).T
        order = np.lexsort((low, along[:, axis]))
        for at, begin, end in np.stack([along[:, axis], low, high], axis=1)[order].tolist():
            if found and found[-1][0] == (axis, at) and begin <= found[-1][2]:
                found[-1] = (axis, at), found[-1][1], max(end, found[-1][2])
            else:
                found.append(((axis, at), begin, end))
    ends = [(at, begin, at, end) if axis == 0 else (begin, at, end, at) for (axis, at), begin, end in found]
    return np.concatenate([wall[~upright & ~level], np.array(ends, dtype=np.float64).reshape(-1, 4)])


def walls_of(wall: Floats) -> Walls:
    """Walls (W, 4) by the cells of a grid; fewer, where some continue each other along an axis."""
    merged = _merged(wall)
    return Walls(merged, _joined(merged), _grid_of(merged))
