"""Basins of a map of depths, and the rooms that they join to; depth is the distance from what is not free."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints

_NARROWING = 0.68  # a passage narrower than that share of the smaller side's width is a doorway,
_WIDENING = 0.5  # and so is one narrower than that share of the larger side's


def rooms_by_depth(depth: Floats, wide: float) -> Ints:
    """Cells by the room that they belong to, numbered from 0; -1 where depth is 0.

    Each cell belongs to the summit that a steepest ascent leads to. Summits are joined, the highest saddles
    between them first, unless the saddle is low against one of both.

    Parameters
    ----------
    depth
        The distance of each cell from what is not free, (H, W).
    wide
        The depth from which on a passage is no doorway, whatever it leads to.
    """
    basin = _basins(depth)
    groups = _Groups(basin, depth)
    for one, two, level in zip(*border_heights(basin, depth, np.zeros(depth.shape, bool)), strict=True):
        low, high = sorted((groups.core[groups.root(one)], groups.core[groups.root(two)]))
        if level >= min(wide, max(_NARROWING * low, _WIDENING * high)):
            groups.join(one, two)
    return groups.joined(basin)


def without_small(label: Ints, depth: Floats, barrier: Bools, least_area: float, least_depth: float) -> Ints:
    """The same rooms without those of fewer or shallower cells: these join a neighbour.

    Parameters
    ----------
    label
        The room of each cell, (H, W); -1: none.
    depth
        The distance of each cell from what is not free, (H, W).
    barrier
        Cells across which nothing is joined, (H, W).
    least_area, least_depth
        The number of cells of a room and the depth of one of them, at least.
    """
    groups = _Groups(label, depth)
    pairs = list(zip(*border_heights(label, depth, barrier), strict=True))
    for one, two, _ in pairs:
        sides = groups.root(one), groups.root(two)
        if any(groups.area[side] < least_area or groups.core[side] < least_depth for side in sides):
            groups.join(one, two)
    return groups.joined(label)


def border_heights(label: Ints, depth: Floats, barrier: Bools) -> tuple[list[int], list[int], list[float]]:
    """Two labels that touch, and the greatest depth on the way from one to the other; the deepest come first.

    They do not touch where one of the cells is a barrier.
    """
    cell = np.arange(label.size).reshape(label.shape)
    here = np.concatenate((cell[:-1].ravel(), cell[:, :-1].ravel()))
    there = np.concatenate((cell[1:].ravel(), cell[:, 1:].ravel()))
    flat, closed = label.ravel(), barrier.ravel()
    one, two = flat[here], flat[there]
    touching = np.flatnonzero((one != two) & (one >= 0) & (two >= 0) & ~closed[here] & ~closed[there])
    one, two, here, there = one[touching], two[touching], here[touching], there[touching]
    level = np.minimum(depth.ravel()[here], depth.ravel()[there])
    low, high = np.minimum(one, two), np.maximum(one, two)
    order = np.lexsort((-level, high, low))
    low, high, level = low[order], high[order], level[order]
    first = np.ones(len(order), bool)
    first[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    low, high, level = low[first], high[first], level[first]
    order = np.argsort(-level, kind="stable")
    return low[order].tolist(), high[order].tolist(), level[order].tolist()


class _Groups:
    """Labels that are joined one by one, with the depth and the number of cells of each group at its root."""

    def __init__(self, label: Ints, depth: Floats) -> None:
        count = int(label.max(initial=-1)) + 1
        labelled = label >= 0
        core = np.zeros(count)
        np.maximum.at(core, label[labelled], depth[labelled])
        self.core = core.tolist()
        self.area = np.bincount(label[labelled], minlength=count).tolist()
        self._parent = list(range(count))

    def root(self, one: int) -> int:
        """The label that stands for the group of another."""
        parent = self._parent
        while parent[one] != one:
            parent[one] = one = parent[parent[one]]
        return one

    def join(self, one: int, two: int) -> None:
        """Both groups become one."""
        kept, gone = self.root(one), self.root(two)
        if kept != gone:
            self._parent[gone] = kept
            self.core[kept] = max(self.core[kept], self.core[gone])
            self.area[kept] += self.area[gone]

    def joined(self, label: Ints) -> Ints:
        """Cells by group, numbered from 0."""
        roots = np.array([self.root(one) for one in range(len(self._parent))], int)
        _, number = np.unique(roots, return_inverse=True)
        return np.where(label >= 0, np.append(number, -1)[label], -1)


def _basins(depth: Floats) -> Ints:
    """Cells by the summit that a steepest ascent leads to, numbered from 0; -1 where depth is 0."""
    height, width = depth.shape
    padded = np.pad(depth, 1)
    cell = np.arange(depth.size).reshape(depth.shape)
    steepest, target = np.zeros(depth.shape), cell.copy()
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            neighbour = padded[1 + down : height + 1 + down, 1 + right : width + 1 + right]
            slope = (neighbour - depth) / max(np.hypot(down, right), 1.0)
            better = (slope > steepest) & (depth > 0)
            steepest[better] = slope[better]
            target[better] = cell[better] + down * width + right
    ahead = target.ravel()
    while (ahead != (further := ahead[ahead])).any():
        ahead = further
    space = depth.ravel() > 0
    basin = np.full(depth.size, -1)
    _, basin[space] = np.unique(ahead[space], return_inverse=True)
    return basin.reshape(depth.shape)
