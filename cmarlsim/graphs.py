"""Footprint graphs: which pairs of agents may ever talk, Section II; by name and size, or as pairs."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from random import Random
from typing import NamedTuple

import numpy as np

from cmarlsim.errors import InputError, nearest, shown
from cmarlsim.kernels.world import Ints
from cmarlsim.randomness import stream
from cmarlsim.validation import real

EXAMPLES = {
    "complete:N": "complete:8",
    "path:N": "path:8",
    "cycle:N": "cycle:8",
    "star:N": "star:8",
    "grid:ROWSxCOLUMNS": "grid:3x4",
    "erdos-renyi:N:PROBABILITY": "erdos-renyi:8:0.4",
    "random-geometric:N:RADIUS": "random-geometric:8:0.5",
}
"""Footprints by name, and examples. A star's centre is agent 0; geometric ones are in the unit square."""

PATTERNS = {pattern.partition(":")[0]: pattern for pattern in EXAMPLES}

FOOTPRINTS = f"a list of pairs of agents, or {', '.join(EXAMPLES)}"
"""What a scenario's footprint can be, for messages."""

MOST_EDGES = 2**24
"""Every step draws for each of them."""

MOST_NUMBER = 1e15
"""Numbers after a name are below this, so that sizes can be computed."""

DRAWINGS = 100
"""A random footprint is drawn anew until it is connected, at most so often."""


def components(nodes: int, edges: Iterable[Sequence[int]]) -> list[list[int]]:
    """Connected components of a graph on 0 to `nodes` - 1: sorted nodes, the component of node 0 first."""
    parent = list(range(nodes))

    def lowest(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for i, j in edges:
        low, high = sorted((lowest(i), lowest(j)))
        parent[high] = low
    found: dict[int, list[int]] = {}
    for node in range(nodes):
        found.setdefault(lowest(node), []).append(node)
    return list(found.values())


def check_connected(name: str, nodes: int, edges: Iterable[Sequence[int]], most: int = 8) -> None:
    """Raise InputError if a graph is not connected, as Section II assumes; it lists `most` components."""
    parts = components(nodes, edges)
    if len(parts) > 1:
        shown = [
            f"[{', '.join(map(str, part[:most]))}{f', ... {len(part) - most} more' * (len(part) > most)}]"
            for part in parts[:most]
        ]
        rest = f" and {len(parts) - most} more" if len(parts) > most else ""
        raise InputError(f"{name}: not connected, its components are {', '.join(shown)}{rest}")


class NamedGraph(NamedTuple):
    """A footprint by name, with the numbers that follow the name."""

    name: str
    numbers: tuple[float, ...]

    @property
    def nodes(self) -> int:
        """Number of agents that it is for."""
        return math.prod(map(int, self.numbers)) if self.name == "grid" else int(self.numbers[0])

    @property
    def size(self) -> int:
        """Number of edges, or somewhat more; the mean number if it is drawn."""
        pairs, last = self.nodes * (self.nodes - 1) / 2, self.numbers[-1]
        mean = {
            "complete": pairs,
            "grid": 2 * self.nodes,
            "erdos-renyi": last * pairs,
            "random-geometric": min(1.0, math.pi * last**2) * pairs,
        }
        return math.ceil(mean.get(self.name, self.nodes))


def parsed(text: str, agents: int | None = None) -> NamedGraph:
    """Read a footprint's name and size, such as ``star:6`` or ``erdos-renyi:8:0.4`` (see `EXAMPLES`).

    Parameters
    ----------
    agents
        N of the scenario that the footprint is for. It need not be repeated after ``complete``, ``path``,
        ``cycle`` and ``star``.

    Raises
    ------
    InputError
        If there is no such footprint, it has too many edges, or it is for another number of agents.
    """
    name, colon, rest = text.partition(":")
    if name not in PATTERNS:
        known = f"a file, or {', '.join(EXAMPLES)}" if agents is None else FOOTPRINTS
        raise InputError(f"footprint = {shown(text)}: must be {known}{nearest(name, PATTERNS)}")
    pattern = PATTERNS[name]
    sized_by_agents = agents is not None and pattern == f"{name}:N"
    if not colon and sized_by_agents:
        rest = str(agents)
    try:
        numbers = tuple(map(real, re.split("[:x]", rest)))
    except ValueError:
        numbers = ()
    whole = numbers if name == "grid" else numbers[:1]
    fits = len(numbers) == len(re.split("[:x]", pattern)) - 1 and all(0 < x < MOST_NUMBER for x in numbers)
    if not fits or any(x != int(x) for x in whole) or (name == "erdos-renyi" and numbers[1] > 1):
        raise InputError(f"footprint = {shown(text)}: must be {pattern}, for example {EXAMPLES[pattern]}")
    graph = NamedGraph(name, numbers)
    if agents is not None and graph.nodes != agents:
        right = f": write {name}" if sized_by_agents else ""
        raise InputError(
            f"footprint = {shown(text)}: is for {graph.nodes} agents, must be for agents.N = {agents}{right}"
        )
    if graph.size > MOST_EDGES:
        raise InputError(
            f"footprint = {shown(text)}: about {graph.size:,} edges for N = {graph.nodes} agents, more than "
            f"{MOST_EDGES:,}: use fewer agents or another footprint"
        )
    return graph


def named_edges(text: str, agents: int | None = None, seed: int = 0) -> Ints:
    """Edges of a footprint by name, as `footprint_edges` lists them.

    Random ones are drawn from the stream of `seed`, anew until they are connected.

    Raises
    ------
    InputError
        As `parsed`, or if it is disconnected each time (the message lists components).
    """
    graph = parsed(text, agents)
    drawn = graph.name in ("erdos-renyi", "random-geometric")
    for attempt in range(DRAWINGS if drawn else 1):
        number = int(stream(seed, f"footprint/{text}", attempt).integers(2**32)) if drawn else 0
        edges = _edges(graph, number)
        if len(edges) >= graph.nodes - 1 and len(components(graph.nodes, edges.tolist())) == 1:
            return edges
    check_connected(text, graph.nodes, edges.tolist())
    return edges


def _edges(graph: NamedGraph, seed: int) -> Ints:
    n, N = np.arange(graph.nodes - 1), graph.nodes
    if graph.name == "complete":
        pairs = np.stack(np.triu_indices(N, k=1), axis=1)
    elif graph.name == "star":
        pairs = np.stack([np.zeros_like(n), n + 1], axis=1)
    elif graph.name == "grid":
        node = np.arange(N).reshape([int(number) for number in graph.numbers])
        beside, below = (node[:, :-1], node[:, 1:]), (node[:-1], node[1:])
        pairs = np.concatenate([np.stack([a.ravel(), b.ravel()], axis=1) for a, b in (beside, below)])
    elif graph.name == "erdos-renyi":
        pairs = _erdos_renyi(N, graph.numbers[1], Random(seed))
    elif graph.name == "random-geometric":
        pairs = _random_geometric(N, graph.numbers[1], Random(seed))
    else:
        ring = [[0, N - 1]] if graph.name == "cycle" and N > 2 else np.zeros((0, 2), dtype=np.int64)
        pairs = np.concatenate([np.stack([n, n + 1], axis=1), ring])
    return pairs[np.lexsort(pairs.T[::-1])].astype(np.int64)


def _erdos_renyi(N: int, p: float, draws: Random) -> Ints:
    """Each pair with probability p: geometric jumps from one edge to the next (Batagelj and Brandes)."""
    if p == 1:
        return np.stack(np.triu_indices(N, k=1), axis=1)
    pairs, low, high = [], -1, 1
    while high < N:
        low += 1 + int(math.log(1 - draws.random()) / math.log(1 - p))
        while low >= high and high < N:
            low, high = low - high, high + 1
        if high < N:
            pairs.append((low, high))
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _random_geometric(N: int, radius: float, draws: Random) -> Ints:
    """Pairs of points of the unit square that are at most `radius` apart."""
    from scipy.spatial import KDTree

    points = [(draws.random(), draws.random()) for _ in range(N)]
    return KDTree(points).query_pairs(radius, output_type="ndarray").reshape(-1, 2)


def footprint_size(footprint: str | Sequence[tuple[int, int]], agents: int) -> int:
    """Number of edges that `footprint_edges` lists, or somewhat more; the mean number if they are drawn."""
    return parsed(footprint, agents).size if isinstance(footprint, str) else len(footprint)


def footprint_edges(footprint: str | Sequence[tuple[int, int]], agents: int) -> Ints:
    """Edges of a scenario's footprint as an (F, 2) array, each once, in order, the lower agent first.

    Parameters
    ----------
    footprint
        Name and size, such as ``star`` or ``grid:2x3`` (see `EXAMPLES`), or a list of pairs of agents. Random
        graphs are drawn with seed 0: a scenario is the same graph in every run.
    agents
        N.

    Raises
    ------
    InputError
        If there is no such footprint, it is for another number of agents, an agent is unknown, a pair is
        doubled or joins an agent to itself, or the graph is not connected (the message lists its components):
        Section II assumes it is.
    """
    if isinstance(footprint, str):
        return named_edges(footprint, agents)
    pairs: set[tuple[int, int]] = set()
    for i, j in footprint:
        pair = (min(i, j), max(i, j))
        if not (0 <= i < agents and 0 <= j < agents) or i == j or pair in pairs:
            raise InputError(
                f"footprint: [{i}, {j}] must be two different agents of 0 to {agents - 1}, listed once"
            )
        pairs.add(pair)
    check_connected("footprint", agents, pairs)
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)
