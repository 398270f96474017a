"""Waypoints all over a hall: free space of too few rooms for one zone a room."""

from __future__ import annotations

import numpy as np

from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.maps.draft import Edge, WayGraph
from cmarlsim.maps.raster import Raster

AREA, FEWEST, MOST = 20.0, 6, 24
"""Square metres for each waypoint, and how many there are at least and at most."""

CLEAR = 0.5
"""Metres that waypoints keep from walls where there is space."""

CANDIDATES = 20_000
"""Cells among which the waypoints are chosen."""


def hall_graph(raster: Raster, inside: Bools) -> WayGraph:
    """A graph of waypoints far from each other, each joined to its neighbours by a straight line.

    Two are neighbours if no third one is nearer to both than they are to each other. Lines may be blocked.

    Parameters
    ----------
    inside
        The cells of the hall, (H, W).
    """
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    row, column = np.nonzero(depth >= min(CLEAR / raster.resolution, depth.max()))
    chosen = slice(None, None, -(-len(row) // CANDIDATES))
    places = np.column_stack([column[chosen], row[chosen]]) + 0.5
    area = np.count_nonzero(inside) * raster.resolution**2
    count = min(int(np.clip(area / AREA, FEWEST, MOST)), len(places))
    points = places[_spread(places, int(depth[row[chosen], column[chosen]].argmax()), count)]
    apart = np.hypot(*(points[:, None] - points).transpose(2, 0, 1))
    between = np.maximum(apart[:, None], apart[None]) < apart[..., None]
    pairs = np.argwhere(np.triu(~between.any(axis=2), 1)).tolist()
    names = tuple(f"point {i + 1}" for i in range(count))
    return WayGraph(names, raster.to_metres(points), tuple(Edge(i, j) for i, j in pairs))


def _spread(places: Floats, first: int, count: int) -> list[int]:
    """Indices of places, (n, 2): each the farthest from those before it."""
    chosen, away = [first], np.full(len(places), np.inf)
    while len(chosen) < count:
        away = np.minimum(away, np.hypot(*(places - places[chosen[-1]]).T))
        chosen.append(int(away.argmax()))
    return chosen
