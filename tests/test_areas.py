"""Zones that walls cut, against a search cell by cell; and where agents go."""

import math
from collections import deque
from random import Random

import numpy as np
import pytest
import worlds
from hypothesis import given, settings
from naive import Point, Segment, distance_to_polygon, point_to_segment, side

from cmarlsim.building.areas import Area, Region, place_zones
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.building.tables import Wall, Waypoint
from cmarlsim.kernels.world import Bools, Floats

CELL = 0.1


def plan_of(walls: list[list[Point]], waypoints: list[Point]) -> FloorPlan:
    """Walls and waypoints in nothing else."""
    return FloorPlan.model_construct(
        name="any",
        tiles="waypoints",
        walls=tuple(Wall(points=wall) for wall in walls),
        waypoints=tuple(Waypoint(name=f"{p}", position=point) for p, point in enumerate(waypoints)),
    )


def crosses(wall: Segment, a: Floats, b: Floats) -> Bools:
    """Whether steps from a (n, 2) to b (n, 2) cross a wall."""
    (c, d), (ax, ay), (bx, by) = wall, a.T, b.T
    before = (d[0] - c[0]) * (ay - c[1]) - (d[1] - c[1]) * (ax - c[0])
    after = (d[0] - c[0]) * (by - c[1]) - (d[1] - c[1]) * (bx - c[0])
    left = (bx - ax) * (c[1] - ay) - (by - ay) * (c[0] - ax)
    right = (bx - ax) * (d[1] - ay) - (by - ay) * (d[0] - ax)
    return (before * after < 0) & (left * right < 0)


def flooded(inside: Bools, cells: Floats, walls: list[Segment], start: tuple[int, int]) -> Bools:
    """The cells (H, W) that can be reached from `start` without leaving `inside` or crossing a wall."""
    right, up = np.zeros_like(inside), np.zeros_like(inside)  # whether the step to the next cell is blocked
    for wall in walls:
        right[:, :-1] |= crosses(wall, cells[:, :-1].reshape(-1, 2), cells[:, 1:].reshape(-1, 2)).reshape(
            right[:, :-1].shape
        )
        up[:-1] |= crosses(wall, cells[:-1].reshape(-1, 2), cells[1:].reshape(-1, 2)).reshape(up[:-1].shape)
    reached, waiting = np.zeros_like(inside), deque([start])
    reached[start] = True
    while waiting:
        i, j = waiting.popleft()
        steps = [(i, j + 1, right[i, j]), (i + 1, j, up[i, j])]
        steps += [(i, j - 1, right[i, j - 1])] if j else []
        steps += [(i - 1, j, up[i - 1, j])] if i else []
        for k, m, blocked in steps:
            if k < len(inside) and m < inside.shape[1] and inside[k, m] and not blocked and not reached[k, m]:
                reached[k, m] = True
                waiting.append((k, m))
    return reached


def at(turned: float, x: float, y: float) -> Point:
    """A point turned about the origin."""
    return x * math.cos(turned) - y * math.sin(turned), x * math.sin(turned) + y * math.cos(turned)


def random_walls(r: Random, turned: float, size: int = 5) -> list[list[Point]]:
    """Along the lines of a lattice of one metre, turned, so that gaps are wide and many walls meet."""
    walls = []
    for _ in range(r.randint(0, 14)):
        x, y, length = r.randint(-size, size), r.randint(-size, size), r.randint(1, size)
        end = (x + length, y) if r.random() < 0.5 else (x, y + length)
        walls.append([at(turned, x, y), at(turned, *end)])
    return walls


def check_region(region: Region, walls: list[Segment], start: Point, inside: Bools, cells: Floats) -> None:
    """Where no wall is near, what the region holds is what can be reached."""
    away = np.hypot(*(cells - start).T).T
    first = np.unravel_index(np.where(inside, away, np.inf).argmin(), away.shape)
    reached = flooded(inside, cells, walls, (int(first[0]), int(first[1])))
    held = region.holds(cells.reshape(-1, 2)).reshape(inside.shape)
    assert not (held & ~inside).any()
    assert not (reached & ~held).any()
    for i, j in np.argwhere(held & ~reached).tolist():  # only where the cells are too coarse
        at = cells[i, j].tolist()
        near_wall = any(point_to_segment(at, *wall) < 2 * CELL for wall in walls)
        rows, columns = slice(max(0, i - 2), i + 3), slice(max(0, j - 2), j + 3)
        assert near_wall or not inside[rows, columns].all()


def grid(r: Random, half: float) -> Floats:
    """Middles of cells around the origin, (H, W, 2)."""
    axis = np.arange(-half, half, CELL) + r.uniform(0.2, 0.8) * CELL
    return np.stack(np.meshgrid(axis, axis), axis=-1)


@given(worlds.seeds)
@settings(max_examples=60)
def test_what_counts_of_a_disc_is_what_can_be_reached_from_its_centre(seed: int) -> None:
    r = Random(seed)
    walls = random_walls(r, r.choice([0.0, 0.3, r.uniform(0.0, 1.5)]))
    center, radius = (r.uniform(-0.9, 0.9), r.uniform(-0.9, 0.9)), r.uniform(0.6, 2.8)
    segments = [(a, b) for a, b in walls]
    if any(point_to_segment(center, *wall) < 2 * CELL for wall in segments):
        return
    (region,) = place_zones(plan_of(walls, [center]), (Area(center, radius),))
    cells = grid(r, 4.0)
    inside = radius >= np.hypot(*(cells - center).T).T
    check_region(region, segments, center, inside, cells)
    assert region.goal == 0
    through = place_zones(plan_of(walls, [center]), (Area(center, radius, through_walls=True),))
    assert np.array_equal(through[0].holds(cells.reshape(-1, 2)), inside.ravel())


@given(worlds.seeds)
@settings(max_examples=60)
def test_what_counts_of_a_polygon_is_what_can_be_reached_from_its_waypoint(seed: int) -> None:
    """An L whose sides lie between the walls or along them."""
    r = Random(seed)
    turned = r.choice([0.0, 0.3, r.uniform(0.0, 1.5)])
    walls = random_walls(r, turned)
    (x0, x1, x2), (y0, y1, y2) = (
        sorted(r.sample([-3.5, -3.0, -2.5, -1.5, -1.0, 0.5, 1.0, 2.5, 3.5], 3)) for _ in range(2)
    )
    turns = ((x0, y0), (x2, y0), (x2, y1), (x1, y1), (x1, y2), (x0, y2))
    corners = tuple(at(turned, x, y) for x, y in turns)
    segments = [(a, b) for a, b in walls]
    goal = at(turned, r.uniform(x0 + 0.1, x1 - 0.1), r.uniform(y0 + 0.1, y2 - 0.1))
    if any(point_to_segment(goal, *wall) < 2 * CELL for wall in segments):
        return
    (region,) = place_zones(plan_of(walls, [goal]), (Area(polygon=corners),))
    cells = grid(r, 5.0)
    inside = np.array([[distance_to_polygon(corners, cell) == 0.0 for cell in row] for row in cells.tolist()])
    check_region(region, segments, goal, inside, cells)
    assert region.goal == 0


@pytest.mark.parametrize("shift", [0.0, 1e-13, -1e-13, 1e-9, -1e-9])
def test_walls_along_the_border_take_nothing_away(shift: float) -> None:
    """A room whose walls are its border, but for rounding, and a disc that they touch."""
    corners = ((0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0))
    walls = [[(x + shift, y - shift) for x, y in (*corners, corners[0])]]
    areas = (Area(polygon=corners), Area((2.0, 1.5), 1.5))
    room, disc = place_zones(plan_of(walls, [(2.0, 1.5)]), areas)
    assert room.part is None
    assert disc.part is None
    assert room.holds(np.array([*corners, (2.0, 1.5), (4.0, 1.0)])).all()
    assert not room.holds(np.array([(4.0 + 2e-9, 1.0), (-1.0, 1.0)])).any()


def test_a_door_lets_a_zone_through_and_a_wall_does_not() -> None:
    """The disc reaches 1 m beyond the wall at x = 1, in which there is a door from y = -0.5 to 0.5."""
    door = [[(1.0, -9.0), (1.0, -0.5)], [(1.0, 0.5), (1.0, 9.0)]]
    behind = np.array([(1.5, 0.0), (1.1, 1.2), (1.4, -1.0)])
    for walls, open_ in ((door, True), ([[(1.0, -9.0), (1.0, 9.0)]], False)):
        (region,) = place_zones(plan_of(walls, [(0.0, 0.0)]), (Area((0.0, 0.0), 2.0),))
        assert region.holds(behind).all() == open_
        assert region.holds(behind).any() == open_
        assert region.holds(np.array([(-1.9, 0.0), (0.9, 1.5)])).all()


def test_agents_go_to_the_nearest_waypoint_in_the_zone_and_not_behind_a_wall() -> None:
    walls, waypoints = [[(1.0, -9.0), (1.0, 9.0)]], [(1.2, 0.0), (-1.0, 0.0), (-1.5, 0.0)]
    areas = (Area((0.5, 0.0), 2.5), Area((0.5, 0.0), 2.5, through_walls=True), Area((5.0, 0.0), 1.0))
    goals = [region.goal for region in place_zones(plan_of(walls, waypoints), areas)]
    assert goals == [1, 0, -1]


def test_the_middle_of_a_zone_lies_in_it() -> None:
    hook = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (3.5, 4.0), (3.5, 0.5), (0.0, 0.5))
    (region,) = place_zones(plan_of([], [(0.2, 0.2)]), (Area(polygon=hook),))
    assert region.holds(region.center[None]).all()
    (square,) = place_zones(plan_of([], [(0.2, 0.2)]), (Area(polygon=(*hook[:2], (4.0, 4.0), (0.0, 4.0))),))
    assert square.center.tolist() == pytest.approx([2.0, 2.0])


def test_outlines_are_what_counts() -> None:
    """Half a disc, and a polygon that nothing cuts; counter-clockwise or not."""
    walls = [[(0.5, -9.0), (0.5, 9.0)]]
    areas = (Area((0.0, 0.0), 2.0), Area(polygon=((-3.0, 0.0), (0.0, 0.0), (0.0, 3.0))))
    half, whole = place_zones(plan_of(walls, [(-0.1, 0.05)]), areas)
    outline = half.outline()
    assert outline[:, 0].max() == pytest.approx(0.5)
    assert outline[:, 0].min() == pytest.approx(-2.0, abs=0.01)
    assert whole.outline().tolist() == [[-3.0, 0.0], [0.0, 0.0], [0.0, 3.0]]
    assert side((-3.0, 0.0), (0.0, 0.0), (0.0, 3.0)) > 0
