"""What a `.graph` of patrolling_sim says, in pixels; everything that is wrong in it is told at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from cmarlsim.errors import shown
from cmarlsim.maps.formats.problems import check_none, number_in
from cmarlsim.maps.formats.ros import COARSEST, FARTHEST, FINEST
from cmarlsim.storage.files import read_text

MOST_BYTES = 10**7
"""Bytes of a graph."""

DIRECTIONS = ("E", "NE", "N", "NW", "W", "SW", "S", "SE")
"""Words for directions, counter-clockwise."""


@dataclass
class PatrolFile:
    """Vertices, which are numbered from 0, and what it costs to go from one to another."""

    resolution: float = math.nan  # metres a pixel
    offset: tuple[float, float] = (0.0, 0.0)  # metres
    pixels: dict[int, tuple[float, float]] = field(default_factory=dict)
    costs: dict[tuple[int, int], float] = field(default_factory=dict)  # pixels
    parallel: list[tuple[int, int]] = field(default_factory=list)  # stand there more than once


class _CutShortError(Exception):
    """Words are missing, or it is not known how many of those that follow belong together."""


@dataclass
class _Words:
    """Words with their lines, one after another, and what is wrong with them."""

    words: Sequence[tuple[str, int]]
    place: str = "the header"
    read: int = 0
    good: float = math.inf  # words before the first that is wrong
    problems: list[str] = field(default_factory=list)

    def wrong(self, problem: str) -> None:
        self.problems.append(f"{self.place}: {problem}")
        self.good = min(self.good, self.read)

    def word(self) -> str:
        if self.read == len(self.words):
            self.wrong(f"line {self.words[-1][1]}: ends too early")
            raise _CutShortError
        self.read += 1
        return self.words[self.read - 1][0]

    def must_be(self, what: str) -> None:
        """Say what the last word should have been."""
        word, line = self.words[self.read - 1]
        self.wrong(f"line {line}: {shown(word, 40)} must be {what}")

    def number(self, what: str, low: float, high: float) -> float:
        """The next word as a number; NaN, and a problem, if it is none of this range."""
        number = number_in(self.word())
        if number is None or not low <= number <= high:
            self.must_be(what)
            return math.nan
        return number

    def whole(self, what: str, low: int, high: int) -> int:
        """The next word as a whole number; -1, and a problem, if it is none of this range."""
        number = number_in(self.word())
        if number is None or not low <= number <= high or number != int(number):
            self.must_be(what)
            return -1
        return int(number)

    def end(self) -> None:
        """Say if words are left, unless something else is wrong with them."""
        left = len(self.words) - self.read
        if left and not self.problems:
            self.wrong(f"line {self.words[self.read][1]}: {left:,} more words than there should be")


def read_patrol_file(path: Path) -> PatrolFile:
    """Read a graph, of the older header of four numbers or today's of six.

    Blank lines mean nothing; but if something is wrong, and there is a paragraph for each vertex, vertices
    are read from these, so that one where words are missing does not carry away the next.

    Raises
    ------
    InputError
        All that is wrong in it in one message, with the ids of vertices.
    """
    paragraphs = _paragraphs(read_text(path, MOST_BYTES))
    whole = [list(chain(*paragraphs))]
    offsets = max(True, False, key=lambda offsets: _attempt(whole, offsets)[1][0].good)
    file, read = _attempt(whole, offsets)
    if read[0].problems and len(paragraphs) > 1:
        file, apart = _attempt(paragraphs, offsets)
        read = apart if len(apart) == len(paragraphs) else read
    problems = list(chain.from_iterable(words.problems for words in read))
    check_none(path, problems or _in_one_place(file))
    return file


def _paragraphs(text: str) -> list[list[tuple[str, int]]]:
    """The words with their lines, apart where blank lines are."""
    paragraphs: list[list[tuple[str, int]]] = [[]]
    for number, line in enumerate(text.split("\n"), 1):
        words = [(word, number) for word in line.split()]
        if not words:
            paragraphs.append([])
        paragraphs[-1] += words
    return [each for each in paragraphs if each] or [[("", 1)]]


def _attempt(paragraphs: list[list[tuple[str, int]]], offsets: bool) -> tuple[PatrolFile, list[_Words]]:
    """What a file says, if its header has offsets or has not, from one paragraph or one for each vertex."""
    file, words = PatrolFile(), _Words(paragraphs[0])
    read = [words]
    try:
        count = _read_header(words, file, offsets)
        if len(paragraphs) == 1:
            for i in range(count):
                words.place = f"block {i + 1} of {count}"
                _read_vertex(words, file, count)
        elif len(paragraphs) == count + 1:
            read += [_Words(each, f"block {i} of {count}") for i, each in enumerate(paragraphs[1:], 1)]
            for words in read[1:]:
                with suppress(_CutShortError):
                    _read_vertex(words, file, count)
        for words in read:
            words.end()
    except _CutShortError:
        pass
    return file, read


def _read_header(words: _Words, file: PatrolFile, offsets: bool) -> int:
    """The number of vertices."""
    count = words.whole("the number of vertices", 1, 10**6)
    if count < 0:
        raise _CutShortError
    for what in ("the width of the picture", "the height of the picture"):
        words.number(f"{what} in pixels", 0, FARTHEST)
    file.resolution = words.number(f"metres a pixel, {FINEST:g} to {COARSEST:g}", FINEST, COARSEST)
    if offsets:
        x, y = (words.number("an offset in metres", -FARTHEST, FARTHEST) for _ in range(2))
        file.offset = (x, y)
    return count


def _read_vertex(words: _Words, file: PatrolFile, count: int) -> None:
    vertex = words.whole(f"the id of a vertex, 0 to {count - 1}", 0, count - 1)
    if vertex >= 0:
        words.place = f"vertex {vertex}"
    if vertex in file.pixels:
        words.wrong("stands twice")
    x, y = (words.number("a position in pixels", -FARTHEST, FARTHEST) for _ in range(2))
    neighbours = words.whole("the number of neighbours", 0, 10**6)
    if neighbours < 0:
        raise _CutShortError
    file.pixels[vertex] = (x, y)
    for _ in range(neighbours):
        other = words.whole(f"the id of a neighbour, 0 to {count - 1}", 0, count - 1)
        if words.word().upper() not in DIRECTIONS:
            words.must_be(f"a direction: {', '.join(DIRECTIONS)}")
        cost = words.number("a cost in pixels, above 0", 1e-6, FARTHEST)
        if other == vertex:
            words.wrong("is its own neighbour")
        if (vertex, other) in file.costs:
            file.parallel.append((vertex, other))
            cost = min(cost, file.costs[vertex, other])
        file.costs[vertex, other] = cost


def _in_one_place(file: PatrolFile) -> list[str]:
    """Edges whose ends are in one place."""
    return [
        f"vertices {a} and {b} are neighbours in the same place"
        for a, b in file.costs
        if a < b and file.pixels.get(a, a) == file.pixels.get(b, b)
    ]
