"""Chains of walls that are joined end to end, and what they hide."""

from __future__ import annotations

import math
from typing import NamedTuple

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.grid import SLACK, columns_met, rows_met
from cmarlsim.kernels.links import blocks
from cmarlsim.kernels.occlusion import aside, hides
from cmarlsim.kernels.world import Floats, Grid, Ints

LONGEST_CHAIN = 256
"""Walls of a chain that are looked at on either side of the first."""


class Walls(NamedTuple):
    """All walls, by the cells of a grid, and which of them are joined end to end."""

    wall: Floats  # (W, 4)
    joined: (
        Ints  # (2 W,) for end 2 w and end 2 w + 1 of wall w, the end of another one at the same point, or -1
    )
    grid: Grid


@kernel
def side_of(e: Floats, f: Floats, x: float, y: float) -> float:
    """1 if (x, y) lies on the left of all lines from e to f, -1 if it lies on their right, else 0."""
    left = right = True
    for i in range(0, 4, 2):
        for j in range(0, 4, 2):
            away = aside(e[i], e[i + 1], f[j], f[j + 1], x, y)
            left = left and away > SLACK
            right = right and away < -SLACK
    return 1.0 if left else -1.0 if right else 0.0


@kernel
def leaves_on(walls: Walls, end: int, e: Floats, f: Floats) -> float:
    """On which side a chain of walls, followed from an `end` of one, leaves all lines from e to f.

    Returns
    -------
    float
        As `side_of`; 0 also if it does so not between e and f, or not within `LONGEST_CHAIN` walls.
    """
    ux, uy = f[0] + f[2] - e[0] - e[2], f[1] + f[3] - e[1] - e[3]
    length = math.hypot(ux, uy)
    if length == 0.0:
        return 0.0
    ux, uy = ux / length, uy / length
    low = max(ux * e[0] + uy * e[1], ux * e[2] + uy * e[3]) + SLACK
    high = min(ux * f[0] + uy * f[1], ux * f[2] + uy * f[3]) - SLACK
    for _ in range(LONGEST_CHAIN):
        x, y = walls.wall[end >> 1, 2 * (end & 1)], walls.wall[end >> 1, 2 * (end & 1) + 1]
        if not low < ux * x + uy * y < high:
            return 0.0
        side = side_of(e, f, x, y)
        if side != 0.0 or walls.joined[end] < 0:
            return side
        end = walls.joined[end] ^ 1
    return 0.0


@kernel
def chain_hides(walls: Walls, w: int, e: Floats, f: Floats) -> bool:
    """Whether the chain of walls that wall w belongs to certainly blocks all sight lines between e and f.

    It leads from the left of all these lines to their right, and does so between e and f: there is a strip
    across with e on its one side and f on its other that the chain does not leave.
    """
    if hides(walls.wall[w], e, f):
        return True
    side = leaves_on(walls, 2 * w, e, f)
    return side != 0.0 and leaves_on(walls, 2 * w + 1, e, f) == -side


@kernel
def meet_middle(walls: Walls, e: Floats, f: Floats, met: Ints) -> int:
    """Write into `met` the walls that block the line between the middles of e and f, and count them.

    They are at most as many as it holds; one that stands in several cells may be there several times.
    """
    grid, count = walls.grid, 0
    ax, ay, bx, by = (e[0] + e[2]) / 2.0, (e[1] + e[3]) / 2.0, (f[0] + f[2]) / 2.0, (f[1] + f[3]) / 2.0
    first, last = columns_met(grid, min(ax, bx), max(ax, bx))
    for column in range(first, last + 1):
        low, high = rows_met(grid, column, ax, ay, bx, by)
        for k in range(grid.first[column, low], grid.first[column, high + 1]):
            if blocks(grid.segment[k], ax, ay, bx, by):
                met[count] = grid.wall[k]
                count += 1
                if count == len(met):
                    return count
    return count


@kernel
def find_hiding(walls: Walls, e: Floats, f: Floats, last: int, met: Ints) -> int:
    """A wall of a chain that hides f from e, the wall `last` if its chain does.

    Returns
    -------
    int
        -1 if none is found, -2 if there is none: f can be seen from e.
    """
    if last >= 0 and chain_hides(walls, last, e, f):
        return last
    count = meet_middle(walls, e, f, met)
    if count == 0:
        return -2
    for k in range(count):
        if (k == 0 or met[k] != met[k - 1]) and chain_hides(walls, met[k], e, f):
            return met[k]
    return -1
