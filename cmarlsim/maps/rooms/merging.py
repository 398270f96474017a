"""Pieces of free space that furniture has cut apart: they are one room if no wall divides them."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints

_THICK = 1.0  # metres of a wall between two rooms, at most
_OPEN = 0.55  # of the border between two pieces: as much as that is open between pieces of one room
_CONVEX = 0.8  # of the convex hull of a room is the room itself, at least
_FILLED = 0.6  # of what the hull of the larger piece grows by is the smaller piece itself, at least
_ALIKE = 0.65  # of the width of a corridor; as wide is the opening to where it goes on
_POCKET = 5.0  # square metres; smaller pieces belong to the room that they are open to


def without_cuts(label: Ints, depth: Floats, closed: Bools, resolution: float) -> Ints:
    """The same rooms, of which those are joined that hardly anything divides.

    Two are joined if most of the border between them is open, and if together they are nearly convex, or one
    is a mere pocket, or neither is much wider than the opening. The most convex come first.

    Parameters
    ----------
    label
        The room of each cell, numbered from 0, (H, W); -1: none.
    depth
        The distance of each cell from what is not free, (H, W), in cells.
    closed
        Cells in doorways, which count as walls, (H, W).
    resolution
        Metres a cell.
    """
    pieces = _Pieces(label, depth, closed, resolution)
    waiting = [(pieces.cost(*pair), pair) for pair in pieces.pairs()]
    heapq.heapify(waiting)
    while waiting:
        cost, (one, two) = heapq.heappop(waiting)
        if cost > 0 or not pieces.alive(one, two) or cost != pieces.cost(one, two):
            continue
        for other in pieces.join(one, two):
            heapq.heappush(waiting, (pieces.cost(one, other), (one, other)))
    return pieces.joined(label)


class _Pieces:
    """Pieces that are joined one by one: how long the borders between them are, and their hulls."""

    def __init__(self, label: Ints, depth: Floats, closed: Bools, resolution: float) -> None:
        from scipy import ndimage

        count = int(label.max(initial=-1)) + 1
        self._resolution = resolution
        self._border: list[dict[int, Floats]] = [{} for _ in range(count)]
        for axis in (0, 1):
            for one, two, wall, number in _facing(label, closed, axis, _THICK / resolution):
                for a, b in ((one, two), (two, one)):
                    self._border[a].setdefault(b, np.zeros((2, 2)))[wall, axis] += number
        self._area = np.bincount(label[label >= 0], minlength=count).astype(float)
        self._width = 2 * np.asarray(ndimage.maximum(depth, label, np.arange(count)))
        boxes = enumerate(ndimage.find_objects(label + 1))
        self._hull = [_hull(label[box] == number, box) for number, box in boxes]
        self._into = np.arange(count)

    def pairs(self) -> list[tuple[int, int]]:
        """All pieces that are beside each other."""
        return [(one, two) for one, border in enumerate(self._border) for two in border if one < two]

    def alive(self, one: int, two: int) -> bool:
        """Whether neither is part of another piece."""
        return bool(self._into[one] == one and self._into[two] == two)

    def cost(self, one: int, two: int) -> float:
        """What speaks against joining two pieces; above 0: they stay apart."""
        opening, wall = np.hypot(*self._border[one][two].T)
        if not opening or opening < _OPEN * (opening + wall):
            return 1.0
        hull = self._hull[one].union(self._hull[two]).convex_hull.area
        convex = (self._area[one] + self._area[two]) / hull
        less = min(self._area[one], self._area[two])
        grown = hull - max(self._hull[one].area, self._hull[two].area)
        fits = convex >= _CONVEX and less >= _FILLED * grown
        alike = opening >= _ALIKE * max(self._width[one], self._width[two])
        return -convex if fits or alike or less * self._resolution**2 < _POCKET else 1.0

    def join(self, one: int, two: int) -> list[int]:
        """The second piece becomes part of the first, whose neighbours are returned."""
        self._area[one] += self._area[two]
        self._width[one] = max(self._width[one], self._width[two])
        self._hull[one] = self._hull[one].union(self._hull[two]).convex_hull
        self._into[self._into == two] = one
        for other, length in self._border[two].items():
            del self._border[other][two]
            if other != one:
                total = self._border[one].get(other, 0) + length
                self._border[one][other] = self._border[other][one] = total
        return list(self._border[one])

    def joined(self, label: Ints) -> Ints:
        """Cells by piece, numbered from 0."""
        _, number = np.unique(self._into, return_inverse=True)
        return np.where(label >= 0, np.append(number, -1)[label], -1)


def _hull(held: Bools, box: tuple[slice, slice]) -> Any:
    """The convex hull of the cells that are held in a box, in cells."""
    import shapely

    row = np.flatnonzero(held.any(1))
    left, right = held.argmax(1)[row], held.shape[1] - held[:, ::-1].argmax(1)[row]
    column, row = np.concatenate((left, left, right, right)), np.concatenate((row, row + 1) * 2)
    corners = np.column_stack((column + box[1].start, row + box[0].start))
    return shapely.MultiPoint(corners).convex_hull


def _facing(label: Ints, closed: Bools, axis: int, thick: float) -> list[tuple[int, int, int, int]]:
    """Two labels, whether a wall is between them, and how often they are next to each other along an axis."""
    if axis == 0:
        label, closed = label.T, closed.T
    row, column = np.nonzero(label >= 0)
    held, shut = label[row, column], closed[row, column]
    apart = np.diff(column) - 1
    beside = (held[1:] != held[:-1]) & (row[1:] == row[:-1]) & (apart <= thick)
    wall = (apart > 0) | shut[1:] | shut[:-1]
    pair = np.sort(np.column_stack((held[1:], held[:-1]))[beside], axis=1)
    found, number = np.unique(np.column_stack((pair, wall[beside])), axis=0, return_counts=True)
    return [(*each, n) for each, n in zip(found.tolist(), number.tolist(), strict=True)]
