"""Walls by the cells of a grid: lines through them meet what they meet among all walls."""

import math
from itertools import pairwise
from random import Random

import numpy as np
import pytest
import short_walls
import sights
import worlds
from cases import COMPILED, scenario_of, shipped_case
from hypothesis import given
from kernels import stretches

from cmarlsim.building.grid import walls_of
from cmarlsim.kernels.links import blocking_column, in_sight, near_or_in_sight
from cmarlsim.kernels.world import HIDDEN, OPEN, PARTLY, WALKED, Bools, Floats

pytestmark = pytest.mark.kernels

NUDGES = (0.0, 0.0, 5e-10, -5e-10, 2e-9, -2e-9, 1e-6, -1e-6)


def check_lines(walls: Floats, lines: Floats) -> int:
    """How many lines (n, 4) are free; in the grid as among all walls, and as the twin says."""
    world, grid, free = scenario_of(shipped_case("tiny")).world._replace(wall=walls), walls_of(walls).grid, 0
    for line in lines.tolist():
        found = blocking_column(grid, -1, *line)
        assert (found < 0) == in_sight(world, *line) == sights.sight(walls, *line)
        for guess in (0, len(grid.first) // 2, found):
            assert (blocking_column(grid, guess, *line) < 0) == (found < 0)
        assert blocking_column(grid, found, *line) == found
        free += found < 0
    return free


def points_of(r: Random, walls: Floats) -> Floats:
    """Corners of cells, ends and middles of walls, and points anywhere, within nanometres."""
    grid, found = walls_of(walls).grid, []
    columns, rows = grid.first.shape[0], grid.first.shape[1] - 1
    for _ in range(24):
        cell = [grid.corner[0] + r.randint(-1, columns + 1) * grid.size]
        cell += [grid.corner[1] + r.randint(-1, rows + 1) * grid.size]
        wall = r.choice(walls.tolist())
        middle = [(wall[0] + wall[2]) / 2, (wall[1] + wall[3]) / 2]
        anywhere = [r.uniform(-4.0, 4.0), r.uniform(-4.0, 4.0)]
        point = r.choice([cell, [cell[0], anywhere[1]], wall[:2], wall[2:], middle, anywhere])
        found.append([entry + r.choice(NUDGES) for entry in point])
    return np.array(found)


def random_walls(r: Random) -> Floats:
    """Short and long, on a lattice or not, in chains or not, also all on one line, or points."""
    lattice, count = r.random() < 0.5, r.choice([1, 2, 8, 60])
    flat = r.random() < 0.1
    ends = [[worlds.between(r, -3.0, 3.0, lattice) for _ in range(2)]]
    for _ in range(count):
        reach = r.choice([0.5, 0.5, 3.0])
        step = [worlds.between(r, -reach, reach, lattice) for _ in range(2)]
        if r.random() < 0.4:  # along an axis, as borders of cells are
            step[r.randrange(2)] = 0.0
        ends.append([ends[-1][0] + step[0], ends[-1][1] + (0.0 if flat else step[1])])
    walls = np.array([[*a, *b] for a, b in pairwise(ends)])
    return np.clip(walls, -4.0, 4.0)


@given(worlds.seeds)
def test_lines_meet_in_a_grid_what_they_meet_among_all_walls(seed: int) -> None:
    """Lines through corners of cells and along their borders, along walls, and to the ends of walls."""
    r = Random(seed)
    walls = random_walls(r)
    points = points_of(r, walls)
    pairs = [[*a, *b] for a in points.tolist() for b in r.sample(points.tolist(), 6)]
    along = [[*(wall + np.array(r.choice(NUDGES)))] for wall in walls[:12]]
    check_lines(walls, np.array(pairs + along))


def test_without_walls_everything_is_seen() -> None:
    assert check_lines(np.zeros((0, 4)), np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])) == 2


def test_lines_that_leave_the_grid_meet_what_they_meet_among_all_walls() -> None:
    walls = short_walls.outlines_of(short_walls.cells_of(Random(3), 2, 2), 0.1)
    corners = np.random.default_rng(1).uniform(-30.0, 30.0, size=(2000 if COMPILED else 50, 4))
    assert 0 < check_lines(walls, corners) < len(corners)


# --- many short walls ---


def samples_hit(occupied: Bools, line: list[float], step: float, about: float) -> bool:
    """Whether a point of many along a line lies in an occupied cell, or within `about` of one."""
    count = 2 + int(math.dist(line[:2], line[2:]) / step)
    points = np.linspace(line[:2], line[2:], count)
    shifts = np.array([[dx, dy] for dx in (-about, 0.0, about) for dy in (-about, 0.0, about)])
    x, y = np.floor((points[:, None] + shifts).reshape(-1, 2) / short_walls.CELL).astype(int).T
    height, width = occupied.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return bool(occupied[y[inside], x[inside]].any())


def test_who_stands_among_short_walls_sees_what_the_cells_leave_open() -> None:
    """Against the picture: where a sampled line passes an occupied cell it is blocked, and only there."""
    case, occupied = short_walls.building(1, 3, 2, d=0.0)
    grid = scenario_of(case).visibility.grid
    free = (np.argwhere(~occupied)[:, ::-1] + 0.5) * short_walls.CELL
    r, step, seen = Random(2), short_walls.CELL / 40, 0
    for _ in range(1500 if COMPILED else 120):
        a, b = (
            [entry + r.uniform(-0.1, 0.1) for entry in free[r.randrange(len(free))].tolist()]
            for _ in range(2)
        )
        sight = blocking_column(grid, -1, *a, *b) < 0
        assert not (sight and samples_hit(occupied, [*a, *b], step, 0.0))
        assert sight or samples_hit(occupied, [*a, *b], step, step)
        seen += sight
    assert seen > 20


@pytest.mark.parametrize("d", [0.0, 4.0])
@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_places_among_short_walls_are_near_each_other_as_all_walls_say(turn: float, d: float) -> None:
    """Of stretches that are open, hidden, with a list of walls and, where these are slanted, without."""
    case, _ = short_walls.building(1, 4, 3, d, turn)
    scenario = scenario_of(case)
    numbered, walls = scenario.numbered, sights.walls_of(case)
    seen, count = scenario.visibility.seen, len(numbered.tile)
    expected = {OPEN, PARTLY} | ({HIDDEN} if d else set()) | ({WALKED} if turn else set())
    assert set(seen.tolist()) == expected
    assert len(scenario.visibility.barrier) == len(walls) or turn == 0.0
    pairs = len(stretches(scenario.world)) ** 2
    assert len(seen) < 0.7 * pairs  # most are certainly hidden, and too far away
    bits = np.unpackbits(numbered.near.view(np.uint8), axis=1, bitorder="little")[:, :count]
    linked = sights.all_links(walls, d, numbered.position) | np.eye(count, dtype=bool)
    assert (bits == linked).all()
    some = np.random.default_rng(1).integers(count, size=(300, 2)).tolist()
    for a, b in some:
        up = near_or_in_sight(scenario.world, d, *numbered.position[a], *numbered.position[b])
        assert bits[a, b] == up
