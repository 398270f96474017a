"""What walls hide of one straight piece of way from another, once and for all pairs of points on them.

A piece is an array (4,): x and y of both ends. Everything is decided with `SLACK` to spare, on the safe side:
a wall that is said to hide certainly does, a wall that is said not to matter certainly does not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.world import Floats, Ints

SLACK = 1e-6
"""Metres; much larger than `TOLERANCE` and the rounding of positions."""

PARTS = 4
"""A piece is cut into so many parts where no single wall hides all of another piece from all of it."""

OPEN, HIDDEN, PARTLY = range(3)


@kernel
def aside(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> float:
    """Distance in metres of (x, y) from the line through a and b, positive on its left."""
    length = math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
    return ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length if length > 0.0 else 0.0


@kernel
def hides(wall: Floats, e: Floats, f: Floats) -> bool:
    """Whether the wall certainly blocks every sight line between the pieces e and f.

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
    """Whether the wall lies on one side of the line p-q, or parallel to it, and both pieces on the other."""
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
    """Whether the wall may block a sight line between the pieces e and f: it may meet their convex hull."""
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
def part(piece: Floats, k: int, into: Floats) -> None:
    """Write the k-th of `PARTS` equal parts of a piece."""
    for axis in range(2):
        step = (piece[axis + 2] - piece[axis]) / PARTS
        into[axis] = piece[axis] + k * step
        into[axis + 2] = piece[axis] + (k + 1) * step


@inner
def hide_in_parts(wall: Floats, near: Ints, count: int, e: Floats, f: Floats, parts: Floats) -> bool:
    """Whether for all parts of e and f one of the `count` first walls of the list `near` hides them.

    `parts` (2, 4) is a buffer.
    """
    last = 0
    for i in range(PARTS):
        part(e, i, parts[0])
        for j in range(PARTS):
            part(f, j, parts[1])
            hidden = hides(wall[near[last]], parts[0], parts[1])
            k = 0
            while not hidden and k < count:
                hidden = hides(wall[near[k]], parts[0], parts[1])
                last = k
                k += 1
            if not hidden:
                return False
    return True


@kernel
def judge(wall: Floats, e: Floats, f: Floats, near: Ints, parts: Floats) -> tuple[int, int]:
    """What can be seen of the piece f from the piece e.

    Parameters
    ----------
    wall : (W, 4)
    near : (W,)
        Written: the walls that matter.
    parts : (2, 4)
        Buffer.

    Returns
    -------
    int
        OPEN, HIDDEN or PARTLY.
    int
        The number of walls that matter if PARTLY; the wall that hides all if HIDDEN, -1 if several do.
    """
    count = 0
    for w in range(len(wall)):
        if matters(wall[w], e, f):
            if hides(wall[w], e, f):
                return HIDDEN, w
            near[count] = w
            count += 1
    if count == 0:
        return OPEN, 0
    if hide_in_parts(wall, near, count, e, f, parts):
        return HIDDEN, -1
    return PARTLY, count


@kernel
def distance_between(e: Floats, f: Floats) -> float:
    """A lower bound on the distance in metres between two pieces: that of their bounding boxes."""
    gap_x = max(min(e[0], e[2]) - max(f[0], f[2]), min(f[0], f[2]) - max(e[0], e[2]))
    gap_y = max(min(e[1], e[3]) - max(f[1], f[3]), min(f[1], f[3]) - max(e[1], e[3]))
    return math.hypot(max(0.0, gap_x), max(0.0, gap_y))


class VisibilitySet(NamedTuple):
    """What a piece can see of those after it (changed in place)."""

    hint: Ints  # (S,) the wall that hid each piece from the piece looked from last, or -1
    found: Ints  # (S, 3) a piece, whether it is hidden (0 or 1), how many walls matter
    lists: Ints  # the walls that matter, one list after the other
    parts: Floats  # (2, 4) buffer


@kernel
def hidden_as_before(wall: Floats, e: Floats, f: Floats, hint: int, last: int) -> int:
    """The wall `hint` or `last`, if there is one and it hides f from e; else -1."""
    if hint >= 0 and hides(wall[hint], e, f):
        return hint
    if last >= 0 and hides(wall[last], e, f):
        return last
    return -1


@kernel
def find_visible(wall: Floats, pieces: Floats, e: int, d: float, report: VisibilitySet) -> tuple[int, int]:
    """List the pieces f >= e that may be in sight of piece e, or within `d` metres of it.

    Parameters
    ----------
    wall : (W, 4)
    pieces : (S, 4)

    Returns
    -------
    int
        How many pieces were found.
    int
        The length of all lists; -1 if `report.lists` is too short for them.
    """
    count, length, last = 0, 0, -1
    for f in range(e, len(pieces)):
        if len(report.lists) - length < len(wall):
            return count, -1
        near = report.lists[length:]
        verdict, number = HIDDEN, hidden_as_before(wall, pieces[e], pieces[f], report.hint[f], last)
        if number < 0:
            verdict, number = judge(wall, pieces[e], pieces[f], near, report.parts)
        if verdict == HIDDEN:
            report.hint[f] = last = number
            if distance_between(pieces[e], pieces[f]) > d + SLACK:
                continue
        report.found[count, 0] = f
        report.found[count, 1] = 1 if verdict == HIDDEN else 0
        report.found[count, 2] = number if verdict == PARTLY else 0
        length += report.found[count, 2]
        count += 1
    return count, length
