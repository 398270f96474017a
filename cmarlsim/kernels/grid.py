"""Walls by the cells of a grid, so that a line meets few of them.

A wall stands in every cell that it comes within `SLACK` of, and a line passes through every cell that it
comes within `SLACK` of. So a wall that touches a line, within tolerance and rounding, is in a cell that the
line passes through, also where either runs along the border of cells.
"""

from __future__ import annotations

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import Floats, Grid, Ints

SLACK = 1e-6
"""Metres; much larger than `TOLERANCE` and the rounding of positions."""


@inner
def cell_at(along: float, size: float, cells: int) -> int:
    """Column or row at so many metres from the grid's corner; beyond its borders the outermost one."""
    return min(cells - 1, max(0, int(along * (1.0 / size))))


@kernel
def columns_met(grid: Grid, low: float, high: float) -> tuple[int, int]:
    """First and last column within `SLACK` of the x from `low` to `high`."""
    cells = len(grid.first)
    first = cell_at(low - SLACK - grid.corner[0], grid.size, cells)
    return first, cell_at(high + SLACK - grid.corner[0], grid.size, cells)


@kernel
def rows_met(grid: Grid, column: int, ax: float, ay: float, bx: float, by: float) -> tuple[int, int]:
    """First and last cell of a column within `SLACK` of the segment a-b; if there is none, first > last."""
    left = grid.corner[0] + column * grid.size - SLACK
    start, stop = max(left, min(ax, bx)), min(left + grid.size + 2.0 * SLACK, max(ax, bx))
    cells = grid.first.shape[1] - 1
    if start > stop:
        return cells, -1
    one, other = ay, by
    if abs(bx - ax) > SLACK:
        slope = (by - ay) / (bx - ax)
        one, other = ay + (start - ax) * slope, ay + (stop - ax) * slope
    first = cell_at(min(one, other) - SLACK - grid.corner[1], grid.size, cells)
    return first, cell_at(max(one, other) + SLACK - grid.corner[1], grid.size, cells)


@kernel
def count_walls(wall: Floats, grid: Grid) -> None:
    """Count the walls (W, 4) of each cell in the entry of `grid.first` after it; all are 0 before."""
    for w in range(len(wall)):
        ax, ay, bx, by = wall[w, 0], wall[w, 1], wall[w, 2], wall[w, 3]
        first, last = columns_met(grid, min(ax, bx), max(ax, bx))
        for column in range(first, last + 1):
            low, high = rows_met(grid, column, ax, ay, bx, by)
            for row in range(low, high + 1):
                grid.first[column, row + 1] += 1


@kernel
def fill_walls(wall: Floats, grid: Grid, end: Ints) -> None:
    """Write the walls (W, 4) of each cell; `end` (C, R), where they begin, becomes where they end."""
    for w in range(len(wall)):
        ax, ay, bx, by = wall[w, 0], wall[w, 1], wall[w, 2], wall[w, 3]
        first, last = columns_met(grid, min(ax, bx), max(ax, bx))
        for column in range(first, last + 1):
            low, high = rows_met(grid, column, ax, ay, bx, by)
            for row in range(low, high + 1):
                grid.wall[end[column, row]] = w
                for axis in range(4):
                    grid.segment[end[column, row], axis] = wall[w, axis]
                end[column, row] += 1
