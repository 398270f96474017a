"""Walls of cells against the cells: which lines are blocked, and where the walls lie."""

import math

import numpy as np
import pytest
import shapely
from scipy import ndimage

from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rooms.outlines import find_walls, rings_around


def raster_of(inside, origin=(0.0, 0.0, 0.0), resolution=1.0):
    return Raster(inside, ~inside, resolution, origin)


def noisy_building(seed):
    """Slanting walls with doorways, pillars and ragged edges; the largest piece of what is free."""
    draws = np.random.default_rng(seed)
    y, x = np.mgrid[:150, :200] + 0.5
    free = np.ones((150, 200), bool)
    for _ in range(6):
        angle, shift = draws.uniform(0, math.pi), draws.uniform(-60, 60)
        across = (x - 100) * math.cos(angle) + (y - 75) * math.sin(angle) - shift
        along = (y - 75) * math.cos(angle) - (x - 100) * math.sin(angle)
        free &= (np.abs(across) > draws.uniform(0.6, 3)) | (np.abs(along - draws.uniform(-40, 40)) < 8)
    free &= draws.random(free.shape) > 0.002
    free[[0, -1]] = free[:, [0, -1]] = False
    pieces, _ = ndimage.label(free)
    return pieces == np.argmax(np.bincount(pieces[free]))


def sights(inside, count, seed):
    """Lines between centres of free cells, whether all points on them are free, how near, how deep."""
    draws = np.random.default_rng(seed)
    cells = np.argwhere(inside)[:, ::-1] + 0.5
    start, end = cells[draws.integers(len(cells), size=(2, count))]
    points = start[:, None] + np.linspace(0, 1, 3000)[:, None] * (end - start)[:, None]
    column, row = np.moveaxis(points.astype(int), -1, 0)
    clear, deep = ndimage.distance_transform_edt(inside), ndimage.distance_transform_edt(~inside)
    return (
        start,
        end,
        inside[row, column].all(1),
        clear[row, column].min(1) > 2,
        deep[row, column].max(1) > 1.5,
    )


@pytest.mark.parametrize("seed", range(4))
def test_walls_block_the_lines_that_cells_block(seed):
    inside = noisy_building(seed)
    raster = raster_of(inside, (3.0, -7.0, 0.4), 0.07)
    walls = shapely.MultiLineString(find_walls(raster, inside))
    start, end, seen, clear, deep = sights(inside, 800, seed)
    lines = np.stack((raster.to_metres(start), raster.to_metres(end)), axis=1)
    shapely.prepare(walls)
    free = ~shapely.intersects(walls, shapely.linestrings(lines))
    assert free[clear].all()
    assert not free[deep].any()
    assert (free == seen).mean() > 0.985
    assert clear.sum() > 15
    assert deep.sum() > 100


@pytest.mark.parametrize("degrees", [0, 10, 30, 45, 77])
def test_a_room_at_an_angle_has_few_walls(degrees):
    y, x = np.mgrid[:200, :200] - 99.5
    angle = math.radians(degrees)
    across, along = x * math.cos(angle) + y * math.sin(angle), y * math.cos(angle) - x * math.sin(angle)
    inside = (np.abs(across) < 70.2) & (np.abs(along) < 45.3)
    (wall,) = find_walls(raster_of(inside), inside)
    assert len(wall) - 1 <= (4 if degrees == 0 else 60)
    box = shapely.affinity.rotate(shapely.box(-70.2, -45.3, 70.2, 45.3), degrees, origin=(0, 0))
    assert shapely.hausdorff_distance(shapely.LinearRing(wall - 100), box.exterior) < 1.5


def test_walls_lie_on_the_borders_of_cells_in_the_frame_of_the_map():
    inside = np.zeros((6, 8), bool)
    inside[1:5, 2:7] = True
    (wall,) = find_walls(raster_of(inside, (10.0, 20.0, math.pi / 2), 0.5), inside)
    assert {tuple(point) for point in np.round(wall, 9)} == {(9.5, 21), (9.5, 23.5), (7.5, 23.5), (7.5, 21)}
    np.testing.assert_array_equal(wall[0], wall[-1])


def test_a_single_cell_blocks_sight():
    inside = np.ones((9, 9), bool)
    inside[4, 4] = False
    walls = find_walls(raster_of(inside), inside)
    assert len(walls) == 2
    assert shapely.MultiLineString(walls).intersects(shapely.LineString([(1, 4.5), (8, 4.5)]))


@pytest.mark.parametrize("seed", range(5))
def test_rings_enclose_the_cells_and_none_else(seed):
    cells = np.random.default_rng(seed).random((12, 17)) < 0.6
    area = 0.0
    corners = 0
    for ring in rings_around(cells):
        steps = np.abs(np.roll(ring, -1, axis=0) - ring)
        assert (steps.sum(1) == 1).all()
        x, y = ring.T
        area += (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
        corners += len(ring)
    padded = np.pad(cells, 1).astype(int)
    assert area == cells.sum()
    assert corners == np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    outer = [ring for ring in rings_around(cells) if shapely.LinearRing(ring).is_ccw]
    assert len(outer) == ndimage.label(cells)[1]


def test_nothing_is_around_no_cells():
    assert rings_around(np.zeros((3, 3), bool)) == []
    assert find_walls(raster_of(np.zeros((3, 3), bool)), np.zeros((3, 3), bool)) == ()


def test_no_wall_touches_a_way_through_a_slanting_gap_of_a_cell():
    inside = np.zeros((40, 60), bool)
    for column in range(2, 58):
        inside[2 + column // 3 : 4 + column // 3, column] = True
    raster = raster_of(inside, resolution=0.1)
    steps = np.array([(column + 0.5, 3.0 + column // 3) for column in range(2, 58)])
    ways = raster.to_metres(np.stack((steps[:-1], steps[1:]), axis=1))
    lines = shapely.linestrings(ways)
    assert not shapely.intersects(shapely.MultiLineString(find_walls(raster, inside, ways)), lines).any()
    assert shapely.intersects(shapely.MultiLineString(find_walls(raster, inside, tolerance=1.5)), lines).any()
