"""Shapes of rooms: polygons around labelled cells, simple ones without holes."""

from __future__ import annotations

from typing import Any

from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.maps.rooms.outlines import rings_around

_ROUGH = 2.0  # cells; corners are left out that enclose less than the square of it
_SPECKLE = 8  # cells around a hole that is none
_SLIT = 0.1  # cells; half the width of the cut to a hole that other rooms lie in


def polygons_of(label: Ints) -> list[Floats]:
    """Simple polygons around the cells of each label, in cells, (n, 2) each; they do not overlap.

    Neighbours share their border. Of a label in several pieces the largest counts. Holes are filled, or
    where others lie in them joined to the outside by a cut.

    Parameters
    ----------
    label
        The label of each cell, numbered from 0, (H, W); -1: none.
    """
    import shapely
    import shapely.affinity
    from scipy import ndimage

    exact = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(label + 1)):
        shape = _around(label[rows, columns] == number)
        exact.append(shapely.affinity.translate(shape, columns.start, rows.start))
    simple = [_largest(shape) for shape in shapely.coverage_simplify(exact, _ROUGH)]
    inner = shapely.STRtree(shapely.point_on_surface(simple))
    return [shapely.get_coordinates(_without_holes(shape, inner))[:-1] for shape in simple]


def _around(cells: Bools) -> Any:
    """The polygon around the largest piece of cells, with its holes."""
    import shapely

    rings = [shapely.LinearRing(ring) for ring in rings_around(cells)]
    outer = max((shapely.Polygon(ring) for ring in rings if ring.is_ccw), key=shapely.area)
    inner = [ring for ring in rings if ring.length > _SPECKLE and not ring.is_ccw]
    held = shapely.make_valid(outer, method="structure").covers(inner) if inner else []
    holes = [ring for ring, inside in zip(inner, held, strict=True) if inside]
    # Where an outline touches itself a hole is part of it, until it is made valid.
    return _largest(shapely.make_valid(shapely.Polygon(outer.exterior, holes), method="structure"))


def _largest(shape: Any) -> Any:
    """The largest polygon of a shape."""
    import shapely

    return max(shapely.get_parts(shape), key=shapely.area)


def _without_holes(shape: Any, inner: Any) -> Any:
    """A polygon without holes; those that hold one of the points are cut open."""
    import shapely

    holes = [hole for hole in shape.interiors if len(inner.query(shapely.Polygon(hole), "contains"))]
    shape = shapely.Polygon(shape.exterior, holes)
    while len(shape.interiors):
        line = shapely.shortest_line(shape.interiors[0], shape.exterior)
        line = line if line.length else shapely.Point(line.coords[0])
        shape = _largest(shape.difference(line.buffer(_SLIT, quad_segs=2)))
    return shape
