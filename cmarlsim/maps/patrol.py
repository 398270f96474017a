"""Graphs of patrolling_sim (`.graph`): waypoints in pixels, and the lengths of the ways between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cmarlsim.errors import InputError, listed, shown
from cmarlsim.maps.draft import Edge, Remark, WayGraph
from cmarlsim.maps.graphs import remarks_on, unconnected
from cmarlsim.maps.problems import check_none, number_in
from cmarlsim.maps.ros import COARSEST, FARTHEST, FINEST, check_resolution
from cmarlsim.storage.files import read_text, write_whole

MOST_BYTES = 10**7
"""Bytes of a graph."""

MOST_NEIGHBOURS = 8
"""Neighbours of a vertex that patrolling_sim can read."""

_DIRECTIONS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")


class _CutShortError(Exception):
    """There are no more words, or the number of those that follow is not known."""


@dataclass
class _Words:
    """The words of a file one after another, and what is wrong with them."""

    words: list[tuple[str, int]]  # with their lines
    next: int = 0
    place: str = "the header"
    problems: list[str] = field(default_factory=list)

    def word(self) -> str:
        if self.next == len(self.words):
            self.problems.append(f"the file ends in {self.place}")
            raise _CutShortError
        self.next += 1
        return self.words[self.next - 1][0]

    def wrong(self, word: str, what: str) -> None:
        line = self.words[self.next - 1][1]
        self.problems.append(f"{self.place}: line {line}: {shown(word, 40)} must be {what}")

    def number(self, what: str, low: float, high: float) -> float:
        """The next word as a number; NaN, and a problem, if it is none of this range."""
        word = self.word()
        number = number_in(word)
        if number is None or not low <= number <= high:
            self.wrong(word, what)
            return math.nan
        return number

    def whole(self, what: str, low: int, high: int) -> int:
        """The next word as a whole number; -1, and a problem, if it is none of this range."""
        word = self.word()
        number = number_in(word)
        if number is None or not low <= number <= high or number != int(number):
            self.wrong(word, what)
            return -1
        return int(number)


@dataclass
class _File:
    resolution: float  # metres a pixel
    offset: tuple[float, float]  # metres
    pixels: dict[int, tuple[float, float]]
    costs: dict[tuple[int, int], float]  # pixels, from the first vertex to the second
    parallel: list[tuple[int, int]]  # of which the file has more than one


def read_patrol_graph(path: Path) -> tuple[WayGraph, tuple[Remark, ...]]:
    """Read a graph, of the older header of four numbers or today's of six; vertex 0 becomes waypoint v0.

    A position in metres is pixel * resolution + offset, y upwards. An edge is as long as the file says, also
    where that is less than the distance of its ends. Where both directions differ, they are two one-way
    edges; of several ways between the same vertices the shortest counts.

    Raises
    ------
    InputError
        All that is wrong in it in one message, with the ids of vertices.
    """
    lines = read_text(path, MOST_BYTES).split("\n")
    words = [(word, number) for number, line in enumerate(lines, 1) for word in line.split()]
    attempts = [_parsed(_Words(words), offsets) for offsets in (True, False)]
    file, problems = min(attempts, key=lambda attempt: len(attempt[1]))
    check_none(path, problems)
    pixels = np.array([file.pixels[i] for i in range(len(file.pixels))])
    names = tuple(f"v{i}" for i in range(len(pixels)))
    graph = WayGraph(names, pixels * file.resolution + file.offset, _edges(file))
    check_none(path, unconnected(graph))
    return graph, (*_remarks(file), *remarks_on(graph))


def _parsed(words: _Words, offsets: bool) -> tuple[_File, list[str]]:
    """What a file says, if its header has offsets or has not, and all that is wrong with it then."""
    file = _File(math.nan, (0.0, 0.0), {}, {}, [])
    try:
        count = words.whole("the number of vertices", 1, len(words.words))
        for what in ("the width of the picture", "its height"):
            words.number(f"{what} in pixels", 0, FARTHEST)
        file.resolution = words.number(f"metres a pixel, {FINEST:g} to {COARSEST:g}", FINEST, COARSEST)
        if offsets:
            x, y = (words.number("an offset in metres", -FARTHEST, FARTHEST) for _ in range(2))
            file.offset = (x, y)
        for i in range(count):
            words.place = f"block {i + 1} of {count}"
            _read_vertex(words, file, count)
    except _CutShortError:
        return file, words.problems
    if left := len(words.words) - words.next:
        line = words.words[words.next][1]
        words.problems.append(f"line {line}: {left} words are left over after {count} vertices")
    words.problems.extend(_together(file))
    return file, words.problems


def _read_vertex(words: _Words, file: _File, count: int) -> None:
    vertex = words.whole(f"the id of a vertex, 0 to {count - 1}", 0, count - 1)
    if vertex >= 0:
        words.place = f"vertex {vertex}"
    if vertex in file.pixels:
        words.problems.append(f"{words.place} stands twice")
    x, y = (words.number("a position in pixels", -FARTHEST, FARTHEST) for _ in range(2))
    neighbours = words.whole("the number of neighbours", 0, count - 1)
    if neighbours < 0:
        raise _CutShortError
    file.pixels[vertex] = (x, y)
    for _ in range(neighbours):
        other = words.whole(f"the id of a neighbour, 0 to {count - 1}", 0, count - 1)
        if (direction := words.word()).upper() not in _DIRECTIONS:
            words.wrong(direction, f"a direction: {', '.join(_DIRECTIONS)}")
        cost = words.number("a cost in pixels, above 0", 1e-6, FARTHEST)
        if other == vertex:
            words.problems.append(f"{words.place} is its own neighbour")
        if (vertex, other) in file.costs:
            file.parallel.append((vertex, other))
            cost = min(cost, file.costs[vertex, other])
        file.costs[vertex, other] = cost


def _together(file: _File) -> list[str]:
    """Edges whose ends are in one place."""
    return [
        f"vertices {a} and {b} are neighbours in the same place"
        for a, b in file.costs
        if a < b and file.pixels.get(a, a) == file.pixels.get(b, b)
    ]


def _edges(file: _File) -> tuple[Edge, ...]:
    edges = []
    for (a, b), cost in file.costs.items():
        one_way = cost != file.costs.get((b, a))
        if one_way or a < b:
            edges.append(Edge(a, b, cost * file.resolution, one_way))
    return tuple(edges)


def _remarks(file: _File) -> list[Remark]:
    alone = [f"v{a} to v{b}" for a, b in file.costs if (b, a) not in file.costs]
    differing = [
        f"v{a}-v{b}"
        for (a, b), cost in file.costs.items()
        if a < b and (b, a) in file.costs and file.costs[b, a] != cost
    ]
    parallel = [f"v{a}-v{b}" for a, b in file.parallel if a < b or (b, a) not in file.parallel]
    said = {
        "The file has these ways in one direction only, so they are one-way": alone,
        "These have another length in the other direction, so each direction is an edge": differing,
        "These stand in the file more than once, and the shortest counts": parallel,
    }
    return [Remark("warning", f"{text}: {listed(edges)}.") for text, edges in said.items() if edges]


def write_patrol_graph(graph: WayGraph, path: Path, resolution: float) -> None:
    """Write a graph with today's header and offsets of 0; waypoint i becomes vertex i.

    Positions and lengths are rounded to whole pixels, as patrolling_sim reads them; names are not kept.

    Parameters
    ----------
    resolution
        Metres a pixel.

    Raises
    ------
    InputError
        If neighbours fall on one pixel, or one has more neighbours than patrolling_sim can read.
    """
    check_resolution(resolution)
    pixels = np.rint(graph.position / resolution).astype(np.int64).tolist()
    costs: list[dict[int, int]] = [{} for _ in graph.names]
    for edge in graph.edges:
        ends = graph.position[[edge.start, edge.end]]
        length = math.dist(*ends) if edge.length is None else edge.length
        cost = max(round(length / resolution), 1)
        costs[edge.start][edge.end] = cost
        if not edge.one_way:
            costs[edge.end][edge.start] = cost
    _check_writable(graph, pixels, costs, path)
    width, height = (max(value) + 1 for value in zip(*pixels, strict=True))
    lines = [str(len(pixels)), str(max(width, 1)), str(max(height, 1)), repr(float(resolution)), "0.0", "0.0"]
    for vertex, (x, y) in enumerate(pixels):
        lines += ["", str(vertex), str(x), str(y), str(len(costs[vertex]))]
        for other, cost in costs[vertex].items():
            lines += [str(other), _direction(pixels[vertex], pixels[other]), str(cost)]
    write_whole(path, ("\n".join(lines) + "\n").encode())


def _check_writable(
    graph: WayGraph, pixels: list[list[int]], costs: list[dict[int, int]], path: Path
) -> None:
    together = [
        f"{graph.names[edge.start]} and {graph.names[edge.end]}"
        for edge in graph.edges
        if pixels[edge.start] == pixels[edge.end]
    ]
    crowded = [name for name, ways in zip(graph.names, costs, strict=True) if len(ways) > MOST_NEIGHBOURS]
    if together:
        raise InputError(
            f"{path}: these neighbours fall on one pixel, so the resolution must be finer: {listed(together)}"
        )
    if crowded:
        raise InputError(
            f"{path}: have more than {MOST_NEIGHBOURS} neighbours, which patrolling_sim cannot read: "
            f"{listed(crowded)}"
        )


def _direction(start: list[int], end: list[int]) -> str:
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    return _DIRECTIONS[round(angle / (math.pi / 4)) % 8]
