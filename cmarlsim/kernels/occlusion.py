"""What walls hide of one stretch of way from another, once and for all pairs of points on them.

A stretch, or a part of one, is an array (4,): x and y of both ends. Everything is decided with `SLACK` to spare, on the safe side:
a wall that is said to hide certainly does, a wall that is said not to matter certainly does not.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.grid import SLACK, columns_met, rows_met
from cmarlsim.kernels.links import blocks
from cmarlsim.kernels.world import HIDDEN, OPEN, PARTLY, WALKED, Floats, Grid, Ints

PARTS = 4
"""A stretch is cut into so many parts where no chain of walls hides all of another stretch from all of it."""

LONGEST_CHAIN = 256
"""Walls of a chain that are looked at on either side of the first."""

MOST_LISTED = 32
"""Where more walls matter between two stretches they are not listed: looking along the line takes less time."""

MOST_MET = 16
"""Walls between the middles of two stretches whose chains are tried."""


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
    """Whether the wall lies on one side of the line p-q, or parallel to it, and both stretches on the other."""
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


class Walls(NamedTuple):
    """All walls, by the cells of a grid, and which of them are joined end to end."""

    wall: Floats  # (W, 4)
    joined: (
        Ints  # (2 W,) for end 2 w and end 2 w + 1 of wall w, the end of another one at the same point, or -1
    )
    grid: Grid


class Stretches(NamedTuple):
    """S straight parts of way; who is on one level sees nothing of another."""

    ends: Floats  # (S, 4) x and y of both
    level: Ints  # (S,)


class Desk(NamedTuple):
    """What a stretch can see of those after it, and scratch (changed in place)."""

    hint: Ints  # (S,) a wall of the chain that hid each stretch from the one looked from last, or -1
    found: Ints  # (S, 3) a stretch, what can be seen of it, how many walls are listed
    lists: Ints  # the walls that are listed, one list after the other
    met: Ints  # (MOST_MET,) buffer: walls on the line between the middles of two stretches
    round: Ints  # (1,) counts pairs of stretches
    looked_at: Ints  # (W,) the round in which each wall was looked at last
    parts: Floats  # (2, 4) buffer


def new_desk(walls: int, stretches: int) -> Desk:
    """Desk for looking from stretches, the first one first."""
    return Desk(
        hint=np.full(stretches, -1),
        found=np.empty((stretches, 3), dtype=np.int64),
        lists=np.empty(MOST_LISTED * stretches, dtype=np.int64),
        met=np.empty(MOST_MET, dtype=np.int64),
        round=np.zeros(1, dtype=np.int64),
        looked_at=np.zeros(walls, dtype=np.int64),
        parts=np.empty((2, 4)),
    )


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
    wall, grid, count = walls.wall, walls.grid, 0
    ax, ay, bx, by = (e[0] + e[2]) / 2.0, (e[1] + e[3]) / 2.0, (f[0] + f[2]) / 2.0, (f[1] + f[3]) / 2.0
    first, last = columns_met(grid, min(ax, bx), max(ax, bx))
    for column in range(first, last + 1):
        low, high = rows_met(grid, column, ax, ay, bx, by)
        for k in range(grid.first[column, low], grid.first[column, high + 1]):
            w = grid.wall[k]
            if blocks(wall[w], ax, ay, bx, by):
                met[count] = w
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


@kernel
def part(stretch: Floats, k: int, into: Floats) -> None:
    """Write the k-th of `PARTS` equal parts of a stretch."""
    for axis in range(2):
        step = (stretch[axis + 2] - stretch[axis]) / PARTS
        into[axis] = stretch[axis] + k * step
        into[axis + 2] = stretch[axis] + (k + 1) * step


@inner
def hide_in_parts(walls: Walls, e: Floats, f: Floats, desk: Desk) -> bool:
    """Whether for all parts of e and f a chain of walls is found that hides them."""
    last = -1
    for i in range(PARTS):
        part(e, i, desk.parts[0])
        for j in range(PARTS):
            part(f, j, desk.parts[1])
            last = find_hiding(walls, desk.parts[0], desk.parts[1], last, desk.met)
            if last < 0:
                return False
    return True


@kernel
def rows_between(grid: Grid, column: int, e: Floats, f: Floats) -> tuple[int, int]:
    """First and last cell of a column that the convex hull of e and f meets."""
    first, last = rows_met(grid, column, e[0], e[1], e[2], e[3])
    low, high = rows_met(grid, column, f[0], f[1], f[2], f[3])
    first, last = min(first, low), max(last, high)
    for i in range(0, 4, 2):
        for j in range(0, 4, 2):
            low, high = rows_met(grid, column, e[i], e[i + 1], f[j], f[j + 1])
            first, last = min(first, low), max(last, high)
    return first, last


@inner
def list_walls(walls: Walls, e: Floats, f: Floats, near: Ints, desk: Desk) -> int:
    """Write the walls that matter into `near`, as many as it holds, and count them up to one more."""
    grid, count = walls.grid, 0
    desk.round[0] += 1
    low, high = min(min(e[0], e[2]), min(f[0], f[2])), max(max(e[0], e[2]), max(f[0], f[2]))
    first, last = columns_met(grid, low, high)
    for column in range(first, last + 1):
        lowest, highest = rows_between(grid, column, e, f)
        if lowest > highest:
            continue
        for k in range(grid.first[column, lowest], grid.first[column, highest + 1]):
            w = grid.wall[k]
            if desk.looked_at[w] != desk.round[0]:
                desk.looked_at[w] = desk.round[0]
                if matters(walls.wall[w], e, f):
                    if count == len(near):
                        return count + 1
                    near[count] = w
                    count += 1
    return count


@kernel
def judge(walls: Walls, e: Floats, f: Floats, near: Ints, desk: Desk) -> tuple[int, int]:
    """What can be seen of f from e.

    Parameters
    ----------
    near : (MOST_LISTED,)
        Written: the walls that matter, if no more.

    Returns
    -------
    int
        OPEN, HIDDEN, PARTLY or WALKED.
    int
        The number of walls that matter if PARTLY; a wall of the chain that hides all if HIDDEN, -1 if several do.
    """
    hiding = find_hiding(walls, e, f, -1, desk.met)
    if hiding >= 0:
        return HIDDEN, hiding
    count = list_walls(walls, e, f, near, desk)
    if count == 0:
        return OPEN, 0
    if hiding == -1 and hide_in_parts(walls, e, f, desk):
        return HIDDEN, -1
    return (PARTLY, count) if count <= len(near) else (WALKED, 0)


@kernel
def distance_between(e: Floats, f: Floats) -> float:
    """A lower bound on the distance in metres between two stretches: that of their bounding boxes."""
    gap_x = max(min(e[0], e[2]) - max(f[0], f[2]), min(f[0], f[2]) - max(e[0], e[2]))
    gap_y = max(min(e[1], e[3]) - max(f[1], f[3]), min(f[1], f[3]) - max(e[1], e[3]))
    return math.hypot(max(0.0, gap_x), max(0.0, gap_y))


@kernel
def hidden_as_before(walls: Walls, e: Floats, f: Floats, hint: int, last: int) -> int:
    """The wall `hint` or `last`, if there is one and its chain hides f from e; else -1."""
    if hint >= 0 and chain_hides(walls, hint, e, f):
        return hint
    if last >= 0 and chain_hides(walls, last, e, f):
        return last
    return -1


@kernel
def find_visible(walls: Walls, stretches: Stretches, i: int, d: float, desk: Desk) -> tuple[int, int]:
    """List the stretches from stretch i on that may be in sight of it, or within `d` metres of it.

    Parameters
    ----------
    desk
        Its `lists` hold `MOST_LISTED` walls for every stretch.

    Returns
    -------
    int
        How many stretches were found.
    int
        The length of all lists.
    """
    count, length, last, e = 0, 0, -1, stretches.ends[i]
    for j in range(i, len(stretches.ends)):
        if stretches.level[i] != stretches.level[j]:
            continue
        f = stretches.ends[j]
        verdict, number = HIDDEN, hidden_as_before(walls, e, f, desk.hint[j], last)
        if number < 0:
            near = desk.lists[length : length + MOST_LISTED]
            verdict, number = judge(walls, e, f, near, desk)
        if verdict == HIDDEN:
            desk.hint[j] = last = number
            if distance_between(e, f) > d + SLACK:
                continue
        desk.found[count, 0] = j
        desk.found[count, 1] = verdict
        desk.found[count, 2] = number if verdict == PARTLY else 0
        length += desk.found[count, 2]
        count += 1
    return count, length
