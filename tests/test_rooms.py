"""Rooms, doors and waypoints of buildings that are drawn here, with what is known about them."""

import itertools
import math

import networkx
import numpy as np
import pytest
import shapely
from scipy import ndimage

from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rooms.basins import rooms_by_depth
from cmarlsim.maps.rooms.finding import find_rooms
from cmarlsim.maps.rooms.outlines import find_walls
from cmarlsim.maps.ways.cores import make_graph
from cmarlsim.maps.ways.routing import line_is_free

CORRIDOR = 1.9
WALL = 0.15


def office(seed, rooms=5):
    """Boxes in metres: rooms on both sides of a corridor and the corridor, and the doors."""
    draws = np.random.default_rng(seed)
    deep = 5.0
    spaces, doors = [], []
    for bottom, wall in ((deep + WALL + CORRIDOR + WALL, deep + WALL + CORRIDOR), (0.0, deep)):
        ends = np.concatenate(([0.0], np.cumsum(draws.uniform(3.0, 6.0, rooms))))
        for left, right in itertools.pairwise(ends):
            spaces.append((left, bottom, right - WALL, bottom + deep))
            width = draws.uniform(0.8, 1.2)
            at = draws.uniform(left + 0.3, right - WALL - 0.3 - width)
            doors.append((at, wall - 0.05, at + width, wall + WALL + 0.05))
    length = max(box[2] for box in spaces)
    spaces.append((0.0, deep + WALL, length, deep + WALL + CORRIDOR))
    return spaces, doors


def furnished(seed, spaces):
    """Desks and cupboards in rooms, away from the doors."""
    draws = np.random.default_rng(seed)
    desks = []
    for left, bottom, right, top in spaces[:-1]:
        x = draws.uniform(left + 0.8, right - 2.0)
        y = draws.uniform(bottom + 1.5, top - 2.3)
        desks.append((x, y, x + 1.2, y + 0.7))
    return desks


def rasterised(spaces, doors, desks, resolution, degrees=0.0, noise=0.0, seed=0):
    """The raster of a building that is turned about its first corner, with the cells inside."""
    boxes = [shapely.box(*box) for box in (*spaces, *doors)]
    turned = shapely.affinity.rotate(shapely.union_all(boxes), degrees, origin=(0, 0))
    blocked = shapely.affinity.rotate(shapely.MultiPolygon([shapely.box(*d) for d in desks]), degrees, (0, 0))
    low_x, low_y, high_x, high_y = turned.buffer(0.5).bounds
    x = low_x + (np.arange(int((high_x - low_x) / resolution)) + 0.5) * resolution
    y = low_y + (np.arange(int((high_y - low_y) / resolution)) + 0.5) * resolution
    grid = np.meshgrid(x, y)
    free = shapely.contains_xy(turned, *grid) & ~shapely.contains_xy(blocked, *grid)
    draws = np.random.default_rng(seed)
    edge = free != ndimage.uniform_filter(free.astype(float), 3).round().astype(bool)
    free ^= (edge | (ndimage.distance_transform_edt(free) < 1.5)) & (draws.random(free.shape) < noise)
    pieces, _ = ndimage.label(free)
    inside = pieces == np.argmax(np.bincount(pieces[free]))
    return Raster(free, ~free, resolution, (float(low_x), float(low_y), 0.0)), inside


def shares(found, spaces, degrees=0.0):
    """The shares of rooms that are found (recall), and of those found that there are (precision)."""
    truth = [shapely.affinity.rotate(shapely.box(*box), degrees, origin=(0, 0)) for box in spaces]
    shapes = [shapely.Polygon(room.polygon) for room in found.rooms]
    same = np.array([[a.intersection(b).area / a.union(b).area > 0.5 for b in shapes] for a in truth])
    return same.any(1).mean(), same.any(0).mean()


@pytest.mark.parametrize("resolution", [0.03, 0.05, 0.1])
@pytest.mark.parametrize("seed", range(3))
def test_the_rooms_of_an_office_are_found(seed, resolution):
    spaces, doors = office(seed)
    raster, inside = rasterised(spaces, doors, [], resolution)
    found = find_rooms(raster, inside)
    assert shares(found, spaces) == (1, 1)
    assert len(found.doors) == len(doors)
    assert [room.name for room in found.rooms if "corridor" in room.name] == ["corridor 1"]
    for (left, bottom, right, top), door in itertools.product(doors, found.doors):
        middle = door.ends.mean(0)
        if left - 0.2 < middle[0] < right + 0.2 and bottom - 0.3 < middle[1] < top + 0.3:
            assert np.linalg.norm(np.diff(door.ends, axis=0)) == pytest.approx(right - left, abs=0.6)


@pytest.mark.parametrize("seed", range(3))
def test_rooms_with_desks_at_an_angle_in_a_noisy_map_are_found(seed):
    spaces, doors = office(10 + seed)
    raster, inside = rasterised(spaces, doors, furnished(seed, spaces), 0.05, 25.0, 0.05, seed)
    recall, precision = shares(find_rooms(raster, inside), spaces, 25.0)
    assert recall >= 0.9
    assert precision >= 0.9


def test_polygons_are_simple_do_not_overlap_and_cover_the_inside():
    spaces, doors = office(5)
    ring = [
        (-3.0, -3.0, 40.0, -1.5),
        (-3.0, -3.0, -1.5, 15.0),
        (-3.0, 13.5, 40.0, 15.0),
        (38.0, -3.0, 40.0, 15.0),
    ]
    raster, inside = rasterised([*spaces, *ring], [*doors, (-1.6, 6.0, 0.1, 7.0)], furnished(1, spaces), 0.05)
    found = find_rooms(raster, inside)
    shapes = [shapely.Polygon(room.polygon) for room in found.rooms]
    assert all(shape.is_valid and shape.is_simple for shape in shapes)
    together = shapely.union_all(shapes)
    assert sum(shape.area for shape in shapes) == pytest.approx(together.area, rel=1e-6)
    cells = raster.to_metres(np.argwhere(inside)[:, ::-1] + 0.5)
    assert shapely.contains_xy(together, *cells.T).mean() > 0.98
    assert len(shapes) == len(spaces) + 1  # the ring is one corridor around the others
    assert shares(found, spaces)[0] == 1
    for shape, core in zip(shapes, found.core, strict=True):
        assert shape.contains(shapely.Point(core))


def test_a_barrier_always_separates():
    inside = np.zeros((60, 100), bool)
    inside[5:55, 5:95] = True
    raster = Raster(inside, ~inside, 0.1, (0.0, 0.0, 0.0))
    assert len(find_rooms(raster, inside).rooms) == 1
    barrier = np.zeros_like(inside)
    barrier[:, 40] = True
    found = find_rooms(raster, inside, barrier)
    assert len(found.rooms) == 2
    assert [door.name for door in found.doors] == ["room 1 - room 2"]


def test_an_l_shaped_room_and_a_bent_corridor_are_one_each():
    for width in (10, 30):
        inside = np.zeros((150, 150), bool)
        inside[10 : 10 + width, 10:120] = inside[10:120, 10 : 10 + width] = True
        assert len(find_rooms(Raster(inside, ~inside, 0.1, (0.0, 0.0, 0.0)), inside).rooms) == 1


@pytest.mark.parametrize(
    ("summits", "saddle", "wide", "count"),
    [
        ((10, 10), 9, 100, 1),
        ((10, 10), 6, 100, 2),  # a doorway between equals, though wide against neither's half
        ((5, 12), 4.5, 100, 2),  # a corridor that leads to a hall
        ((10, 10), 4, 100, 2),
        ((10, 10), 4, 4, 1),  # too wide for a doorway
    ],
)
def test_summits_are_joined_where_the_saddle_between_them_is_high(summits, saddle, wide, count):
    ridge = np.interp(np.arange(60.0), [0, 15, 30, 45, 59], [1, summits[0], saddle, summits[1], 1])
    assert rooms_by_depth(np.tile(ridge, (3, 1)), wide).max() + 1 == count


@pytest.mark.parametrize("seed", range(3))
def test_a_graph_leads_through_free_cells_from_each_room_to_each_other(seed):
    spaces, doors = office(20 + seed)
    raster, inside = rasterised(spaces, doors, furnished(seed, spaces), 0.05, 12.0)
    found = find_rooms(raster, inside)
    graph = make_graph(raster, inside, found)
    assert len(set(graph.names)) == len(graph.names)
    assert {room.name for room in found.rooms} | {door.name for door in found.doors} <= set(graph.names)
    edges = np.array([edge[:2] for edge in graph.edges])
    assert networkx.is_connected(networkx.Graph(edges.tolist()))
    assert set(edges.ravel()) == set(range(len(graph.names)))
    cells = raster.to_cells(graph.position)
    assert line_is_free(inside, cells[edges[:, 0]], cells[edges[:, 1]]).all()
    assert len(graph.names) <= 4 * len(found.rooms)
    walls = shapely.MultiLineString(find_walls(raster, inside))
    lines = shapely.linestrings(graph.position[edges])
    assert shapely.distance(walls, lines).min() > 0.5 * raster.resolution


def test_names_are_given_row_by_row_from_the_upper_left():
    spaces = [(0, 0, 4, 4), (4.2, 0, 8, 4), (0, 4.2, 4, 8), (4.2, 4.2, 8, 8)]
    doors = [(3.9, 1, 4.3, 2), (3.9, 5, 4.3, 6), (1, 3.9, 2, 4.3)]
    raster, inside = rasterised(spaces, doors, [], 0.05)
    found = find_rooms(raster, inside)
    centres = [room.polygon.mean(0) for room in found.rooms]
    quadrants = [(bool(x > 4.1), bool(y > 4.1)) for x, y in centres]
    assert quadrants == [(False, True), (True, True), (False, False), (True, False)]
    assert [room.name for room in found.rooms] == ["room 1", "room 2", "room 3", "room 4"]
    assert math.isclose(sum(shapely.Polygon(room.polygon).area for room in found.rooms), 60.6, rel_tol=0.03)


def test_a_hall_with_pillars_has_several_places_that_are_joined():
    y, x = np.mgrid[:200, :260]
    inside = (x > 4) & (x < 255) & (y > 4) & (y < 195)
    inside &= ((x % 60 > 6) | (y % 60 > 6)) | (x < 30) | (y < 30) | (x > 230) | (y > 170)
    raster = Raster(inside, ~inside, 0.05, (0.0, 0.0, 0.0))
    found = find_rooms(raster, inside)
    assert [room.name for room in found.rooms] == ["room 1"]
    graph = make_graph(raster, inside, found)
    assert sum(name.startswith("place") for name in graph.names) == 8
    edges = np.array([edge[:2] for edge in graph.edges])
    assert networkx.is_connected(networkx.Graph(edges.tolist()))
    cells = raster.to_cells(graph.position)
    assert line_is_free(inside, cells[edges[:, 0]], cells[edges[:, 1]]).all()


def drawn(space, *blocks, resolution=0.05):
    """A space in metres from (0, 0), as boxes, without blocks: its raster and its cells."""
    union, taken = (shapely.union_all([shapely.box(*box) for box in boxes]) for boxes in (space, blocks))
    _, _, x, y = union.bounds
    column, row = (np.arange(-10, int(size / resolution) + 10) + 0.5 for size in (x, y))
    grid = np.meshgrid(column * resolution, row * resolution)
    inside = shapely.contains_xy(union, *grid) & ~shapely.contains_xy(taken, *grid)
    raster = Raster(inside, ~inside, resolution, (-10 * resolution, -10 * resolution, 0.0))
    return raster, inside


BEDROOMS = [(0, 0, 4, 5), (4.1, 0, 8, 5), (0, 5.1, 8, 6.6), (1, 4.9, 1.9, 5.2), (5, 4.9, 5.9, 5.2)]


@pytest.mark.parametrize(
    ("space", "blocks", "count"),
    [
        (BEDROOMS, [(1.2, 0, 2.9, 2.2), (5.3, 0, 7, 2.2)], 3),  # beds against walls, with pockets beside them
        (BEDROOMS, [(0, 2.2, 1.5, 2.9)], 3),  # a sideboard across a room
        ([(0, 0, 12, 8)], [(1.5, 2.8, 5.5, 4.2), (6.5, 2.8, 10.5, 4.2)], 1),  # rows of desks
        ([(0, 0, 12, 7)], [(0.8, 3, 4, 3.8), (4.4, 3, 7.6, 3.8), (8, 3, 11.2, 3.8)], 1),  # tables in a row
        ([(4.3, 0, 16, 24), (0, 9, 4, 13.6), (3.9, 9, 4.4, 12)], [], 2),  # a room open to a hall
        ([(0, 0, 20, 2.6)], [(5, 1.5, 5.2, 2.6), (12, 0, 12.2, 1.1)], 1),  # cupboards in a corridor
        ([(0, 4, 8, 6), (8, 0, 18, 10)], [], 2),  # a corridor that leads to a hall
        ([(0, 0, 6, 5), (6.2, 0, 12, 5), (5, 1, 7, 3.4)], [], 2),  # a wide opening in a wall
    ],
)
def test_furniture_divides_no_room_and_walls_do(space, blocks, count):
    assert len(find_rooms(*drawn(space, *blocks)).rooms) == count


def test_what_lies_along_the_edge_of_the_map_is_outside():
    inside = np.ones((160, 200), bool)
    inside[20:140, 20:180] = False
    inside[22:138, 22:99] = inside[22:138, 101:178] = True  # two rooms in a yard
    inside[60:70, 18:24] = inside[60:70, 97:103] = True
    found = find_rooms(Raster(inside, ~inside, 0.1, (0.0, 0.0, 0.0)), inside)
    assert shares(found, [(2.2, 2.2, 9.9, 13.8), (10.1, 2.2, 17.8, 13.8)]) == (1, 1)
    whole = np.ones((80, 120), bool)
    assert len(find_rooms(Raster(whole, ~whole, 0.1, (0.0, 0.0, 0.0)), whole).rooms) == 1


def test_speckle_of_one_cell_in_a_hundred_divides_no_room():
    spaces, doors = office(7)
    raster, inside = rasterised(spaces, doors, [], 0.05)
    inside &= np.random.default_rng(7).random(inside.shape) > 0.01
    assert shares(find_rooms(raster._replace(free=inside, occupied=~inside), inside), spaces) == (1, 1)
