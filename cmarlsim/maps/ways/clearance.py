"""How far lines are from what is not free, exactly."""

from __future__ import annotations

import math

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints

CLEAR = 0.75
"""Cells from a way to what is not free, at least, where there is space: simplified walls are nearer to it."""

LEAST = 0.3
"""The same where there is no more space than the width of a cell."""


def clear_cells(inside: Bools) -> Bools:
    """The cells whose eight neighbours are inside as well: all of such a cell is clear of the rest."""
    from scipy import ndimage

    return ndimage.binary_erosion(inside, np.ones((3, 3)))


def gap_of_line(inside: Bools, start: Floats, end: Floats, most: float) -> float:
    """Distance in cells from a straight line to the nearest cell that is not inside, at most `most`.

    Parameters
    ----------
    inside
        Whether a cell is free, (H, W); none is beyond them.
    start, end
        Both ends in cells, (2,): (column, row), with (0, 0) at the corner of the first cell. They may be one.
    most
        The distance up to which is looked, in cells.
    """
    low = _blocked_beside(inside, start, end, most)
    if not len(low):
        return most
    corners = low[:, None] + [[0, 0], [0, 1], [1, 0], [1, 1]]
    along = end - start
    side = (corners - start) @ np.array([-along[1], along[0]])
    apart = (np.maximum(start, end) < low).any(1) | (np.minimum(start, end) > low + 1).any(1)
    if (~apart & (side.min(1) <= 0) & (side.max(1) >= 0)).any():
        return 0.0
    part = np.clip((corners - start) @ along / max(float(along @ along), 1e-12), 0, 1)
    nearest = float(np.linalg.norm(start + part[..., None] * along - corners, axis=-1).min())
    for point in (start, end):
        beyond = np.maximum(np.maximum(low - point, point - low - 1), 0)
        nearest = min(nearest, float(np.linalg.norm(beyond, axis=1).min()))
    return min(nearest, most)


def _blocked_beside(inside: Bools, start: Floats, end: Floats, most: float) -> Ints:
    """Lower corners, (n, 2), of the cells that are not inside and may be nearer to a line than `most`."""
    height, width = inside.shape
    first = np.floor(np.minimum(start, end) - most).astype(int) - 1
    last = np.ceil(np.maximum(start, end) + most).astype(int) + 1
    columns, rows = np.arange(first[0], last[0]), np.arange(first[1], last[1])
    held = inside[np.ix_(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))]
    beyond = ((rows < 0) | (rows >= height))[:, None] | (columns < 0) | (columns >= width)
    low = np.argwhere(~held | beyond)[:, ::-1] + first
    along = end - start
    off = (low + 0.5 - start) @ np.array([-along[1], along[0]])
    return low[np.abs(off) <= (most + 1) * math.hypot(*along)]
