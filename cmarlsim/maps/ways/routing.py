"""Ways through free cells that keep clear of what is not free, as few straight lines."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints

_NARROW = 4.0  # how many times as much as in the open a step would cost that touches a wall
_TOUCH = 1e-6  # cells; what is nearer is touched
_ROUNDS = 4  # of pulling
_MARGIN = 50  # cells around both ends that are searched at first


def lowest_along(field: Floats | Bools, start: Floats, end: Floats) -> Floats:
    """The lowest value among all the cells that a straight line touches, be it by a corner.

    Parameters
    ----------
    field
        A value for each cell, (H, W); everything outside counts as 0.
    start, end
        Ends of n lines, (n, 2), in cells: (column, row), with (0, 0) at the corner of the first cell.

    Returns
    -------
    Floats
        The values, (n,).
    """
    line, point, count = _crossings(start, end)
    height, width = field.shape
    lowest = np.full(count, np.inf)
    low, high = (np.floor(point + nudge).astype(np.int64) for nudge in (-_TOUCH, _TOUCH))
    for column in (low[:, 0], high[:, 0]):
        for row in (low[:, 1], high[:, 1]):
            held = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            value = field[np.where(held, row, 0), np.where(held, column, 0)] * held
            np.minimum.at(lowest, line, value)
    return lowest


def line_is_free(inside: Bools, start: Floats, end: Floats) -> Bools:
    """Whether straight lines touch none but free cells, (n,); see `lowest_along`."""
    return lowest_along(inside, start, end) > 0


def _crossings(start: Floats, end: Floats) -> tuple[Ints, Floats, int]:
    """The points where lines cross borders of cells, with their ends, and whose they are."""
    start, end = np.atleast_2d(np.asarray(start, float)), np.atleast_2d(np.asarray(end, float))
    every = np.arange(len(start))
    lines, points = [every, every], [start, end]
    for axis in (0, 1):
        low, high = np.minimum(start, end)[:, axis], np.maximum(start, end)[:, axis]
        first = np.ceil(low)
        count = np.maximum(np.floor(high) - first + 1, 0).astype(np.int64)
        count[low == high] = 0
        line = np.repeat(every, count)
        border = first[line] + np.arange(len(line)) - np.repeat(np.cumsum(count) - count, count)
        part = (border - start[line, axis]) / (end[line, axis] - start[line, axis])
        point = start[line] + part[:, None] * (end[line] - start[line])
        point[:, axis] = border
        lines.append(line)
        points.append(point)
    return np.concatenate(lines), np.concatenate(points), len(start)


def shortest_way(inside: Bools, start: Floats, end: Floats, comfort: float) -> Floats | None:
    """The way between two points; see `shortest_ways`."""
    return shortest_ways(inside, start, np.asarray(end)[None], comfort)[0]


def shortest_ways(inside: Bools, start: Floats, ends: Floats, comfort: float) -> list[Floats | None]:
    """Short ways from one point to others through free cells, clear of the rest where there is space.

    Cells nearer to one that is not free than `comfort` cost more the nearer they are. The cheapest way
    from cell to cell is then pulled straight, where that brings it nearer to walls neither than it was nor
    than `comfort`. Its lines touch free cells only.

    Parameters
    ----------
    inside
        Whether a cell is free, (H, W).
    start, ends
        Points in cells, (2,) and (n, 2): (column, row), with (0, 0) at the corner of the first cell.
    comfort
        The distance that is kept from cells that are not free where possible, in cells.

    Returns
    -------
    list[Floats | None]
        Each way, (k, 2) in cells, with both ends; None where there is none.
    """
    start, ends = np.asarray(start, float), np.asarray(ends, float)
    height, width = inside.shape
    points = np.vstack((start, ends))
    margin = float(max(_MARGIN, np.linalg.norm(ends - start, axis=1).max(initial=0.0)))
    while True:
        low = np.maximum(np.floor(points.min(0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(points.max(0) + margin), (width, height)).astype(int)
        window = inside[low[1] : high[1], low[0] : high[0]]
        distance = _clearance(window)
        costs, ways = _search(window, distance, start - low, ends - low, comfort)
        whole = (low == 0).all() and (high == (width, height)).all()
        # No way that leaves the window is shorter than twice the margin.
        if whole or max(costs, default=0.0) <= 2 * margin:
            return [None if way is None else _pulled(distance, way, comfort) + low for way in ways]
        margin = 4 * margin if math.isinf(max(costs)) else max(costs) / 2 + 1


def _clearance(window: Bools) -> Floats:
    """How far the centre of each cell is from that of the nearest one that is not free, in cells."""
    from scipy import ndimage

    if window.all():
        return np.full(window.shape, np.inf)
    return ndimage.distance_transform_edt(window)


def _search(
    window: Bools, distance: Floats, start: Floats, ends: Floats, comfort: float
) -> tuple[list[float], list[Floats | None]]:
    """The costs of the cheapest ways from cell to cell and the ways themselves, in the window's cells.

    Where an end is not free there is nothing to search for, and the cost is 0.
    """
    from scipy.sparse import csgraph

    number = np.full(window.shape, -1)
    number[window] = np.arange(np.count_nonzero(window))
    first = _number_at(number, start)
    if first < 0:
        return [0.0] * len(ends), [None] * len(ends)
    graph = _steps(window, number, 1 + (_NARROW - 1) * np.clip(1 - distance / comfort, 0, 1))
    cost, before = csgraph.dijkstra(graph, directed=False, indices=first, return_predecessors=True)
    centre = np.argwhere(window)[:, ::-1] + 0.5
    costs: list[float] = []
    ways: list[Floats | None] = []
    for end in ends:
        cell = _number_at(number, end)
        costs.append(float(cost[cell]) if cell >= 0 else 0.0)
        if cell < 0 or math.isinf(costs[-1]):
            ways.append(None)
            continue
        passed = [cell]
        while passed[-1] != first:
            passed.append(before[passed[-1]])
        ways.append(np.vstack((start, centre[passed[::-1]], end)))
    return costs, ways


def _number_at(number: Ints, point: Floats) -> int:
    """The number of the cell that holds a point; -1 if it is not free."""
    column, row = np.floor(point).astype(int)
    held = 0 <= row < number.shape[0] and 0 <= column < number.shape[1]
    return int(number[row, column]) if held else -1


def _steps(window: Bools, number: Ints, price: Floats) -> Any:
    """The graph of steps between free cells, with their costs; diagonal ones do not cut corners."""
    from scipy import sparse

    here, there, costs = [], [], []
    rising, falling = (slice(None, -1), slice(1, None)), (slice(1, None), slice(None, -1))
    whole = (slice(None), slice(None))
    for rows, columns in ((whole, rising), (rising, whole), (rising, rising), (rising, falling)):
        one, two = (rows[0], columns[0]), (rows[1], columns[1])
        allowed = window[one] & window[two]
        length = 1.0
        if rows is not whole and columns is not whole:
            allowed &= window[rows[0], columns[1]] & window[rows[1], columns[0]]
            length = math.sqrt(2)
        here.append(number[one][allowed])
        there.append(number[two][allowed])
        costs.append((price[one] + price[two])[allowed] * length / 2)
    size = int(number.max()) + 1
    return sparse.csr_array(
        (np.concatenate(costs), (np.concatenate(here), np.concatenate(there))), shape=(size, size)
    )


def _pulled(distance: Floats, way: Floats, comfort: float) -> Floats:
    """The way pulled straight as far as clearance allows: forth and back, as long as that shortens it."""
    best, length = _straightened(distance, way, comfort), math.inf
    for _ in range(_ROUNDS):
        forth = _sampled(_straightened(distance, way, comfort))
        straight = _straightened(distance, forth[::-1], comfort)[::-1]
        shorter = float(np.linalg.norm(np.diff(straight, axis=0), axis=1).sum())
        if shorter >= length or not line_is_free(distance > 0, straight[:-1], straight[1:]).all():
            break
        best, length, way = straight, shorter, _sampled(straight)
    return best


def _sampled(way: Floats) -> Floats:
    """The same way by points that are at most a cell apart."""
    count = np.ceil(np.linalg.norm(np.diff(way, axis=0), axis=1)).astype(int)
    parts = [
        start + np.arange(n)[:, None] / n * (end - start)
        for start, end, n in zip(way[:-1], way[1:], np.maximum(count, 1), strict=True)
    ]
    return np.vstack((*parts, way[-1:]))


def _straightened(distance: Floats, way: Floats, comfort: float) -> Floats:
    """The points of a way that straight lines lead between, each as far as it may."""
    column, row = np.floor(way).astype(int).T
    clear = np.minimum(distance[row, column], comfort)
    kept = [0]
    while kept[-1] < len(way) - 1:
        here = kept[-1]
        kept.append(here + _reach(distance, way[here:], np.minimum.accumulate(clear[here:])))
    return way[kept]


def _reach(distance: Floats, way: Floats, clear: Floats) -> int:
    """How far along a way a straight line from its beginning leads, in steps."""
    near, far = 1, len(way) - 1
    while near < far:
        tried = np.unique(np.linspace(near + 1, far, min(8, far - near)).astype(int))
        lowest = lowest_along(distance, np.broadcast_to(way[0], (len(tried), 2)), way[tried])
        free = (lowest >= clear[tried]) & (lowest > 0)
        if not free.any():
            far = int(tried[0]) - 1
            continue
        last = int(np.flatnonzero(free)[-1])
        near = int(tried[last])
        far = int(tried[last + 1]) - 1 if last + 1 < len(tried) else near
    return near
