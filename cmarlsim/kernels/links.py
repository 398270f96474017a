"""Who can talk to whom: line of sight, discs, and Bernoulli edges, eq. (4)."""

from __future__ import annotations

import math

import numpy as np

from cmarlsim.kernels.bits import Words, clear, has, lowest, put
from cmarlsim.kernels.changes import log_change
from cmarlsim.kernels.compiling import inner, kernel
from cmarlsim.kernels.grid import columns_met, rows_met
from cmarlsim.kernels.scene import Scene, Trajectory
from cmarlsim.kernels.world import (
    HIDDEN,
    OPEN,
    TOLERANCE,
    WALKED,
    Floats,
    Grid,
    Ints,
    LinkModel,
    Occupants,
    SightState,
    Site,
    World,
)


@kernel
def point_to_segment(px: float, py: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Distance in metres from a point to the segment a-b (which may be a single point)."""
    dx, dy = bx - ax, by - ay
    square = dx * dx + dy * dy
    share = 0.0
    if square > 0.0:
        share = min(1.0, max(0.0, ((px - ax) * dx + (py - ay) * dy) / square))
    return math.hypot(px - ax - share * dx, py - ay - share * dy)


@kernel
def blocks(wall: Floats, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether the segment a-b passes within `TOLERANCE` of `wall` (4,), touching included."""
    cx, cy, dx, dy = wall[0], wall[1], wall[2], wall[3]
    if max(ax, bx) < min(cx, dx) - TOLERANCE or min(ax, bx) > max(cx, dx) + TOLERANCE:
        return False
    if max(ay, by) < min(cy, dy) - TOLERANCE or min(ay, by) > max(cy, dy) + TOLERANCE:
        return False
    c_side = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    d_side = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
    a_side = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
    b_side = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
    if c_side * d_side < 0.0 and a_side * b_side < 0.0:
        return True
    aside = 2.0 * TOLERANCE * (abs(bx - ax) + abs(by - ay))  # no less than the tolerance off the line
    if min(c_side, d_side) > aside or max(c_side, d_side) < -aside:
        return False
    aside = 2.0 * TOLERANCE * (abs(dx - cx) + abs(dy - cy))
    if min(a_side, b_side) > aside or max(a_side, b_side) < -aside:
        return False
    return (
        point_to_segment(cx, cy, ax, ay, bx, by) <= TOLERANCE
        or point_to_segment(dx, dy, ax, ay, bx, by) <= TOLERANCE
        or point_to_segment(ax, ay, cx, cy, dx, dy) <= TOLERANCE
        or point_to_segment(bx, by, cx, cy, dx, dy) <= TOLERANCE
    )


@kernel
def in_sight(world: World, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether no wall blocks the view from a to b."""
    for w in range(len(world.wall)):  # noqa: SIM110 (compiled: a plain loop)
        if blocks(world.wall[w], ax, ay, bx, by):
            return False
    return True


@inner
def column_blocks(grid: Grid, column: int, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a wall blocks the view from a to b, of those in the cells of a column that the line passes."""
    low, high = rows_met(grid, column, ax, ay, bx, by)
    for k in range(grid.first[column, low], grid.first[column, high + 1]):
        if blocks(grid.segment[k], ax, ay, bx, by):
            return True
    return False


@kernel
def blocking_column(grid: Grid, guess: int, ax: float, ay: float, bx: float, by: float) -> int:
    """A column of the grid with a wall that blocks the view from a to b; -1 if it is free, as for `in_sight`.

    Only the walls in the cells that the line passes through are tested, those of the column `guess` first.
    """
    first, last = columns_met(grid, min(ax, bx), max(ax, bx))
    if first <= guess <= last and column_blocks(grid, guess, ax, ay, bx, by):
        return guess
    for k in range(last - first + 1):
        column = first + k if ax <= bx else last - k
        if column_blocks(grid, column, ax, ay, bx, by):
            return column
    return -1


@inner
def in_range(d: float, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a and b are within `d` metres: |a - b| <= d + `TOLERANCE`."""
    reach = d + TOLERANCE
    return (ax - bx) ** 2 + (ay - by) ** 2 <= reach * reach


@kernel
def near_or_in_sight(world: World, d: float, ax: float, ay: float, bx: float, by: float) -> bool:
    """Whether a and b are within `d` metres or in line of sight (Section V-B)."""
    return in_range(d, ax, ay, bx, by) or in_sight(world, ax, ay, bx, by)


@inner
def look_up_near(site: Site, place: Ints, i: int, near: Words) -> None:
    """Write into `near` whom agent i can talk to, looked up among the numbered places (64 agents at most)."""
    word, row = np.uint64(0), site.numbered.near[place[i]]
    for j in range(len(place)):
        word |= np.uint64(has(row, place[j])) << np.uint64(j)
    near[0] = word
    put(near, i, False)


@inner
def visible(site: Site, d: float, sight: SightState, place: Ints, i: int, j: int, v: int) -> bool:
    """`near_or_in_sight` for agents i and j whose stretches see each other by row `v` of the visibility."""
    visibility, barrier, seen = site.visibility, site.visibility.barrier, site.visibility.seen[v]
    if seen == OPEN:
        return True
    if len(site.numbered.tile) > 0:
        return has(site.numbered.near[place[i]], place[j])
    ax, ay, bx, by = sight.position[i, 0], sight.position[i, 1], sight.position[j, 0], sight.position[j, 1]
    if in_range(d, ax, ay, bx, by):
        return True
    if seen == WALKED:
        column = blocking_column(visibility.grid, sight.last[v], ax, ay, bx, by)
        sight.last[v] = column if column >= 0 else sight.last[v]
        return column < 0
    if seen == HIDDEN or blocks(barrier[visibility.wall[sight.last[v]]], ax, ay, bx, by):
        return False
    for k in range(visibility.wall_first[v], visibility.wall_last[v]):
        if blocks(barrier[visibility.wall[k]], ax, ay, bx, by):
            sight.last[v] = k
            return False
    return True


@inner
def look_along(
    site: Site, d: float, sight: SightState, place: Ints, i: int, done: Words, near: Words
) -> None:
    """Write into `near` whom agent i can talk to, of those that its stretch sees and that are not `done`."""
    occupants, visibility = sight.occupants, site.visibility
    clear(near)
    stretch = occupants.stretch[i]
    for v in range(visibility.first[stretch], visibility.first[stretch + 1]):
        j = occupants.head[visibility.other[v]]
        while j >= 0:
            if j != i and not has(done, j) and visible(site, d, sight, place, i, j, v):
                put(near, j, True)
            j = occupants.next[j]


@inner
def update_links(site: Site, d: float, scene: Scene, t: int, i: int) -> None:
    """Find the links of agent i, which arrives at step t, and log those that change."""
    near, link, place = scene.near, scene.contacts.link, scene.trajectory.place[t]
    if len(site.visibility.first) > 0:
        look_along(site, d, scene.sight, place, i, scene.done, near)
        for w in range(len(near)):
            near[w] |= link[i, w] & scene.done[w]
        put(scene.done, i, True)
    else:
        look_up_near(site, place, i, near)
    for w in range(len(near)):
        changed = near[w] ^ link[i, w]
        while changed != np.uint64(0):
            log_change(scene.contacts, scene.log, t, i, 64 * w + lowest(changed))
            changed &= changed - np.uint64(1)


@kernel
def draw_links(model: LinkModel, uniform: Floats, scene: Scene, t: int) -> None:
    """Draw the links of step t, and log those that change.

    By eq. (4) footprint edge f is up with probability p at every step: where `uniform[f]` < p, with one draw
    an edge in `uniform` (F,).
    """
    for f in range(len(model.footprint)):
        i, j = model.footprint[f, 0], model.footprint[f, 1]
        if (uniform[f] < model.p) != has(scene.contacts.link[i], j):
            log_change(scene.contacts, scene.log, t, i, j)


@kernel
def move_occupant(occupants: Occupants, n: int, stretch: int) -> None:
    """Move agent n to another stretch's list."""
    if occupants.stretch[n] >= 0:
        before, after = occupants.previous[n], occupants.next[n]
        if before >= 0:
            occupants.next[before] = after
        else:
            occupants.head[occupants.stretch[n]] = after
        if after >= 0:
            occupants.previous[after] = before
    first = occupants.head[stretch]
    occupants.stretch[n] = stretch
    occupants.head[stretch] = n
    occupants.next[n] = first
    occupants.previous[n] = -1
    if first >= 0:
        occupants.previous[first] = n


@kernel
def enter(site: Site, trajectory: Trajectory, sight: SightState, t: int, n: int) -> None:
    """Bring agent n, which arrives at step t, to its position and to its stretch's list."""
    stretch = trajectory.place[t, n]
    if len(site.numbered.tile) > 0:
        stretch = site.numbered.stretch[stretch]
    else:
        sight.position[n, 0] = trajectory.position[t, n, 0]
        sight.position[n, 1] = trajectory.position[t, n, 1]
    if stretch != sight.occupants.stretch[n]:
        move_occupant(sight.occupants, n, stretch)
