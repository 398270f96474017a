"""Rooms of a plan: free space falls into them where it is narrow against what lies on both sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.maps.draft import Door, Room
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rooms.basins import rooms_by_depth, without_small
from cmarlsim.maps.rooms.doors import find_doors
from cmarlsim.maps.rooms.gaps import find_gaps
from cmarlsim.maps.rooms.merging import without_cuts
from cmarlsim.maps.rooms.shapes import polygons_of

_FURNITURE = 3.0  # metres; what is smaller and stands alone divides no room
_BLOCK = 6.0  # metres; the same for what is thicker than a wall
_WALL = 0.6  # metres; no thin wall is thicker
_CRACK = 0.25  # metres; narrower gaps in walls are none
_LEAST_AREA = 2.0  # square metres of a room
_LEAST_WIDTH = 0.6  # metres of a room
_CRUMB = 0.25  # square metres; smaller pieces tell nothing about walls
_AT_EDGE = 0.3  # of its outline; a room that lies along the edge of the map for more is outside
_ELONGATED = 4.0  # the length of a corridor in widths, at least
_WIDEST = 4.0  # metres of a corridor and of a doorway


class Found(NamedTuple):
    """Rooms that were found.

    Attributes
    ----------
    label
        The room of each cell, (H, W); -1: none.
    rooms
        Their names and outlines in metres, which do not overlap.
    core
        A central place in each, far from walls, in metres, (R, 2).
    elongated
        Whether a room is a corridor, (R,).
    doors
        Where one room leads to another.
    door_rooms
        The rooms on both sides of each door, (D, 2).
    door_middle
        The place in each door that is farthest from walls, in metres, (D, 2).
    """

    label: Ints
    rooms: tuple[Room, ...]
    core: Floats
    elongated: Bools
    doors: tuple[Door, ...]
    door_rooms: Ints
    door_middle: Floats


def find_rooms(raster: Raster, inside: Bools, barriers: Bools | None = None) -> Found:
    """Rooms, and the doors between them.

    Parameters
    ----------
    raster
        The plan.
    inside
        Whether a cell is free and belongs to the building, (H, W); at least one does.
    barriers
        Whether a cell lies in a door that was drawn: rooms end there, (H, W).
    """
    from scipy import ndimage

    drawn = np.zeros_like(inside) if barriers is None else barriers & inside
    space = _uncluttered(raster, inside)
    gaps, faced = find_gaps(space & ~drawn, raster.resolution)
    closed = drawn | _cells_on(gaps, space)
    label = rooms_by_depth(_depth(space & ~closed), _WIDEST / 2 / raster.resolution)
    nearest = ndimage.distance_transform_edt(label < 0, return_distances=False, return_indices=True)
    label = np.where(space, label[tuple(nearest)], -1)
    depth = _depth(space)
    label = without_small(label, depth, drawn, _CRUMB / raster.resolution**2, 0.0)
    label = without_cuts(label, depth, drawn | _cells_on(gaps[faced], space), raster.resolution)
    least = _LEAST_AREA / raster.resolution**2, _LEAST_WIDTH / 2 / raster.resolution
    label = without_small(label, _depth(space & ~drawn), drawn, *least)
    return _described(raster, inside, _within_the_map(label))


def _within_the_map(label: Ints) -> Ints:
    """The same without those that lie along the edge of the map: they are outside, unless all are."""
    edge, border = np.ones(label.shape, bool), _border(label)
    edge[1:-1, 1:-1] = False
    count = int(label.max()) + 1
    at_edge = np.bincount(label[edge & (label >= 0)], minlength=count)
    around = np.bincount(label[border & (label >= 0)], minlength=count)
    kept = at_edge <= _AT_EDGE * (at_edge + around)
    if not kept.any():
        return label
    number = np.where(kept, np.cumsum(kept) - 1, -1)
    return np.append(number, -1)[label]


def _border(label: Ints) -> Bools:
    """The cells beside another label, (H, W)."""
    border = np.zeros(label.shape, bool)
    for one, two in ((np.s_[1:, :], np.s_[:-1, :]), (np.s_[:, 1:], np.s_[:, :-1])):
        apart = label[one] != label[two]
        border[one] |= apart
        border[two] |= apart
    return border


def _described(raster: Raster, inside: Bools, label: Ints) -> Found:
    """Rooms with names, outlines, cores and doors, row by row from the upper left."""
    core, elongated, centre = _cores(raster, inside, label)
    row = max(float(np.sqrt(np.bincount(label[label >= 0])).mean()), 1.0)
    order = np.lexsort((centre[:, 0], -np.round(centre[:, 1] / row)))
    rank = np.empty(len(order) + 1, int)
    rank[order], rank[-1] = np.arange(len(order)), -1
    label, core, elongated = rank[label], core[order], elongated[order]
    names = _names(elongated)
    polygons = [raster.to_metres(polygon) for polygon in polygons_of(label)]
    doors, door_rooms, middle = find_doors(raster, inside, label, names)
    rooms = tuple(Room(name, polygon) for name, polygon in zip(names, polygons, strict=True))
    return Found(label, rooms, raster.to_metres(core), elongated, doors, door_rooms, middle)


def _names(elongated: Bools) -> list[str]:
    """Room 1, room 2, corridor 1, ..."""
    number = np.where(elongated, np.cumsum(elongated), np.cumsum(~elongated))
    return [f"{'corridor' if long else 'room'} {n}" for long, n in zip(elongated, number, strict=True)]


def _cores(raster: Raster, inside: Bools, label: Ints) -> tuple[Floats, Bools, Floats]:
    """A central place in each room far from walls, whether it is a corridor, and its centre, in cells."""
    from scipy import ndimage

    border = _border(label)
    open_depth, depth = _depth((label >= 0) & ~border), _depth(inside & ~border)
    cores, elongated, centres = [], [], []
    for number, (rows, columns) in enumerate(ndimage.find_objects(label + 1)):
        held = label[rows, columns] == number
        cell = np.argwhere(held)[:, ::-1] + 0.5
        centre = cell.mean(0)
        width = 2 * open_depth[rows, columns][held].max() + 1
        elongated.append(len(cell) >= _ELONGATED * width**2 and width * raster.resolution <= _WIDEST)
        own = np.where(inside[rows, columns][held], depth[rows, columns][held], -1.0)
        deep = cell[own >= 0.75 * own.max()]
        cores.append(deep[np.argmin(((deep - centre) ** 2).sum(1))] + (columns.start, rows.start))
        centres.append(centre + np.array((columns.start, rows.start)))
    return np.array(cores), np.array(elongated), np.array(centres)


def _depth(space: Bools) -> Floats:
    """How far each cell is from those that are not free and from the edge of the map, in cells."""
    from scipy import ndimage

    return ndimage.distance_transform_edt(np.pad(space, 1))[1:-1, 1:-1]


def _cells_on(lines: Floats, space: Bools) -> Bools:
    """The free cells that lines lead through so that they separate both sides, (H, W)."""
    cells = np.zeros_like(space)
    for start, end in lines:
        count = int(np.ceil(np.linalg.norm(end - start) * 4)) + 1
        points = start + np.linspace(0, 1, count)[:, None] * (end - start)
        for nudge in (0.0, 0.5):
            column, row = np.clip(np.floor(points + nudge).astype(int), 0, np.array(space.shape[::-1]) - 1).T
            cells[row, column] = True
    return cells & space


def _uncluttered(raster: Raster, inside: Bools) -> Bools:
    """The inside of a building with the cells of furniture, (H, W).

    What is small and stands alone counts as furniture, and so does what is larger but thicker than a wall;
    what is hardly apart counts as one.
    """
    from scipy import ndimage

    near = _depth(inside) <= max(_CRACK / raster.resolution / 2, 1.0)
    group, count = ndimage.label(near | ~inside, np.ones((3, 3)))
    group[inside] = 0
    thick = ndimage.maximum(_depth(~inside), group, np.arange(count + 1)) * 2 * raster.resolution
    furniture = np.zeros(count + 1, bool)
    for number, box in enumerate(ndimage.find_objects(group), 1):
        if box is not None:
            (top, left), (bottom, right) = ((side.start for side in box), (side.stop for side in box))
            at_edge = min(top, left) == 0 or bottom == inside.shape[0] or right == inside.shape[1]
            size = np.hypot(bottom - top, right - left) * raster.resolution
            most = _BLOCK if thick[number] > max(_WALL, size / 5) else _FURNITURE
            furniture[number] = size < most and not at_edge
    return inside | furniture[group]
