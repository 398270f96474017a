"""Ways through free cells against points sampled along them, and against the shortest there is."""

import itertools
import math

import numpy as np
import pytest

from cmarlsim.maps.ways.routing import line_is_free, lowest_along, shortest_way, shortest_ways


def cells_along(start, end):
    """Cells that a line passes, by many points on it."""
    points = start + np.linspace(0, 1, 4001)[:, None] * (np.asarray(end) - start)
    return {tuple(cell) for cell in np.floor(points).astype(int)}


def speckled(seed, shape=(40, 60), share=0.08):
    return np.random.default_rng(seed).random(shape) >= share


def test_the_lowest_value_along_a_line_is_that_of_the_cells_that_points_on_it_lie_in():
    draws = np.random.default_rng(1)
    field = draws.random((30, 50))
    start, end = draws.uniform(0, (50, 30), (200, 2)), draws.uniform(0, (50, 30), (200, 2))
    lowest = lowest_along(field, start, end)
    for one, other, value in zip(start, end, lowest, strict=True):
        passed = [field[row, column] for column, row in cells_along(one, other)]
        assert value <= min(passed)
    sampled = [
        min(field[row, column] for column, row in cells_along(one, other))
        for one, other in zip(start, end, strict=True)
    ]
    assert np.mean(sampled == lowest) > 0.97  # points on a line miss cells that it barely touches


@pytest.mark.parametrize(
    ("start", "end", "free"),
    [
        ((0.5, 0.5), (4.5, 0.5), True),
        ((0.5, 0.5), (4.5, 4.5), False),  # through the corners of the cell that is not free
        ((1.0, 0.5), (1.0, 4.5), True),  # along a border between free cells
        ((2.0, 0.5), (2.0, 4.5), False),  # along the border of the cell that is not free
        ((0.5, 0.5), (5.5, 0.5), False),  # leaves the map
        ((1.5, 3.5), (3.5, 3.5), True),
        ((2.5, 2.5), (2.5, 2.5), False),
        ((1.5, 1.5), (1.5, 1.5), True),
    ],
)
def test_a_line_is_free_if_it_touches_free_cells_only(start, end, free):
    inside = np.ones((5, 5), bool)
    inside[2, 2] = False
    assert line_is_free(inside, np.array([start]), np.array([end])).tolist() == [free]


@pytest.mark.parametrize("seed", range(8))
def test_every_line_of_a_way_touches_free_cells_only(seed):
    inside = speckled(seed)
    inside[2, 2] = inside[35, 55] = True
    way = shortest_way(inside, np.array([2.3, 2.6]), np.array([55.5, 35.9]), comfort=3)
    assert way is not None
    np.testing.assert_array_equal(way[[0, -1]], [[2.3, 2.6], [55.5, 35.9]])
    for one, other in itertools.pairwise(way):
        assert all(inside[row, column] for column, row in cells_along(one, other))


def test_a_way_in_the_open_is_one_straight_line():
    way = shortest_way(np.ones((50, 80), bool), np.array([3.2, 4.1]), np.array([70.7, 40.4]), comfort=4)
    np.testing.assert_array_equal(way, [[3.2, 4.1], [70.7, 40.4]])


def test_a_way_around_the_end_of_a_wall_keeps_clear_of_it_and_is_hardly_longer_than_it_must_be():
    inside = np.ones((100, 100), bool)
    inside[:80, 50] = False
    way = shortest_way(inside, np.array([20.5, 20.5]), np.array([80.5, 20.5]), comfort=5)
    length = np.linalg.norm(np.diff(way, axis=0), axis=1).sum()
    # Tangents to a circle of 5 cells around the end of the wall, and the arc between them.
    tangent, leaning = math.sqrt(30**2 + 59**2 - 5**2), math.atan2(30, 59)
    shortest = 2 * (tangent + 5 * (math.pi - leaning - math.acos(5 / math.hypot(30, 59))))
    assert 0.98 * shortest < length < 1.04 * shortest
    ends = np.repeat(way, [1] + [2] * (len(way) - 2) + [1], axis=0).reshape(-1, 2, 2)
    wall = np.column_stack((np.full(80, 50.5), np.arange(80) + 0.5))
    for one, other in ends:
        points = one + np.linspace(0, 1, 500)[:, None] * (other - one)
        assert np.linalg.norm(points[:, None] - wall, axis=2).min() > 3.5


def test_a_way_leads_through_a_gap_of_one_cell():
    inside = np.ones((40, 40), bool)
    inside[:, 20] = False
    inside[31, 20] = True
    way = shortest_way(inside, np.array([5.5, 5.5]), np.array([35.5, 5.5]), comfort=6)
    assert line_is_free(inside, way[:-1], way[1:]).all()
    assert len(way) <= 6


def test_a_way_may_lead_far_out_of_the_square_around_its_ends():
    inside = np.ones((700, 900), bool)
    inside[:600, 300] = False
    inside[600, 300:850] = False
    way = shortest_way(inside, np.array([295.5, 10.5]), np.array([305.5, 10.5]), comfort=3)
    assert way[:, 0].max() > 850


def test_there_is_no_way_out_of_a_closed_room_nor_into_a_wall():
    inside = np.ones((60, 60), bool)
    inside[20:41, [20, 40]] = inside[[20, 40], 20:41] = False
    ways = shortest_ways(
        inside, np.array([30.5, 30.5]), np.array([[5.5, 5.5], [20.5, 30.5], [25.5, 25.5]]), 3
    )
    assert ways[0] is None
    assert ways[1] is None
    assert len(ways[2]) == 2
    assert shortest_way(inside, np.array([20.5, 30.5]), np.array([5.5, 5.5]), 3) is None
    assert shortest_way(inside, np.array([-3.0, 30.5]), np.array([99.0, 5.5]), 3) is None


def test_a_way_to_where_one_is_stays_there():
    way = shortest_way(np.ones((5, 5), bool), np.array([2.5, 2.5]), np.array([2.5, 2.5]), 2)
    np.testing.assert_array_equal(np.unique(way, axis=0), [[2.5, 2.5]])
