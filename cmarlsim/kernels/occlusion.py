"""What walls hide of one stretch of way from another, once and for all pairs of points on them.

A stretch, or a part of one, is an array (4,): x and y of both ends. Everything is decided with `SLACK` to
spare, on the safe side: what is said to hide certainly does, a wall that is said not to matter certainly does
not.
"""

from __future__ import annotations

import math

from cmarlsim.kernels.compiling import kernel
from cmarlsim.kernels.grid import SLACK
from cmarlsim.kernels.world import Floats


@kernel
def aside(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> float:
    """Distance in metres of (x, y) from the line through a and b, positive on its left."""
    length = math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
    return ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length if length > 0.0 else 0.0


@kernel
def hides(wall: Floats, e: Floats, f: Floats) -> bool:
    """Whether the wall certainly blocks every sight line between e and f.

    Both lie on different sides of the wall's line, and the wall's ends on different sides of all lines
    between ends of e and f; what holds for the ends holds for the points between them.
    """
    cx, cy, dx, dy = wall[0], wall[1], wall[2], wall[3]
    side = 1.0 if aside(cx, cy, dx, dy, e[0], e[1]) > 0.0 else -1.0
    for end in range(0, 4, 2):
        if side * aside(cx, cy, dx, dy, e[end], e[end + 1]) <= SLACK:
            return False
        if side * aside(cx, cy, dx, dy, f[end], f[end + 1]) >= -SLACK:
            return False
    for i in range(0, 4, 2):
        for j in range(0, 4, 2):
            if side * aside(e[i], e[i + 1], f[j], f[j + 1], cx, cy) >= -SLACK:
                return False
            if side * aside(e[i], e[i + 1], f[j], f[j + 1], dx, dy) <= SLACK:
                return False
    return True


@kernel
def apart(px: float, py: float, qx: float, qy: float, wall: Floats, e: Floats, f: Floats) -> bool:
    """Whether the wall lies on one side of the line p-q, or parallel to it, and e and f on the other."""
    low = min(
        min(aside(px, py, qx, qy, e[0], e[1]), aside(px, py, qx, qy, e[2], e[3])),
        min(aside(px, py, qx, qy, f[0], f[1]), aside(px, py, qx, qy, f[2], f[3])),
    )
    high = max(
        max(aside(px, py, qx, qy, e[0], e[1]), aside(px, py, qx, qy, e[2], e[3])),
        max(aside(px, py, qx, qy, f[0], f[1]), aside(px, py, qx, qy, f[2], f[3])),
    )
    c, d = aside(px, py, qx, qy, wall[0], wall[1]), aside(px, py, qx, qy, wall[2], wall[3])
    return min(c, d) > high + SLACK or max(c, d) < low - SLACK


@kernel
def matters(wall: Floats, e: Floats, f: Floats) -> bool:
    """Whether the wall may block a sight line between e and f: it may meet their convex hull."""
    if min(wall[0], wall[2]) > max(max(e[0], e[2]), max(f[0], f[2])) + SLACK:
        return False
    if max(wall[0], wall[2]) < min(min(e[0], e[2]), min(f[0], f[2])) - SLACK:
        return False
    if min(wall[1], wall[3]) > max(max(e[1], e[3]), max(f[1], f[3])) + SLACK:
        return False
    if max(wall[1], wall[3]) < min(min(e[1], e[3]), min(f[1], f[3])) - SLACK:
        return False
    if apart(wall[0], wall[1], wall[2], wall[3], wall, e, f):
        return False
    if apart(e[0], e[1], e[2], e[3], wall, e, f) or apart(f[0], f[1], f[2], f[3], wall, e, f):
        return False
    for i in range(0, 4, 2):
        for j in range(0, 4, 2):
            if apart(e[i], e[i + 1], f[j], f[j + 1], wall, e, f):
                return False
    return True


@kernel
def distance_between(e: Floats, f: Floats) -> float:
    """A lower bound on the distance in metres between two stretches: that of their bounding boxes."""
    gap_x = max(min(e[0], e[2]) - max(f[0], f[2]), min(f[0], f[2]) - max(e[0], e[2]))
    gap_y = max(min(e[1], e[3]) - max(f[1], f[3]), min(f[1], f[3]) - max(e[1], e[3]))
    return math.hypot(max(0.0, gap_x), max(0.0, gap_y))
