"""What can be seen from each stretch of way in a world, found once."""

from __future__ import annotations

import time
from functools import lru_cache

import numpy as np

from cmarlsim.building.areas import Area
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.worlds import build_world
from cmarlsim.errors import InputError
from cmarlsim.kernels.occlusion import VisibilitySet, find_visible
from cmarlsim.kernels.world import TICKS_PER_METRE, Floats, Ints, Visibility, World
from cmarlsim.limits import check_bytes

NO_VISIBILITY = Visibility(
    *(np.zeros(0, dtype=bool if name == "hidden" else np.int64) for name in Visibility._fields)
)


FEW_COMPARISONS, MOST_COMPARISONS = 10**9, 10**9
"""Of all stretches and walls with all stretches, which take seconds; and of them with one stretch."""

MOST_SECONDS = 1800.0
"""Looking along all stretches takes less; some of them, `SAMPLES`, show beforehand how long it will."""

SAMPLES = 16

LONGEST = 4.0
"""Metres: longer edges are cut into equal parts."""


def stretches_of(world: World) -> tuple[Floats, Ints]:
    """Parts of the waypoint edges and, without length, the waypoints.

    Returns
    -------
    (S, 4) array
        x and y of both ends.
    (E + 1,) array
        The first stretch of each edge, and that of the waypoints.
    """
    parts = np.where(world.lift, 0, np.ceil(world.edge_ticks / (LONGEST * TICKS_PER_METRE))).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(parts)])
    edge = np.repeat(np.arange(len(parts)), parts)
    low = ((np.arange(first[-1]) - first[edge]) / parts[edge])[:, None]
    start, way = world.waypoint[world.edge[edge, 0]], np.diff(world.waypoint[world.edge[edge]], axis=1)[:, 0]
    ends = [start + low * way, start + (low + 1 / parts[edge][:, None]) * way]
    return np.concatenate([np.hstack(ends), np.tile(world.waypoint, 2)]), first


def _visibility_sets(wall: Floats, stretches: Floats, d: float) -> tuple[Ints, Ints]:
    """All pairs of stretches that may see each other, the lower one first, and their lists of walls.

    Returns
    -------
    (V, 5) array
        Both stretches, whether they are hidden from each other, where their list begins, where it ends.
    (...,) array
        The lists of walls.
    """
    look, pairs, lists, begin = _Look(wall, stretches, d), [], [], 0
    for e in range(len(stretches)):
        found, walls = look.along(e)
        other, hidden, length = found.T
        last = begin + np.cumsum(length)
        pairs.append(np.stack([np.full(len(found), e), other, hidden, last - length, last], axis=1))
        lists.append(walls.copy())
        begin += len(walls)
    return np.concatenate(pairs), np.concatenate(lists)


class _Look:
    """Looks along stretches (S, 4) among walls (W, 4), with a range of `d` metres."""

    def __init__(self, wall: Floats, stretches: Floats, d: float) -> None:
        self._seen = wall, stretches, d
        self._report = VisibilitySet(
            hint=np.full(len(stretches), -1),
            found=np.empty((len(stretches), 3), dtype=np.int64),
            lists=np.empty(16 * (len(wall) + 1), dtype=np.int64),
            parts=np.empty((2, 4)),
        )

    def along(self, e: int) -> tuple[Ints, Ints]:
        """The stretches from `e` on that may be seen from it, (F, 3) as in `VisibilitySet`, and their walls.

        They lie in arrays that the next call overwrites.
        """
        wall, stretches, d = self._seen
        found, length = find_visible(wall, stretches, e, d, self._report)
        while length < 0:
            self._report = self._report._replace(lists=np.empty(2 * len(self._report.lists), dtype=np.int64))
            found, length = find_visible(wall, stretches, e, d, self._report)
        return self._report.found[:found], self._report.lists[:length]


def _check_size(name: str, wall: Floats, stretches: Floats, d: float) -> None:
    """Raise InputError if looking along all stretches takes too long or too much memory, as some show."""
    count, what = len(stretches), f"floorplan '{name}': what can be seen from {len(stretches):,} stretches of"
    remedy = "use fewer or shorter edges, fewer waypoints, or a shorter range d"
    if count**2 * (len(wall) + 1) < FEW_COMPARISONS:
        return
    if count * (len(wall) + 1) > MOST_COMPARISONS:
        raise InputError(f"{what} way behind {len(wall):,} walls takes too long: {remedy}, or fewer walls")
    look, numbers, seconds = _Look(wall, stretches, d), 0, 0.0
    for e in np.linspace(0, count - 2, SAMPLES).astype(int).tolist():
        look.along(e)  # from the one before it is known which walls are in the way
        began = time.perf_counter()
        found, walls = look.along(e + 1)
        seconds += (time.perf_counter() - began) * count / SAMPLES
        numbers += 24 * len(found) + len(walls)
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
    _check_size(plan.name, world.wall, stretches, d)
    pairs, wall = _visibility_sets(world.wall, stretches, d)
    back = pairs[pairs[:, 0] != pairs[:, 1]][:, [1, 0, 2, 3, 4]]
    rows = np.concatenate([pairs, back])
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    return Visibility(
        part_first=part_first,
        first=np.searchsorted(rows[:, 0], np.arange(len(stretches) + 1)),
        other=np.ascontiguousarray(rows[:, 1]),
        hidden=rows[:, 2] == 1,
        wall_first=np.ascontiguousarray(rows[:, 3]),
        wall_last=np.ascontiguousarray(rows[:, 4]),
        wall=wall,
    )
