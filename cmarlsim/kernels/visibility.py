"""What can be seen of each stretch of way from each other one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.chains import Walls, chain_hides, find_hiding
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.grid import SLACK, columns_met, rows_met
from cmarlsim.kernels.occlusion import distance_between, matters
from cmarlsim.kernels.world import HIDDEN, OPEN, PARTLY, WALKED, Floats, Grid, Ints

PARTS = 4
"""A stretch is cut into so many parts where no chain of walls hides all of another stretch from all of it."""

MOST_LISTED = 32
"""Where more walls matter they are not listed: to walk through the grid takes less time."""

MOST_MET = 16
"""Walls between the middles of two stretches whose chains are tried."""


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
        The number of walls that matter if PARTLY; a wall of the chain that hides f if HIDDEN, or -1.
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
