"""Ways in pieces: the waypoint edges are cut where the tile or the set of zones changes.

The borders of tiles and zones, `TOLERANCE` outside of them, are where something may change; what there is
between two of them is asked of a position in the middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cmarlsim.building.areas import Region, boxes_of
from cmarlsim.building.boxes import boxes_around, meeting
from cmarlsim.building.tiling import Rooms, tiles_at
from cmarlsim.kernels.bits import Words, words_for
from cmarlsim.kernels.world import TOLERANCE, Bools, Floats, Ints

if TYPE_CHECKING:
    from cmarlsim.building.floorplan import FloorPlan

SPACING = 0.02
"""Metres between the positions outside of all rooms at which the nearest room is looked for."""

BISECTIONS = 45
"""Halvings of `SPACING`, to less than the rounding of positions."""

_SHORTEST = 1e-11
"""Metres; borders that are crossed closer together are one."""


class Borders(NamedTuple):
    """Where something may change: straight borders (K, 4), and round ones (C, 3) of x, y and radius."""

    line: Floats
    circle: Floats


class Pieces(NamedTuple):
    """The pieces of E edges, then of P waypoints, as `World` has them."""

    piece_first: Ints
    piece_from: Ints
    piece_tile: Ints
    piece_zones: Words


class Parts(NamedTuple):
    """Parts of the edges and waypoints of a plan, in order, (K,)."""

    way: Ints  # the edge; behind the edges, the waypoint
    begin: Floats  # share of the way
    end: Floats
    middle: Floats  # (K, 2) where an agent on it is, metres


def find_pieces(plan: FloorPlan, regions: Sequence[Region], edge_ticks: Ints) -> Pieces:
    """Cut the edges of `plan`, (E,) ticks long, where their tile or zones change."""
    parts = find_parts(plan, _joined(tile_borders(plan), _zone_borders(regions)))
    tile, zones = tiles_of(plan, parts), _zones_of(plan, regions, parts.middle)
    same_tile, same_zones = np.diff(tile) == 0, (zones[1:] == zones[:-1]).all(axis=1)
    new = np.append(True, (np.diff(parts.way) > 0) | ~(same_tile & same_zones))
    way, begin = parts.way[new], parts.begin[new]
    first = np.searchsorted(way, np.arange(len(plan.edges) + 1))
    way, begin = way[: first[-1]], begin[: first[-1]]
    last_before = np.where(begin == 0.5, edge_ticks[way] // 2, (begin * edge_ticks[way]).astype(np.int64))
    return Pieces(first, np.where(begin > 0, last_before + 1, 0), tile[new], zones[new])


def uncovered(plan: FloorPlan) -> tuple[Bools, Bools]:
    """For each edge, whether part of it lies on no tile, and the same for each waypoint."""
    if not isinstance(plan.tiles, tuple):  # the nearest on the level, if there is any
        alone = ~np.isin(plan.waypoint_levels(), plan.level_of(plan.tile_centers()))
        return np.asarray(alone[plan.edge_indices()].any(axis=1)), alone
    parts, edges = find_parts(plan, tile_borders(plan)), len(plan.edges)
    bare = np.zeros(edges + len(plan.waypoints), dtype=np.bool_)
    bare[parts.way[tiles_of(plan, parts) < 0]] = True
    return bare[:edges], bare[edges:]


def tiles_of(plan: FloorPlan, parts: Parts) -> Ints:
    """The tile of each part, -1 where there is none."""
    if plan.tiles != "waypoints":
        return tiles_at(plan, parts.middle)
    ends = np.concatenate([plan.edge_indices(), np.arange(len(plan.waypoints))[:, None].repeat(2, axis=1)])
    return ends[parts.way, (parts.begin >= 0.5).astype(np.int64)]


def find_parts(plan: FloorPlan, borders: Borders) -> Parts:
    """Cut the edges of the plan at borders, and at their middle where the nearer end counts."""
    points, edges = plan.waypoint_positions(), plan.edge_indices()
    ways = np.concatenate([points[edges].reshape(-1, 4), np.tile(points, 2)])
    lift = np.array([edge.lift is not None for edge in plan.edges] + [False] * len(points), dtype=np.bool_)
    halved = np.flatnonzero(lift[: len(edges)] | (plan.tiles == "waypoints"))
    way, share = _crossings(ways[: len(edges)], borders)
    cut = ~lift[way]
    way, share = np.append(way[cut], halved), np.append(share[cut], np.full(len(halved), 0.5))
    parts = _parts(ways, lift, way, share)
    if plan.tiles == "rooms":
        more_way, more_share = _between_rooms(plan, ways, parts)
        parts = _parts(ways, lift, np.append(way, more_way), np.append(share, more_share))
    return parts


def _parts(ways: Floats, lift: Bools, way: Ints, share: Floats) -> Parts:
    """Cut ways (S, 4) at shares of some of them."""
    count = len(ways)
    way, share = np.append(np.arange(count), way), np.append(np.zeros(count), share)
    order = np.lexsort((share, way))
    way, share = way[order], share[order]
    length = np.hypot(ways[:, 2] - ways[:, 0], ways[:, 3] - ways[:, 1])[way]
    kept = np.append(True, (np.diff(way) > 0) | (np.diff(share) * length[1:] > _SHORTEST))
    way, share = way[kept], share[kept]
    end = np.append(np.where(np.diff(way) > 0, 1.0, share[1:]), 1.0)
    at = np.where(lift[way], (share >= 0.5).astype(np.float64), (share + end) / 2)[:, None]
    start, stop = ways[way, :2], ways[way, 2:]
    return Parts(way, share, end, np.where(at < 1, start + at * (stop - start), stop))


def _crossings(ways: Floats, borders: Borders) -> tuple[Ints, Floats]:
    """Ways (S, 4), and at which shares of them they may cross a border."""
    way, line = meeting(boxes_around(ways), boxes_around(borders.line)).T
    start, step = ways[way, :2], ways[way, 2:] - ways[way, :2]
    side = borders.line[line, 2:] - borders.line[line, :2]
    normal = np.stack([-side[:, 1], side[:, 0]], axis=1) / np.hypot(*side.T)[:, None]
    off, speed = ((borders.line[line, :2] - start) * normal).sum(axis=1), (step * normal).sum(axis=1)
    center, radius = borders.circle[:, :2], borders.circle[:, 2:]
    round_way, circle = meeting(boxes_around(ways), np.hstack([center - radius, center + radius])).T
    about, run = center[circle] - ways[round_way, :2], ways[round_way, 2:] - ways[round_way, :2]
    square = (run * run).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        nearest = (about * run).sum(axis=1) / square
        away = np.abs(about[:, 0] * run[:, 1] - about[:, 1] * run[:, 0]) / np.sqrt(square)
        half = np.sqrt((radius[circle, 0] - away) * (radius[circle, 0] + away) / square)
        shares = [(off - TOLERANCE) / speed, (off + TOLERANCE) / speed, nearest - half, nearest + half]
    all_ways, share = np.concatenate([way, way, round_way, round_way]), np.concatenate(shares)
    inside = (share > 0) & (share < 1)
    return all_ways[inside], share[inside]


def _between_rooms(plan: FloorPlan, ways: Floats, parts: Parts) -> tuple[Ints, Floats]:
    """Where, outside of all rooms, the nearest room changes; twice within `SPACING` metres goes unseen."""
    rooms, (start, stop) = Rooms(plan), (ways[:, :2], ways[:, 2:])
    length = np.hypot(*(stop - start).T)[parts.way] * (parts.end - parts.begin)
    outside = np.flatnonzero((length > 0) & (rooms.nearest(parts.middle)[1] > TOLERANCE))
    steps = np.ceil(length[outside] / SPACING).astype(np.int64)
    part = np.repeat(outside, steps + 1)
    step = np.arange(len(part)) - np.repeat(np.cumsum(steps + 1) - steps - 1, steps + 1)
    share = parts.begin[part] + (parts.end - parts.begin)[part] * step / np.repeat(steps, steps + 1)

    def room(way: Ints, share: Floats) -> Ints:
        return rooms.nearest(start[way] + share[:, None] * (stop[way] - start[way]))[0]

    found = room(parts.way[part], share)
    changes = np.flatnonzero((np.diff(found) != 0) & (np.diff(part) == 0))
    way, before, low, high = parts.way[part[changes]], found[changes], share[changes], share[changes + 1]
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        same = room(way, middle) == before
        low, high = np.where(same, middle, low), np.where(same, high, middle)
    return way, high


def tile_borders(plan: FloorPlan) -> Borders:
    """The borders of tiles."""
    if plan.tiles == "waypoints":
        return _borders_of([])
    return _borders_of(plan.tile_outlines())


def _zone_borders(regions: Sequence[Region]) -> Borders:
    polygons = [np.array(region.area.polygon) for region in regions if region.area.polygon is not None]
    discs = [
        (*region.center, region.area.radius + TOLERANCE)
        for region in regions
        if region.area.radius is not None
    ]
    return _joined(_borders_of(polygons), Borders(np.empty((0, 4)), np.array(discs).reshape(-1, 3)))


def _borders_of(outlines: Sequence[Floats]) -> Borders:
    """The sides of polygons, and their corners with the tolerance around them."""
    sides = [np.hstack([corners, np.roll(corners, -1, axis=0)]) for corners in outlines]
    line = np.concatenate([*sides, np.empty((0, 4))])
    line = line[(line[:, :2] != line[:, 2:]).any(axis=1)]
    return Borders(line, np.hstack([line[:, :2], np.full((len(line), 1), TOLERANCE)]))


def _joined(a: Borders, b: Borders) -> Borders:
    return Borders(*(np.concatenate(both) for both in zip(a, b, strict=True)))


def _zones_of(plan: FloorPlan, regions: Sequence[Region], points: Floats) -> Words:
    """The zones that contain points, (n, words)."""
    zones = np.zeros((len(points), words_for(len(regions))), dtype=np.uint64)
    pairs, level = meeting(boxes_of(regions), np.tile(points, 2)), plan.level_of(points)
    border = np.searchsorted(pairs[:, 0], np.arange(len(regions) + 1))
    for m, region in enumerate(regions):
        near = pairs[border[m] : border[m + 1], 1]
        near = near[level[near] == region.level]
        inside = near[region.holds(points[near])]
        zones[inside, m // 64] |= np.uint64(1) << np.uint64(m % 64)
    return zones
