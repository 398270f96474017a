"""Which free space of a raster is the building, and edges of a graph that lead through it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from cmarlsim.errors import InputError, listed
from cmarlsim.kernels.world import Bools, Floats
from cmarlsim.maps.draft import Edge, Remark, WayGraph
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.ways.clearance import CLEAR, LEAST, clear_cells, gap_of_line
from cmarlsim.maps.ways.placing import placed, values_at
from cmarlsim.maps.ways.routing import line_is_free, shortest_way, shortest_ways

_SMALL = 0.1  # of the largest piece of free space: smaller ones are no buildings
_DETOUR = 1.1  # times the shortest way, at most, to be clear of walls


def building_of(raster: Raster, seeds: Floats | None) -> tuple[Bools, Remark]:
    """The piece of free space that is the building; cells hang together by their sides.

    It is the one that holds most seeds; without seeds in free space the largest that does not touch the
    border of the raster, unless that is much smaller than the largest of all, which it is else.

    Parameters
    ----------
    seeds
        Points in the building, (n, 2) in metres, such as waypoints.

    Returns
    -------
    tuple[Bools, Remark]
        Which cells are in the building, (H, W), and why.

    Raises
    ------
    InputError
        If no cell is free.
    """
    from scipy import ndimage

    label, count = ndimage.label(raster.free)
    if not count:
        raise InputError("no cell of the map is free: are its thresholds right, and is white what is free?")
    size = np.bincount(label.ravel(), minlength=count + 1)
    size[0] = 0
    votes = np.zeros(count + 1, dtype=np.int64)
    if seeds is not None and len(seeds):
        votes = np.bincount(values_at(label, raster.to_cells(seeds)), minlength=count + 1)
        votes[0] = 0
    closed = size.copy()
    closed[np.unique(np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]]))] = 0
    if seeds is not None and votes.any():
        chosen = int(np.lexsort((size, votes))[-1])
        why = f"it holds {votes[chosen]:,} of {len(seeds):,} waypoints"
    elif closed.max() >= _SMALL * size.max():
        chosen, why = int(closed.argmax()), "it is the largest that does not touch the border"
    else:
        chosen, why = int(size.argmax()), "it is the largest"
    share = size / size.sum()
    text = f"The building is {share[chosen]:.1%} of the free space, in one piece: {why}"
    share[chosen] = 0
    if count > 1:
        border = "" if closed[share.argmax()] else ", which touches the border"
        text += f"; left out are {count - 1:,} more, of at most {share.max():.1%}{border}"
    return label == chosen, Remark("found" if votes.any() or count == 1 else "guessed", f"{text}.")


class _Way(NamedTuple):
    """How to go between two waypoints: in a straight line, or another way where that is blocked."""

    points: Floats  # (k, 2) in cells
    blocked: bool
    gap: float  # cells to what is not free, `CLEAR` at most


def rerouted(
    raster: Raster, inside: Bools, graph: WayGraph, clearance: float = 0.3
) -> tuple[WayGraph, tuple[Remark, ...]]:
    """The graph with all its waypoints and edges in free space.

    Waypoints in walls, or less than `CLEAR` cells from them, are moved to free space if that is near. Edges
    whose straight line touches a cell that is not inside lead through new waypoints, which are named like
    ``a-b 1``, and are as long as that way. Those that only come too near to walls bend as well, and keep
    the length that they have.

    Parameters
    ----------
    inside
        The cells of the building, (H, W).
    clearance
        The distance that new ways keep from walls where there is space, in metres.

    Raises
    ------
    InputError
        All waypoints that are in walls or off the map, or all edges for which there is no way, by name.
    """
    cells, remarks = placed(raster, inside, graph)
    pairs = list(dict.fromkeys(_pair(edge) for edge in graph.edges))
    names = {pair: f"{graph.names[pair[0]]}-{graph.names[pair[1]]}" for pair in pairs}
    if together := [names[a, b] for a, b in pairs if (cells[a] == cells[b]).all()]:
        raise InputError(
            f"graph: off the walls, the ends of these edges fall on one place: {listed(together)}"
        )
    ways = _ways(inside, cells, pairs, clearance / raster.resolution)
    lost = [names[pair] for pair in pairs if pair not in ways]
    if lost:
        raise InputError(f"graph: there is no way through free space for these edges: {listed(lost)}")
    bends = {pair: way.points[1:-1] for pair, way in ways.items() if len(way.points) > 2}
    first = dict(zip(bends, np.cumsum([len(graph.names), *map(len, bends.values())]).tolist(), strict=False))
    edges = [
        piece
        for edge in graph.edges
        for piece in _pieces(edge, ways[_pair(edge)], first.get(_pair(edge), 0), raster.resolution)
    ]
    new = [f"{names[pair]} {i + 1}" for pair, points in bends.items() for i in range(len(points))]
    position = np.where(cells == raster.to_cells(graph.position), graph.position, raster.to_metres(cells))
    whole = WayGraph(
        _different([*graph.names, *new]),
        np.concatenate([position, *map(raster.to_metres, bends.values())]),
        tuple(edges),
    )
    return whole, (*remarks, *_remarks(raster, graph, names, ways))


def _pair(edge: Edge) -> tuple[int, int]:
    return min(edge.start, edge.end), max(edge.start, edge.end)


def _ways(
    inside: Bools, cells: Floats, pairs: list[tuple[int, int]], comfort: float
) -> dict[tuple[int, int], _Way]:
    """The way between the waypoints of each pair for which there is one."""
    ends = cells[np.array(pairs, dtype=np.int64).reshape(-1, 2)]
    free = line_is_free(inside, ends[:, 0], ends[:, 1]).tolist()
    ways = {}
    for pair, line, is_free in zip(pairs, ends, free, strict=True):
        ways[pair] = _Way(line, not is_free, gap_of_line(inside, line[0], line[1], CLEAR))
    unclear = sorted(pair for pair, way in ways.items() if way.gap < CLEAR)
    core = clear_cells(inside)
    for start, group in groupby(unclear, key=itemgetter(0)):
        near = list(group)
        found = shortest_ways(inside, cells[start], cells[[end for _, end in near]], comfort)
        for pair, points in zip(near, found, strict=True):
            straight = ways.pop(pair)
            way = None if points is None else _clearest(inside, core, points, comfort)
            if straight.blocked:
                kept = way
            elif way and _is_better(way, straight):
                kept = way._replace(blocked=False)
            else:
                kept = straight
            if kept:
                ways[pair] = kept
    return ways


def _is_better(way: _Way, straight: _Way) -> bool:
    """Whether a way is worth its bends."""
    clearer = way.gap == CLEAR or straight.gap < LEAST <= way.gap
    return clearer and _length(way.points) <= _DETOUR * _length(straight.points)


def _clearest(inside: Bools, core: Bools, points: Floats, comfort: float) -> _Way:
    """The way through these points, or one between its ends that is clearer of walls and not much longer."""
    way = _measured(inside, points)
    if way.gap < CLEAR:
        other = shortest_way(_with_ends(core, points[[0, -1]]), points[0], points[-1], comfort)
        if other is not None and _length(other) <= _DETOUR * _length(points):
            way = max(way, _measured(inside, other), key=lambda each: each.gap)
    if way.gap < LEAST and (other := _through_thirds(inside, points, comfort)) is not None:
        way = max(way, _measured(inside, other), key=lambda each: each.gap)
    return way


def _with_ends(core: Bools, ends: Floats) -> Bools:
    core = core.copy()
    column, row = np.floor(ends).astype(int).T
    core[row, column] = True
    return core


def _through_thirds(inside: Bools, points: Floats, comfort: float) -> Floats | None:
    """A way beside another that keeps a third of a cell clear, for passages that are a cell or two wide."""
    low = np.maximum(np.floor(points.min(axis=0)).astype(int) - 3, 0)
    high = np.ceil(points.max(axis=0)).astype(int) + 3
    window = inside[low[1] : high[1], low[0] : high[0]]
    thirds = clear_cells(np.kron(window, np.ones((3, 3), dtype=np.bool_)))
    ends = 3 * (points[[0, -1]] - low)
    way = shortest_way(_with_ends(thirds, ends), ends[0], ends[1], 3 * comfort)
    return None if way is None else way / 3 + low


def _measured(inside: Bools, points: Floats) -> _Way:
    gaps = [gap_of_line(inside, a, b, CLEAR) for a, b in pairwise(points)]
    return _Way(points, True, min(gaps))


def _length(points: Floats) -> float:
    return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


def _pieces(edge: Edge, way: _Way, first: int, resolution: float) -> Iterator[Edge]:
    """The edges of a way that takes the place of an edge; its bends are numbered from `first`."""
    if len(way.points) == 2:
        yield edge
        return
    chain = [min(edge.start, edge.end), *range(first, first + len(way.points) - 2), max(edge.start, edge.end)]
    metres = np.linalg.norm(np.diff(way.points, axis=0), axis=1) * resolution
    own = None if way.blocked else edge.length
    lengths = metres if own is None else metres * own / metres.sum()
    for start, end, length in zip(chain, chain[1:], lengths.tolist(), strict=False):
        ends = (start, end) if edge.start < edge.end else (end, start)
        yield Edge(*ends, None if own is None else length, edge.one_way)


def _different(names: list[str]) -> tuple[str, ...]:
    """The names, of which those that stand twice go on with a prime."""
    known: set[str] = set()
    for i, name in enumerate(names):
        while name in known:
            name += "'"
        known.add(name)
        names[i] = name
    return tuple(names)


def _remarks(
    raster: Raster, graph: WayGraph, names: dict[tuple[int, int], str], ways: dict[tuple[int, int], _Way]
) -> Iterator[Remark]:
    lengths = {_pair(edge): edge.length for edge in graph.edges}
    for pair, way in ways.items():
        if way.blocked:
            metres = _length(way.points) * raster.resolution
            own = lengths[pair]
            instead = f" instead of {own:.2f}" if own is not None else ""
            text = f"The straight line of {names[pair]} is blocked; the way round is {metres:.2f} m{instead}."
            x, y = raster.to_metres(way.points[len(way.points) // 2]).tolist()
            yield Remark("warning", text, (x, y))
    said = {
        "come near to walls in a straight line, so they bend, and keep their lengths": [
            names[pair] for pair, way in ways.items() if not way.blocked and len(way.points) > 2
        ],
        f"are nearer to walls than {CLEAR} cells somewhere, where there is no more space": [
            names[pair] for pair, way in ways.items() if way.gap < CLEAR
        ],
    }
    for text, found in said.items():
        if found:
            yield Remark("found", f"These edges {text}: {listed(found)}.")
