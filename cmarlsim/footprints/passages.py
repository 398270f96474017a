"""What news must cross on its way: blocks between cut nodes, and paths through them without a common edge."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np

from cmarlsim.footprints.footprint import Footprint
from cmarlsim.kernels.world import Floats, Ints

Neighbours = list[list[tuple[int, int]]]
"""Lists of the neighbours of every node, each with the number of the edge that leads there."""


class Passage(NamedTuple):
    """A block (a largest part without a cut node) that news must cross, in at one node and out at another."""

    edges: Ints  # numbers of its edges
    entry: int
    exit: int


def neighbours(footprint: Footprint, edges: Ints | None = None) -> Neighbours:
    """Neighbours over some edges, by number, or over all."""
    near: Neighbours = [[] for _ in range(footprint.N)]
    for e in range(len(footprint.edges)) if edges is None else edges.tolist():
        i, j = footprint.edges[e].tolist()
        near[i].append((j, e))
        near[j].append((i, e))
    return near


def blocks(near: Neighbours, edges: int) -> Ints:
    """Number of the block that each edge of a connected graph is in, (edges,), by Hopcroft and Tarjan."""
    block, count = np.full(edges, -1), 0
    depth, low = [-1] * len(near), [0] * len(near)
    depth[0], open_edges = 0, []
    walk = [(0, -1, iter(near[0]))]  # node, the edge it was entered by, and where to go from it
    while walk:
        node, entered, rest = walk[-1]
        for other, e in rest:
            if depth[other] < 0:
                open_edges.append(e)
                depth[other] = low[other] = depth[node] + 1
                walk.append((other, e, iter(near[other])))
                break
            if e != entered and depth[other] < depth[node]:
                open_edges.append(e)
                low[node] = min(low[node], depth[other])
        else:
            walk.pop()
            if walk and low[node] >= depth[walk[-1][0]]:
                while block[entered] < 0:
                    block[open_edges.pop()] = count
                count += 1
            elif walk:
                low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
    return block


def quickest_path(footprint: Footprint, cost: Floats, source: int, agent: int) -> list[int]:
    """Nodes of a path of least cost, from end to end; `cost` (F,) is of every edge, above 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    ends, shape = tuple(footprint.edges.T), (footprint.N, footprint.N)
    costs = coo_array((cost, ends), shape=shape).tocsr()
    _, before = dijkstra(costs, directed=False, indices=source, return_predecessors=True)
    path = [agent]
    while path[-1] != source:
        path.append(int(before[path[-1]]))
    return path[::-1]


def edges_of(footprint: Footprint, path: list[int]) -> list[int]:
    """Numbers of the edges that a path of nodes takes."""
    ends = np.sort(np.stack([path[:-1], path[1:]], axis=1), axis=1)
    codes = footprint.edges @ [footprint.N, 1]  # in order, as the edges are
    return np.searchsorted(codes, ends @ [footprint.N, 1]).tolist()


def passages(footprint: Footprint, source: int, agent: int) -> list[Passage]:
    """Blocks between two nodes, in the order in which every way crosses them."""
    block = blocks(neighbours(footprint), len(footprint.edges))
    path = quickest_path(footprint, np.ones(len(footprint.edges)), source, agent)
    steps = zip(path, path[1:], block[edges_of(footprint, path)].tolist(), strict=False)
    found = []
    for number, group in groupby(steps, key=lambda step: step[2]):
        crossed = list(group)
        found.append(Passage(np.flatnonzero(block == number), crossed[0][0], crossed[-1][1]))
    return found


def disjoint_paths(footprint: Footprint, passage: Passage, cost: Floats) -> Iterator[list[list[int]]]:
    """Families of 1, 2, ... paths through a block without a common edge, as many as there can be.

    Each is a flow of least cost: the one before it, and one more path that may take back edges.

    Parameters
    ----------
    cost
        (F,) of every edge of the footprint, at least 1. It counts in thousandths.

    Yields
    ------
    list of paths, each a list of edges by number
    """
    near, weight = neighbours(footprint, passage.edges), [round(1000 * each) for each in cost]
    towards: dict[int, int] = {}  # the node to which the flow takes an edge
    while (more := _cheapest_addition(near, weight, towards, passage)) is not None:
        for node, e in more:
            if e in towards:
                del towards[e]
            else:
                towards[e] = node
        yield _taken_apart(near, towards, passage)


def _cheapest_addition(
    near: Neighbours, weight: list[int], towards: dict[int, int], passage: Passage
) -> list[tuple[int, int]] | None:
    """Cheapest path for which a flow leaves room, as steps (node, edge), by Bellman and Ford; or None."""
    costs, came = {passage.entry: 0}, dict[int, tuple[int, int]]()
    queue = deque([passage.entry])
    while queue:
        node = queue.popleft()
        for other, e in near[node]:
            if towards.get(e) != other:
                reached = costs[node] + (-weight[e] if e in towards else weight[e])
                if other not in costs or reached < costs[other]:
                    costs[other], came[other] = reached, (node, e)
                    queue.append(other)
    if passage.exit not in costs:
        return None
    steps, node = [], passage.exit
    while node != passage.entry:
        before, e = came[node]
        steps.append((node, e))
        node = before
    return steps


def _taken_apart(near: Neighbours, towards: dict[int, int], passage: Passage) -> list[list[int]]:
    """Paths that a flow consists of."""
    left, paths = dict(towards), list[list[int]]()
    while any(left.get(e) == other for other, e in near[passage.entry]):
        node, path = passage.entry, list[int]()
        while node != passage.exit:
            node, e = next((other, e) for other, e in near[node] if left.get(e) == other)
            del left[e]
            path.append(e)
        paths.append(path)
    return paths
