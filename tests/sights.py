"""The twin's links by sight or disc, compiled: for crowds, and for points of large buildings."""

import math
from collections.abc import Sequence

import naive
import numpy as np
from cases import Case
from numba import njit

from cmarlsim.kernels.world import Bools, Floats

TOLERANCE = naive.TOLERANCE


@njit
def point_to_segment(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    along = 0.0 if square == 0.0 else ((px - ax) * dx + (py - ay) * dy) / square
    along = min(max(along, 0.0), 1.0)
    return math.hypot(px - (ax + along * dx), py - (ay + along * dy))


@njit
def side(ax: float, ay: float, bx: float, by: float, px: float, py: float) -> float:
    return (bx - ax) * (py - ay) - (by - ay) * (px - ax)


@njit
def sight(walls: Floats, ax: float, ay: float, bx: float, by: float) -> bool:
    """The twin's `sight`, with `walls` (W, 4)."""
    for w in range(len(walls)):
        cx, cy, dx, dy = walls[w, 0], walls[w, 1], walls[w, 2], walls[w, 3]
        if (
            side(ax, ay, bx, by, cx, cy) * side(ax, ay, bx, by, dx, dy) < 0
            and side(cx, cy, dx, dy, ax, ay) * side(cx, cy, dx, dy, bx, by) < 0
        ):
            return False
        nearest = min(point_to_segment(ax, ay, cx, cy, dx, dy), point_to_segment(bx, by, cx, cy, dx, dy))
        nearest = min(nearest, point_to_segment(cx, cy, ax, ay, bx, by))
        if min(nearest, point_to_segment(dx, dy, ax, ay, bx, by)) <= TOLERANCE:
            return False
    return True


@njit
def all_links(walls: Floats, d: float, position: Floats) -> Bools:
    """(N, N) links of agents at `position` (N, 2)."""
    link = np.zeros((len(position), len(position)), dtype=np.bool_)
    for i in range(len(position)):
        for j in range(i):
            a, b = position[i], position[j]
            near = math.hypot(a[0] - b[0], a[1] - b[1]) <= d + TOLERANCE
            link[i, j] = link[j, i] = near or sight(walls, a[0], a[1], b[0], b[1])
    return link


def walls_of(case: Case) -> Floats:
    return as_array(naive.wall_segments(case.floorplan))


def as_array(walls: Sequence[naive.Segment]) -> Floats:
    return np.array(walls, dtype=float).reshape(-1, 4)


def links(scenario: naive.Toml, walls: list[naive.Segment], position: list[naive.Point], *_: object) -> Bools:
    """The twin's `links` by sight or disc."""
    return all_links(as_array(walls), float(scenario["links"]["d"]), np.array(position))
