"""What can be seen from each stretch of way in a world, found once."""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np

from cmarlsim.building.areas import Area
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.grid import EMPTY, walls_of
from cmarlsim.building.worlds import build_world
from cmarlsim.errors import InputError
from cmarlsim.kernels.chains import Walls
from cmarlsim.kernels.visibility import Stretches, find_visible, new_desk
from cmarlsim.kernels.world import TICKS_PER_METRE, Ints, Visibility, World
from cmarlsim.limits import check_bytes

_NONE = np.zeros(0, dtype=np.int64)
NO_VISIBILITY = Visibility(
    _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, barrier=np.zeros((0, 4)), grid=EMPTY
)

FEW_PAIRS = 10**7
"""Of stretches, which take seconds."""

MOST_SECONDS = 1800.0
"""Looking along all stretches takes less; some of them, `SAMPLES`, show beforehand how long it will."""

SAMPLES = 16

SHORTEST, LONGEST = 1.0, 4.0
"""Metres: longer edges are cut into equal parts. Of shorter ones more is known beforehand."""

MANY_PARTS = 256
"""Where shorter parts of all edges would be more than this, they are longer, up to `LONGEST`."""


def stretches_of(world: World) -> tuple[Stretches, Ints]:
    """Parts of the waypoint edges but for lifts and, without length, the waypoints.

    Returns
    -------
    Stretches
        S of them.
    (E + 1,) array
        The first stretch of each edge, and that of the waypoints.
    """
    length = np.where(world.lift, 0.0, world.edge_ticks / TICKS_PER_METRE)
    parts = np.ceil(length / np.clip(length.sum() / MANY_PARTS, SHORTEST, LONGEST)).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(parts)])
    edge = np.repeat(np.arange(len(parts)), parts)
    low = ((np.arange(first[-1]) - first[edge]) / parts[edge])[:, None]
    start, way = world.waypoint[world.edge[edge, 0]], np.diff(world.waypoint[world.edge[edge]], axis=1)[:, 0]
    ends = [start + low * way, start + (low + 1 / parts[edge][:, None]) * way]
    return Stretches(
        ends=np.concatenate([np.hstack(ends), np.tile(world.waypoint, 2)]),
        level=np.concatenate([world.level[world.edge[edge, 0]], world.level]),
    ), first


def _visibility_sets(walls: Walls, stretches: Stretches, d: float) -> tuple[Ints, Ints]:
    """All pairs of stretches that may see each other, the lower one first, and their lists of walls.

    Returns
    -------
    (V, 5) array
        Both stretches, what can be seen of one from the other, where their list begins, where it ends.
    (...,) array
        The lists of walls.
    """
    look, pairs, lists, begin = _Look(walls, stretches, d), [], [], 0
    for e in range(len(stretches.level)):
        found, listed = look.along(e)
        other, seen, length = found.T
        last = begin + np.cumsum(length)
        pairs.append(np.stack([np.full(len(found), e), other, seen, last - length, last], axis=1))
        lists.append(listed.copy())
        begin += len(listed)
    return np.concatenate(pairs), np.concatenate(lists)


class _Look:
    """Looks along stretches among walls, with a range of `d` metres."""

    def __init__(self, walls: Walls, stretches: Stretches, d: float) -> None:
        self._seen = walls, stretches, d
        self._desk = new_desk(len(walls.wall), len(stretches.level))

    def along(self, e: int) -> tuple[Ints, Ints]:
        """The stretches from `e` on that may be seen from it, (F, 3) as in `Desk`, and their walls.

        They lie in arrays that the next call overwrites.
        """
        walls, stretches, d = self._seen
        found, length = find_visible(walls, stretches, e, d, self._desk)
        return self._desk.found[:found], self._desk.lists[:length]


def _check_size(name: str, walls: Walls, stretches: Stretches, d: float) -> None:
    """Raise InputError if looking along all stretches takes too long or too much memory, as some show."""
    count, what = (
        len(stretches.level),
        f"floorplan '{name}': what can be seen from {len(stretches.level):,} stretches of",
    )
    remedy = "use fewer or shorter edges, fewer waypoints, or a shorter range d"
    if count**2 < FEW_PAIRS:
        return
    look, numbers, seconds = _Look(walls, stretches, d), 0, 0.0
    for e in np.linspace(0, count - 2, SAMPLES).astype(int).tolist():
        look.along(e)  # from the one before it is known which walls are in the way
        began = time.perf_counter()
        found, listed = look.along(e + 1)
        seconds += (time.perf_counter() - began) * count / SAMPLES
        numbers += 24 * len(found) + len(listed)
        if seconds > MOST_SECONDS:
            raise InputError(f"{what} way takes more than {MOST_SECONDS / 60:g} minutes: {remedy}")
    check_bytes(f"{what} way needs", 8.0 * numbers * count / SAMPLES, remedy)


@lru_cache(maxsize=16)
def build_visibility(plan: FloorPlan, zones: tuple[Area, ...], d: float) -> Visibility:
    """Visibility of a floor plan with zones.

    Parameters
    ----------
    plan, zones
        As for `build_world`.
    d
        Range in metres; pairs of stretches farther apart and out of sight are left out.

    Raises
    ------
    InputError
        If that takes more memory than there is, or more than `MOST_SECONDS`.
    """
    world = build_world(plan, zones)
    stretches, part_first = stretches_of(world)
    walls = walls_of(world.wall)
    _check_size(plan.name, walls, stretches, d)
    pairs, wall = _visibility_sets(walls, stretches, d)
    back = pairs[pairs[:, 0] != pairs[:, 1]][:, [1, 0, 2, 3, 4]]
    rows = np.concatenate([pairs, back])
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    return Visibility(
        part_first=part_first,
        first=np.searchsorted(rows[:, 0], np.arange(len(stretches.level) + 1)),
        other=np.ascontiguousarray(rows[:, 1]),
        seen=np.ascontiguousarray(rows[:, 2]),
        wall_first=np.ascontiguousarray(rows[:, 3]),
        wall_last=np.ascontiguousarray(rows[:, 4]),
        wall=wall,
        barrier=walls.wall,
        grid=walls.grid,
    )
