"""What makes a floor plan impossible, and connected components, against plain twins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import naive
import numpy as np
import pytest
import schools
import worlds
from hypothesis import given
from naive import TOLERANCE, Point

from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.pieces import find_parts, tile_borders, tiles_of, uncovered
from cmarlsim.building.tables import Edge, Tile, Waypoint
from cmarlsim.graphs import components
from cmarlsim.kernels.plans import find_blocking, first_overlap

pytestmark = pytest.mark.kernels


@given(worlds.seeds)
def test_coverage_equals_the_twins(seed: int) -> None:
    """Of segments from tile to tile with some of the tiles missing; many end on a border or run along one."""
    r = Random(seed)
    lattice = r.random() < 0.5
    tiles = [tile["rectangle"] for tile in worlds.floorplan(r, lattice)["tiles"]]
    kept = [box for box in tiles if r.random() < 0.8] or tiles
    segments = []
    for _ in range(20):
        ends = [(r.choice([box[0], box[2]]), r.choice([box[1], box[3]])) for box in r.choices(tiles, k=2)]
        if r.random() < 0.5:
            x0, y0, x1, y1 = r.choice(tiles)
            ends[1] = (worlds.between(r, x0, x1, lattice), worlds.between(r, y0, y1, lattice))
        segments.append([*ends[0], *ends[1]])
    bare_edges, bare_ends = uncovered(plan_of(kept, segments))
    assert bare_edges.tolist() == [not covered(kept, (x, y), (u, v)) for x, y, u, v in segments]
    ends = [(x, y) for segment in segments for x, y in (segment[:2], segment[2:])]
    assert bare_ends.tolist() == [not covered(kept, end, end) for end in ends]


def plan_of(boxes: Sequence[Sequence[float]], segments: Sequence[Sequence[float]]) -> FloorPlan:
    """Tiles and edges, whether they fit each other or not; some tiles are rectangles, some polygons."""
    tiles = []
    for i, (x0, y0, x1, y1) in enumerate(boxes):
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        shape: dict[str, Any] = {"polygon": corners} if i % 2 else {"rectangle": (x0, y0, x1, y1)}
        tiles.append(Tile(name=f"{i}", **shape))
    ends = [end for x0, y0, x1, y1 in segments for end in ((x0, y0), (x1, y1))]
    return FloorPlan.model_construct(
        name="any",
        tiles=tuple(tiles),
        waypoints=tuple(Waypoint(name=f"{p}", position=end) for p, end in enumerate(ends)),
        edges=tuple(Edge(ends=(f"{2 * e}", f"{2 * e + 1}")) for e in range(len(segments))),
    )


def covered(boxes: Sequence[Sequence[float]], a: Point, b: Point) -> bool:
    """Whether boxes cover the segment a-b: their parts of it, sorted, leave no gap."""
    reached = 0.0
    for low, high in sorted(parts_inside(boxes, a, b)):
        if low > reached + TOLERANCE:
            return False
        reached = max(reached, high)
    return reached >= 1.0 - TOLERANCE


def parts_inside(boxes: Sequence[Sequence[float]], a: Point, b: Point) -> Iterator[tuple[float, float]]:
    for box in boxes:
        low, high = 0.0, 1.0
        for axis in range(2):
            step = b[axis] - a[axis]
            bounds = (box[axis] - TOLERANCE - a[axis], box[axis + 2] + TOLERANCE - a[axis])
            if step != 0.0:
                low = max(low, min(bound / step for bound in bounds))
                high = min(high, max(bound / step for bound in bounds))
            elif not bounds[0] <= 0.0 <= bounds[1]:
                high = -1.0
        if low <= high:
            yield low, high


@given(worlds.seeds)
def test_walls_in_the_way_equal_the_twins(seed: int) -> None:
    r = Random(seed)
    plan = worlds.floorplan(r, r.random() < 0.5)
    walls = [wall for whole in plan["walls"] for wall in pairwise(whole["points"])]
    points = [waypoint["position"] for waypoint in plan["waypoints"]]
    segments = [(r.choice(points), r.choice(points)) for _ in range(20)]
    blocking = np.full(len(segments), -9)
    find_blocking(np.array(walls).reshape(-1, 4), np.array(segments).reshape(-1, 4), blocking)
    for (a, b), found in zip(segments, blocking.tolist(), strict=True):
        touched = [w for w, wall in enumerate(walls) if naive.segment_distance(a, b, *wall) <= TOLERANCE]
        assert found == (touched[0] if touched else -1)


@given(worlds.seeds)
def test_overlapping_tiles_equal_the_twins(seed: int) -> None:
    r = Random(seed)
    boxes = []
    for _ in range(r.randint(1, 6)):
        x, y = r.randint(0, 9) / 2, r.randint(0, 9) / 2
        boxes.append([x, y, x + r.randint(1, 3) / 2, y + r.randint(1, 3) / 2])
    found = [
        (j, i)
        for i, a in enumerate(boxes)
        for j, b in enumerate(boxes[:i])
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]
    assert first_overlap(np.array(boxes)) == (found[0] if found else (-1, -1))


@given(worlds.seeds)
def test_components_equal_the_twins(seed: int) -> None:
    r = Random(seed)
    nodes = r.randint(1, 12)
    edges = [(r.randrange(nodes), r.randrange(nodes)) for _ in range(r.randint(0, nodes))]
    joined = np.eye(nodes, dtype=bool)
    for i, j in edges:
        joined[i, j] = joined[j, i] = True
    reach = np.linalg.matrix_power(joined.astype(np.int64), nodes) > 0
    expected = sorted({tuple(np.flatnonzero(row).tolist()) for row in reach})
    assert [tuple(part) for part in components(nodes, edges)] == expected


@pytest.mark.parametrize("tiles", ["rooms", "waypoints"])
def test_without_tables_of_tiles_what_is_covered_needs_no_cutting(tiles: str) -> None:
    """The second level has no room, and the lift leads there."""
    plan = schools.school(rooms=4, floors=2).floorplan
    rooms = tuple(room for room in plan.rooms if room.polygon[0][0] < plan.levels[0].rectangle[2])
    plan = FloorPlan.model_construct(**{**dict(plan), "rooms": rooms, "tiles": tiles})
    parts, edges = find_parts(plan, tile_borders(plan)), len(plan.edges)
    bare = {int(way) for way, tile in zip(parts.way, tiles_of(plan, parts), strict=True) if tile < 0}
    bare_edges, bare_waypoints = uncovered(plan)
    found = np.append(np.flatnonzero(bare_edges), edges + np.flatnonzero(bare_waypoints))
    assert set(found.tolist()) == bare
    assert bool(bare) == (tiles == "rooms")
