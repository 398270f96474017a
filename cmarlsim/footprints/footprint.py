"""Footprint graphs with a probability for every edge: by name, from pairs, or fitted to a recording."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cmarlsim.errors import InputError, shown
from cmarlsim.graphs import MOST_EDGES, check_connected, named_edges, parsed
from cmarlsim.kernels.world import Floats, Ints
from cmarlsim.recordings.recording import Recording

MOST_NODES_NAMED = 10_000
"""Distances between all of them are measured."""

MOST_NODES_LISTED = 100_000
"""The components of graphs with more are not looked for where edges are too few to join all nodes."""

BLOCK = 2**22
"""Distances that are looked at together."""

MOST_PARTS = 64
"""Parts among which `strongest` looks for the best, evenly spread if there are more."""


@dataclass(frozen=True, eq=False)
class Footprint:
    """A connected graph on the agents 0 .. N - 1, whose edges are active independently at every step.

    `name` says where it comes from, for messages. Edges are kept in lexicographic order, the lower agent
    first.

    Raises
    ------
    InputError
        If a node is unknown, an edge is doubled or joins a node to itself, a probability is outside (0, 1],
        or the graph is not connected: Section II assumes it is.
    """

    name: str
    N: int
    edges: Ints  # (F, 2)
    p: Floats  # (F,) edge probabilities, eq. (4); one number stands for all

    def __post_init__(self) -> None:
        edges = np.sort(np.asarray(self.edges, dtype=np.int64).reshape(-1, 2), axis=1)
        p = np.array(np.broadcast_to(np.asarray(self.p, dtype=np.float64), len(edges)))
        order = np.lexsort(edges.T[::-1])
        object.__setattr__(self, "edges", edges[order])
        object.__setattr__(self, "p", p[order])
        self._check()

    def _check(self) -> None:
        edges, p = self.edges, self.p
        if self.N > MOST_EDGES:
            raise InputError(f"{self.name}: {self.N:,} nodes, more than {MOST_EDGES:,}: count them from 0")
        if len(edges) > MOST_EDGES:
            raise InputError(f"{self.name}: {len(edges):,} edges, more than {MOST_EDGES:,}: use fewer")
        doubled = np.r_[False, (edges[1:] == edges[:-1]).all(axis=1)]
        wrong = (edges[:, 0] < 0) | (edges[:, 1] >= self.N) | (edges[:, 0] == edges[:, 1]) | doubled
        if wrong.any():
            i, j = edges[wrong][0]
            raise InputError(
                f"{self.name}: edge [{i}, {j}] must be two different nodes of 0 to {self.N - 1}, listed once"
            )
        outside = ~((p > 0) & (p <= 1))
        if outside.any():
            i, j = edges[outside][0]
            raise InputError(f"{self.name}: p = {p[outside][0]:g} of edge [{i}, {j}]: must be in (0, 1]")
        if max(MOST_NODES_LISTED, len(edges) + 1) < self.N:
            raise InputError(f"{self.name}: not connected: {self.N:,} nodes, but {len(edges):,} edges only")
        check_connected(self.name, self.N, edges.tolist())

    @cached_property
    def _matrix(self) -> Any:
        from scipy.sparse import coo_array

        return coo_array((np.ones(len(self.edges)), tuple(self.edges.T)), shape=(self.N, self.N)).tocsr()

    def distances(self, source: int | Ints) -> Ints:
        """Number of edges from a node, or from each of several, to every node: (N,) or (sources, N)."""
        from scipy.sparse.csgraph import shortest_path

        away = shortest_path(self._matrix, directed=False, unweighted=True, indices=source)
        return away.astype(np.int64)

    @cached_property
    def diametral(self) -> tuple[int, int]:
        """The first two nodes, the lower one first, that are as far apart as any."""
        farthest, ends, several = -1, (0, 0), max(1, BLOCK // self.N)
        for first in range(0, self.N, several):
            away = self.distances(np.arange(first, min(first + several, self.N)))
            if away.max() > farthest:
                farthest = int(away.max())
                source, agent = np.unravel_index(away.argmax(), away.shape)
                ends = first + int(source), int(agent)
        return ends

    @property
    def diameter(self) -> int:
        """d_G, the largest distance of two nodes."""
        source, agent = self.diametral
        return int(self.distances(source)[agent])


def named(spec: str, p: ArrayLike, seed: int = 0) -> Footprint:
    """Footprint by name and size, such as ``path:6`` or ``erdos-renyi:8:0.4`` (see `graphs.EXAMPLES`).

    Random ones are drawn from the stream of `seed`, anew until they are connected.

    Raises
    ------
    InputError
        If there is no such footprint, it is too large, or disconnected each time.
    """
    N = parsed(spec).nodes
    if N > MOST_NODES_NAMED:
        raise InputError(
            f"footprint = {shown(spec)}: has {N:,} nodes, more than {MOST_NODES_NAMED:,}: use fewer"
        )
    return Footprint(spec, N, named_edges(spec, seed=seed), np.asarray(p))


def linked(recording: Recording) -> Floats:
    """Fraction of the steps in which two agents were linked, (N, N), of a recording of level ``step``.

    Raises
    ------
    InputError
        If the level keeps no links.
    """
    N = recording.scenario.agents.N
    count, block = np.zeros((N, N)), max(1, 2**24 // N**2)
    for first in range(0, recording.steps, block):
        count += recording.links(first, min(first + block, recording.steps)).sum(axis=0)
    return count / max(recording.steps, 1)


def fitted(*recordings: Recording) -> Footprint:
    """Footprint of runs of one team, of level ``step``: pairs ever linked, and how often each was.

    Raises
    ------
    InputError
        As `linked`, or if the pairs ever linked do not connect all agents.
    """
    share = np.mean([linked(recording) for recording in recordings], axis=0)
    edges = np.argwhere(np.triu(share) > 0)
    return Footprint(recordings[0].path, len(share), edges, share[tuple(edges.T)])


def strongest(footprint: Footprint) -> Footprint:
    """Part of a footprint that (22) promises most for: of the edges with some p or more, least d_G / p."""
    parts, levels = [], np.unique(footprint.p)
    if len(levels) > MOST_PARTS:
        levels = levels[np.linspace(0, len(levels) - 1, MOST_PARTS).round().astype(int)]
    for p in levels:
        kept = footprint.p >= p
        try:
            parts.append(Footprint(footprint.name, footprint.N, footprint.edges[kept], footprint.p[kept]))
        except InputError:  # not connected, and no more so with fewer edges
            break
    return min(parts, key=lambda part: part.diameter / part.p.min())
