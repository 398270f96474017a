"""Walls and outlines as cells."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from cmarlsim.errors import InputError
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.maps.formats.pictures import MOST_PIXELS
from cmarlsim.maps.raster import Raster

PER_CELL = 8
"""Points along a wall that are looked up in each cell that it crosses."""


def rasterised(
    walls: Iterable[Floats], areas: Sequence[Floats], rectangle: Sequence[float], resolution: float
) -> Raster:
    """The cells of a level: occupied where a wall runs, free where else an area is, unknown elsewhere.

    Parameters
    ----------
    walls
        Polylines, (n, 2) each, in metres.
    areas
        Outlines, (n, 2) each; none: all that is no wall is free.
    rectangle
        x_min, y_min, x_max, y_max in metres.
    resolution
        Metres a cell.

    Raises
    ------
    InputError
        If there would be too many cells.
    """
    x_min, y_min, x_max, y_max = rectangle
    width, height = math.ceil((x_max - x_min) / resolution), math.ceil((y_max - y_min) / resolution)
    if width * height > MOST_PIXELS:
        raise InputError(
            f"resolution = {resolution:g} m: {width:,} x {height:,} cells are more than {MOST_PIXELS:,}"
        )
    grid = Raster(
        np.zeros((height, width), np.bool_),
        np.zeros((height, width), np.bool_),
        resolution,
        (x_min, y_min, 0.0),
    )
    for wall in walls:
        _draw(grid, wall)
    free = _filled(grid, areas) if areas else np.ones((height, width), np.bool_)
    return grid._replace(free=free & ~grid.occupied)


def _draw(grid: Raster, wall: Floats) -> None:
    """Mark the cells that a polyline runs through."""
    corners = grid.to_cells(wall)
    steps = np.ceil(np.abs(np.diff(corners, axis=0)).max(axis=1) * PER_CELL).astype(int) + 1
    points = np.concatenate(
        [np.linspace(a, b, count + 1) for a, b, count in zip(corners, corners[1:], steps, strict=False)]
    )
    column, row = np.floor(points).astype(np.int64).T
    height, width = grid.occupied.shape
    within = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    grid.occupied[row[within], column[within]] = True


def _filled(grid: Raster, areas: Sequence[Floats]) -> Bools:
    """The cells whose middle lies in an area."""
    from shapely import Polygon, contains_xy, prepare

    height, width = grid.free.shape
    filled = np.zeros((height, width), np.bool_)
    for area in areas:
        shape = Polygon(area)
        prepare(shape)
        low, high = grid.to_cells(area).min(axis=0), grid.to_cells(area).max(axis=0)
        left, bottom = np.clip(np.floor(low), 0, (width, height)).astype(int)
        right, top = np.clip(np.ceil(high), 0, (width, height)).astype(int)
        columns, rows = np.meshgrid(np.arange(left, right) + 0.5, np.arange(bottom, top) + 0.5)
        middles = grid.to_metres(np.stack([columns, rows], axis=-1))
        filled[bottom:top, left:right] |= contains_xy(shape, middles[..., 0], middles[..., 1])
    return filled
