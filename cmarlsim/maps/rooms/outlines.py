"""Walls from cells: the outlines of free space, in few segments."""

from __future__ import annotations

from typing import Any

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.maps.raster import Raster

_SMALL = 40  # edges of cells around what keeps its shape
_TURNS = (1, 0, 3)  # left, straight on, right; directions are east, north, west, south


def find_walls(
    raster: Raster, inside: Bools, ways: Floats | None = None, tolerance: float = 0.35
) -> tuple[Floats, ...]:
    """Walls between the cells of a building and all others, simplified.

    Nothing is left out: a single cell that is not free blocks sight as well.

    Parameters
    ----------
    raster
        The plan.
    inside
        Whether a cell is free and belongs to the building, (H, W).
    ways
        Lines through free cells that no wall may touch, both ends in metres, (n, 2, 2). Outlines that would
        are not simplified.
    tolerance
        How far a wall may be from the middles of the steps that it stands for, in cells.

    Returns
    -------
    tuple[Floats, ...]
        Closed polylines in metres, (n, 2) each; the first point is there again at the end.
    """
    import shapely

    rings = rings_around(inside)
    simple = shapely.simplify([_closed(_smoothed(ring)) for ring in rings], tolerance, preserve_topology=True)
    if ways is not None and len(rings):
        lines = shapely.linestrings(raster.to_cells(ways).reshape(-1, 2, 2))
        touched = np.unique(shapely.STRtree(simple).query(lines, "intersects")[1])
        simple[touched] = [_closed(rings[number]).simplify(0) for number in touched]
    return tuple(raster.to_metres(shapely.get_coordinates(line)) for line in simple)


def _closed(ring: Floats) -> Any:
    """A ring as a line with the first point again at the end."""
    import shapely

    return shapely.LineString(np.vstack((ring, ring[:1])))


def _smoothed(ring: Floats) -> Floats:
    """A ring by the middles of its straight runs, and by corners between runs of more than a cell.

    Where a straight wall is rasterised as steps, one of two runs in turn is a cell long, and the middles of
    them all lie close to the wall.
    """
    turns = np.any(ring * 2 != np.roll(ring, 1, axis=0) + np.roll(ring, -1, axis=0), axis=1)
    corner = ring[turns]
    following = np.roll(corner, -1, axis=0)
    length = np.abs(following - corner).sum(1)
    points = np.stack((corner, (corner + following) / 2), axis=1).reshape(-1, 2)
    kept = np.ones(len(points), bool)
    kept[::2] = (length > 1) & (np.roll(length, 1) > 1)
    return points[kept] if len(ring) > _SMALL else corner


def rings_around(cells: Bools) -> list[Floats]:
    """The outlines of cells, corner by corner, in cells: (column, row).

    Cells that only touch by a corner are apart. An outer ring leads around its cells counterclockwise, the
    ring of a hole clockwise; the first corner is not there again at the end.

    >>> [ring.tolist() for ring in rings_around(np.array([[True]]))]
    [[[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]]
    """
    start, following = _border(cells)
    ring, place = _ranked(following)
    order = np.lexsort((place, ring))
    cuts = np.flatnonzero(np.diff(ring[order])) + 1
    return np.split(start[order].astype(float), cuts) if len(order) else []


def _border(cells: Bools) -> tuple[Ints, Ints]:
    """Where each edge of the border begins, with the cells to its left, and which edge follows it."""
    height, width = cells.shape
    padded = np.pad(cells, 1)
    middle = padded[1:-1, 1:-1]
    beside = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    begins = ((0, 0), (1, 0), (1, 1), (0, 1))  # of the edges below, right, above and left of a cell
    starts, directions = [], []
    for number, (other, begin) in enumerate(zip(beside, begins, strict=True)):
        row, column = np.nonzero(middle & ~other)
        starts.append(np.column_stack((column + begin[0], row + begin[1])))
        directions.append(np.full(len(row), number))
    start, direction = np.concatenate(starts), np.concatenate(directions)
    leaving = np.full(((height + 1) * (width + 1), 4), -1)
    leaving[start[:, 1] * (width + 1) + start[:, 0], direction] = np.arange(len(start))
    end = start + np.array([(1, 0), (0, 1), (-1, 0), (0, -1)])[direction]
    onward = leaving[end[:, 1] * (width + 1) + end[:, 0]]
    following = np.full(len(start), -1)
    for turn in _TURNS:
        turned = onward[np.arange(len(start)), (direction + turn) % 4]
        following = np.where(following < 0, turned, following)
    return start, following


def _ranked(following: Ints) -> tuple[Ints, Ints]:
    """The ring that each edge is part of, named by its first edge, and its place behind that one."""
    number: Ints = np.arange(len(following))
    ring, ahead = number, following
    for _ in range(max(len(number), 1).bit_length()):
        ring = np.minimum(ring, ring[ahead])
        ahead = ahead[ahead]
    last = following == ring
    ahead, left = np.where(last, number, following), np.where(last, 0, 1)
    for _ in range(max(len(number), 1).bit_length()):
        left = left + left[ahead]
        ahead = ahead[ahead]
    return ring, -left
