"""Waypoints at the cores of rooms and in their doors, and the ways between them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from cmarlsim.kernels.world import Bools, Floats, Ints
from cmarlsim.maps.draft import Edge, WayGraph
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.rooms.finding import Found
from cmarlsim.maps.ways.routing import line_is_free, shortest_way, shortest_ways

_CLEAR = 0.5  # metres that ways keep from walls where there is space
_NEIGHBOURS = 5  # of a waypoint along a corridor that ways to are looked for
_PLACES = 8  # in a building of one room, beside its core
_NEAR = 0.6  # metres; nearer waypoints of a room are one


def make_graph(raster: Raster, inside: Bools, found: Found) -> WayGraph:
    """A graph that leads from room to room through all doors.

    In a room each door is joined to the core; along a corridor waypoints are joined to those that follow.
    A building of one room has several places to go to.

    Parameters
    ----------
    raster
        The plan.
    inside
        Whether a cell is free and belongs to the building, (H, W).
    found
        Its rooms and doors.

    Returns
    -------
    WayGraph
        Its lines lead through free cells only. It is connected if the cells inside are.
    """
    graph = _Growing(raster, inside)
    core, middle = raster.to_cells(found.core), raster.to_cells(found.door_middle)
    cores = [graph.add(place, room.name) for place, room in zip(core, found.rooms, strict=True)]
    doors = [graph.add(place, door.name) for place, door in zip(middle, found.doors, strict=True)]
    if len(cores) == 1:
        places = _spread(graph.inside, core[0], _CLEAR / raster.resolution)
        others = [graph.add(place, f"place {n}") for n, place in enumerate(places, 1)]
        graph.chain(_Window(graph.inside, found.label, 0), [cores[0], *others])
        graph.connect()
        return graph.made()
    for number, first in enumerate(cores):
        own = [door for door, pair in zip(doors, found.door_rooms, strict=True) if number in pair]
        around = _Window(graph.inside, found.label, number)
        if found.elongated[number]:
            graph.chain(around, [first, *own])
        else:
            graph.star(around, first, own)
    graph.connect()
    return graph.made()


def _spread(inside: Bools, first: Floats, clear: float) -> Floats:
    """Places far from each other and from the first, clear of walls where there is space, in cells."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    cell = np.argwhere(depth >= min(clear, depth.max()))[:, ::-1] + 0.5
    far = np.linalg.norm(cell - first, axis=1)
    places: list[Floats] = []
    while len(places) < _PLACES and far.max() > 2 * clear:
        places.append(cell[np.argmax(far)])
        far = np.minimum(far, np.linalg.norm(cell - places[-1], axis=1))
    return np.array(places).reshape(-1, 2)


class _Window:
    """The free cells of a room and those just behind its doors."""

    def __init__(self, inside: Bools, label: Ints, number: int) -> None:
        from scipy import ndimage

        row, column = np.nonzero(label == number)
        low, high = (
            np.maximum((row.min() - 3, column.min() - 3), 0),
            np.array((row.max() + 4, column.max() + 4)),
        )
        part = tuple(slice(*ends) for ends in zip(low, high, strict=True))
        near = ndimage.binary_dilation(label[part] == number, np.ones((3, 3)), iterations=2)
        self._inside = inside[part] & near
        self._corner = low[::-1]

    def ways(self, start: Floats, ends: Floats, clear: float) -> list[Floats | None]:
        """Ways from one place to others, in cells of the map."""
        ways = shortest_ways(self._inside, start - self._corner, ends - self._corner, clear)
        return [None if way is None else way + self._corner for way in ways]


class _Growing:
    """A graph in cells that ways are added to."""

    def __init__(self, raster: Raster, inside: Bools) -> None:
        self.inside = inside
        self._raster = raster
        self._clear = _CLEAR / raster.resolution
        self._names: list[str] = []
        self._places: list[Floats] = []
        self._edges: set[tuple[int, int]] = set()

    def add(self, place: Floats, name: str) -> int:
        """A waypoint more; its number."""
        self._names.append(name)
        self._places.append(place)
        return len(self._names) - 1

    def star(self, around: _Window, first: int, others: list[int]) -> None:
        """Ways from one waypoint to others."""
        if not others:
            return
        ends = np.array([self._places[other] for other in others])
        ways = around.ways(self._places[first], ends, self._clear)
        for other, way in sorted(zip(others, ways, strict=True), key=lambda pair: _length(pair[1])):
            self._lay(first, other, way)

    def chain(self, around: _Window, members: list[int]) -> None:
        """Ways between waypoints that have none between them: nearer to both than they are to each other."""
        places = np.array([self._places[member] for member in members])
        straight = np.linalg.norm(places[:, None] - places, axis=2)
        near = straight <= np.sort(straight, axis=1)[:, min(_NEIGHBOURS, len(places) - 1)][:, None]
        ways: dict[tuple[int, int], Floats | None] = {}
        for one, place in enumerate(places):
            later = [two for two in np.flatnonzero(near[one] | near[:, one]).tolist() if two > one]
            if later:
                found = around.ways(place, places[later], self._clear)
                ways |= {(one, two): way for two, way in zip(later, found, strict=True)}
        apart = np.full(straight.shape, np.inf)
        for (one, two), way in ways.items():
            apart[one, two] = apart[two, one] = _length(way)
        for (one, two), way in ways.items():
            if not (np.maximum(apart[one], apart[two]) < apart[one, two]).any():
                self._lay(members[one], members[two], way)

    def connect(self) -> None:
        """A way from each part of the graph that is apart to the first."""
        while (apart := np.flatnonzero(self._part() > 0)).size:
            near = np.flatnonzero(self._part() == 0)
            places = np.array(self._places)
            gap = np.linalg.norm(places[apart][:, None] - places[near], axis=2)
            one, two = np.unravel_index(np.argmin(gap), gap.shape)
            first, second = int(near[two]), int(apart[one])
            way = shortest_way(self.inside, self._places[first], self._places[second], self._clear)
            if way is None:
                self._drop(np.flatnonzero(self._part() == self._part()[second]))
            else:
                self._lay(first, second, way)

    def made(self) -> WayGraph:
        """The graph in metres."""
        position = self._raster.to_metres(np.array(self._places).reshape(-1, 2))
        return WayGraph(tuple(self._names), position, tuple(Edge(*edge) for edge in sorted(self._edges)))

    def _lay(self, first: int, last: int, way: Floats | None) -> None:
        """Edges along a way, with waypoints at its bends, or at those that are there already."""
        if way is None:
            return
        passed = [first]
        for count, bend in enumerate(way[1:-1], 1):
            known = self._near(bend, passed[-1], way[count + 1])
            passed.append(self.add(bend, f"bend {len(self._names)}") if known is None else known)
        passed.append(last)
        self._edges |= {(min(pair), max(pair)) for pair in pairwise(passed) if pair[0] != pair[1]}

    def _near(self, bend: Floats, before: int, after: Floats) -> int | None:
        """A bend so near to another that it can stand for it."""
        places = np.array(self._places)
        gap = np.linalg.norm(places - bend, axis=1)
        for known in np.argsort(gap):
            if gap[known] > _NEAR / self._raster.resolution:
                return None
            ends = np.stack((self._places[before], after))
            if line_is_free(self.inside, np.repeat(places[known][None], 2, axis=0), ends).all():
                return int(known)
        return None

    def _part(self) -> Ints:
        """The connected part of the graph that each waypoint is in; that of the first is 0."""
        from scipy import sparse
        from scipy.sparse import csgraph

        one, two = np.array(sorted(self._edges), int).reshape(-1, 2).T
        size = len(self._names)
        part = csgraph.connected_components(sparse.coo_array((np.ones(len(one)), (one, two)), (size, size)))[
            1
        ]
        return np.where(part == part[0], 0, part + 1)

    def _drop(self, gone: Ints) -> None:
        """The same without some waypoints."""
        kept = [n for n in range(len(self._names)) if n not in set(gone.tolist())]
        number = {old: new for new, old in enumerate(kept)}
        self._names = [self._names[n] for n in kept]
        self._places = [self._places[n] for n in kept]
        self._edges = {(number[a], number[b]) for a, b in self._edges if a in number and b in number}


def _length(way: Floats | None) -> float:
    """The length of a way in cells; infinite where there is none."""
    return float("inf") if way is None else float(np.linalg.norm(np.diff(way, axis=0), axis=1).sum())
