"""Graphs of patrolling_sim, against what was written into them."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
import samples

from cmarlsim.errors import InputError
from cmarlsim.maps.draft import Edge, WayGraph
from cmarlsim.maps.formats.patrol import read_patrol_graph, write_patrol_graph

Vertex = tuple[int, int, dict[int, tuple[str, int]]]

SQUARE: list[Vertex] = [
    (10, 10, {1: ("E", 20), 2: ("N", 25)}),
    (30, 10, {0: ("W", 20), 3: ("N", 9)}),
    (10, 30, {0: ("S", 25), 3: ("E", 30)}),
    (30, 30, {1: ("S", 9), 2: ("W", 30)}),
]


def text(vertices: list[Vertex], header: str = "40\n50\n0.1\n-1.5\n2\n", blank: str = "\n") -> str:
    found = f"{len(vertices)}\n{header}"
    for i, (x, y, ways) in enumerate(vertices):
        found += f"{blank}{i}\n{x}\n{y}\n{len(ways)}\n"
        found += "".join(f"{other}\n{direction}\n{cost}\n" for other, (direction, cost) in ways.items())
    return found


def read(path: Path, data: str):  # type: ignore[no-untyped-def]
    path.write_text(data)
    return read_patrol_graph(path)


def test_positions_and_lengths_are_metres(tmp_path: Path) -> None:
    graph, remarks = read(tmp_path / "a.graph", text(SQUARE))
    assert graph.names == ("v0", "v1", "v2", "v3")
    assert np.allclose(graph.position, [[-0.5, 3], [1.5, 3], [-0.5, 5], [1.5, 5]])
    expected = {(0, 1): 2.0, (0, 2): 2.5, (1, 3): 0.9, (2, 3): 3.0}
    assert {(edge.start, edge.end): edge.length for edge in graph.edges} == pytest.approx(expected)
    assert not any(edge.one_way for edge in graph.edges)
    (short,) = remarks
    assert "1 of 4 edges are shorter" in short.text
    assert "v1-v3 (0.90 m of 2.00 m)" in short.text


@pytest.mark.parametrize("blank", ["", "\n", "\n\n \n"])
def test_the_older_header_has_no_offsets(tmp_path: Path, blank: str) -> None:
    graph, _ = read(tmp_path / "a.graph", text(SQUARE, "40\n50\n0.1\n", blank))
    assert np.allclose(graph.position, [[1, 1], [3, 1], [1, 3], [3, 3]])
    assert len(graph.edges) == 4


def test_words_may_stand_anywhere(tmp_path: Path) -> None:
    words = text(SQUARE).split()
    one_line, _ = read(tmp_path / "a.graph", " ".join(words))
    scattered, _ = read(tmp_path / "a.graph", "\r\n\n\t ".join(words))
    usual, _ = read(tmp_path / "a.graph", text(SQUARE))
    assert one_line.edges == scattered.edges == usual.edges
    assert np.array_equal(one_line.position, usual.position)


def test_blocks_may_come_in_any_order_and_have_negative_pixels(tmp_path: Path) -> None:
    graph, _ = read(tmp_path / "a.graph", "2 9 9 0.5 0 0\n\n1 -4 2 1 0 W 6\n\n0 2 2 1 1 E 6\n")
    assert graph.position.tolist() == [[1, 1], [-2, 1]]
    assert graph.edges == (Edge(1, 0, 3.0),) or graph.edges == (Edge(0, 1, 3.0),)


def test_directions_that_differ_are_edges_of_their_own(tmp_path: Path) -> None:
    vertices = [(0, 0, {1: ("E", 30)}), (20, 0, {0: ("W", 40)})]
    graph, remarks = read(tmp_path / "a.graph", text(vertices, "9 9 0.1 0 0\n"))
    assert set(graph.edges) == {Edge(0, 1, 3.0, one_way=True), Edge(1, 0, 4.0, one_way=True)}
    assert any("v0-v1" in remark.text and "other direction" in remark.text for remark in remarks)


def test_what_leads_one_way_only_is_said(tmp_path: Path) -> None:
    vertices = [(0, 0, {1: ("E", 20)}), (20, 0, {})]
    graph, (remark,) = read(tmp_path / "a.graph", text(vertices, "9 9 0.1 0 0\n"))
    assert graph.edges == (Edge(0, 1, 2.0, one_way=True),)
    assert remark.kind == "warning"
    assert "v0 to v1" in remark.text


def test_of_parallel_edges_the_shortest_counts(tmp_path: Path) -> None:
    data = "2 9 9 0.1 0 0\n\n0 0 0 2 1 E 50 1 E 30\n\n1 20 0 2 0 W 30 0 W 50\n"
    graph, (remark,) = read(tmp_path / "a.graph", data)
    assert graph.edges == (Edge(0, 1, 3.0),)
    assert remark.text.endswith("the shortest counts: v0-v1.")


def changed(old: str, new: str, header: str = "40\n50\n0.1\n-1.5\n2\n") -> str:
    data = text(SQUARE, header)
    assert old in data
    return data.replace(old, new, 1)


WRONG = {
    "cut short": (text(SQUARE)[:-9], ["vertex 3: line", "ends too early"]),
    "one neighbour more": (
        changed("0\n10\n10\n2\n", "0\n10\n10\n3\n"),
        ["vertex 0: line 17: ends too early"],
    ),
    "one neighbour less": (changed("1\n30\n10\n2\n", "1\n30\n10\n1\n"), ["vertex 1: line 26: 3 more words"]),
    "no vertex of that id": (
        changed("3\nN\n9", "7\nN\n9"),
        ["vertex 1: line 26: '7' must be the id of a neigh"],
    ),
    "costs": (changed("E\n20", "E\n0"), ["vertex 0: line 14: '0' must be a cost in pixels, above 0"]),
    "directions": (changed("E\n20", "X\n20"), ["vertex 0: line 13: 'X' must be a direction"]),
    "positions": (changed("\n10\n10\n", "\nten\n10\n"), ["vertex 0: line 9: 'ten' must be a position"]),
    "ids doubled": (changed("\n\n3\n30", "\n\n2\n30"), ["vertex 2: stands twice"]),
    "ids unknown": (
        changed("\n\n3\n30", "\n\n4\n30"),
        ["block 4 of 4: line 41: '4' must be the id of a vertex"],
    ),
    "itself": (changed("1\nE\n20", "0\nE\n20"), ["vertex 0: is its own neighbour"]),
    "resolution": (changed("0.1", "0"), ["the header: line 4: '0' must be metres a pixel"]),
    "resolution of the older header": (
        changed("0.1", "nan", "40\n50\n0.1\n"),
        ["the header: line 4: 'nan' must be metres a pixel"],
    ),
    "offset": (changed("-1.5", "1e9"), ["the header: line 5: '1e9' must be an offset in metres"]),
    "number": ("two" + text(SQUARE)[1:], ["the header: line 1: 'two' must be the number of vertices"]),
    "too few vertices": ("3" + text(SQUARE)[1:], ["'3' must be the id of a neighbour, 0 to 2"]),
    "left over": (text(SQUARE) + "7\n", ["1 more words than there should be"]),
    "one place": (
        text([(5, 5, {1: ("E", 3)}), (5, 5, {0: ("W", 3)})]),
        ["vertices 0 and 1 are neighbours in the same place"],
    ),
    "parts": (
        text([(0, 0, {1: ("E", 9)}), (9, 0, {0: ("W", 9)}), (0, 9, {3: ("E", 9)}), (9, 9, {2: ("W", 9)})]),
        ["falls into 2 parts", "{v2, v3}"],
    ),
    "many": (
        changed("E\n20", "E\n-20").replace("S\n9", "SX\n9").replace("\n\n2\n10\n30", "\n\n2\n10\n3o"),
        ["vertex 0: line 14: '-20'", "vertex 2: line 32: '3o'", "vertex 3: line 46: 'SX'"],
    ),
    "many that cut each other off": (
        changed("\n10\n10\n2\n", "\n10\n10\n5\n").replace("30\n30\n2", "30\n30\nN"),
        ["vertex 0: line 17: ends too early", "vertex 3: line 44: 'N' must be the number of neighbours"],
    ),
    "nothing": ("", ["'' must be the number of vertices"]),
    "something else": ("image: map.pgm\n", ["'image:' must be the number of vertices"]),
}


@pytest.mark.parametrize("kind", WRONG)
def test_all_that_is_wrong_is_told_with_vertices(tmp_path: Path, kind: str) -> None:
    data, problems = WRONG[kind]
    with pytest.raises(InputError) as told:
        read(tmp_path / "a.graph", data)
    message = str(told.value)
    assert message.startswith(str(tmp_path / "a.graph"))
    for problem in problems:
        assert problem in message


def drawn(seed: int) -> WayGraph:
    """A connected graph with edges of all kinds, in the plane."""
    r = Random(seed)
    count = r.randrange(2, 20)
    position = np.array([(r.uniform(-20, 20), r.uniform(-20, 20)) for _ in range(count)])
    edges = []
    for i in range(1, count):
        j = r.randrange(max(0, i - 3), i)
        length = r.choice([None, r.uniform(0.5, 30)])
        edges.append(Edge(i, j, length, one_way=r.random() < 0.3))
        if edges[-1].one_way and r.random() < 0.5:
            edges.append(Edge(j, i, r.uniform(0.5, 30), one_way=True))
    return WayGraph(tuple(f"waypoint {i}" for i in range(count)), position, tuple(edges))


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_reads_back_to_the_pixel(tmp_path: Path, seed: int) -> None:
    graph = drawn(seed)
    write_patrol_graph(graph, tmp_path / "a.graph", 0.05)
    back, _ = read_patrol_graph(tmp_path / "a.graph")
    assert np.abs(back.position - graph.position).max() <= 0.025 + 1e-9
    assert both_ways(back) == pytest.approx(both_ways(graph), abs=0.025 + 1e-9)


def both_ways(graph: WayGraph) -> dict[tuple[int, int], float]:
    found = {}
    for start, end, length, one_way, _ in graph.edges:
        if length is None:
            length = math.dist(graph.position[start], graph.position[end])
        found[start, end] = length
        if not one_way:
            found[end, start] = length
    return found


def test_what_patrolling_sim_cannot_read_is_not_written(tmp_path: Path) -> None:
    star = WayGraph(
        tuple("abcdefghij"),
        np.array([(math.cos(i), math.sin(i)) if i else (0.0, 0.0) for i in range(10)]),
        tuple(Edge(0, i) for i in range(1, 10)),
    )
    with pytest.raises(InputError, match="more than 8 neighbours, which patrolling_sim cannot read: a"):
        write_patrol_graph(star, tmp_path / "a.graph", 0.05)
    with pytest.raises(InputError, match="fall on one pixel, so the resolution must be finer: a and b"):
        write_patrol_graph(star, tmp_path / "a.graph", 5.0)
    assert not list(tmp_path.iterdir())


def test_directions_are_those_of_a_compass_with_north_up(tmp_path: Path) -> None:
    around = [(1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1)]
    star = WayGraph(
        tuple("abcdefghi"),
        np.array([(0.0, 0.0), *around], dtype=np.float64),
        tuple(Edge(0, i) for i in range(1, 9)),
    )
    write_patrol_graph(star, tmp_path / "a.graph", 0.1)
    words = (tmp_path / "a.graph").read_text().split()
    assert [words[11 + 3 * i] for i in range(8)] == ["E", "NE", "N", "NW", "W", "SW", "S", "SE"]


@samples.needed
@pytest.mark.parametrize(
    ("name", "vertices", "edges"),
    [
        ("example", 29, 34),
        ("grid", 25, 40),
        ("cumberland", 40, 44),
        ("ctcv", 18, 17),
        ("move_base_arena", 14, 22),
    ],
)
def test_graphs_of_others_are_whole(name: str, vertices: int, edges: int) -> None:
    graph, _ = read_patrol_graph(samples.MAPS / "patrolling_sim" / name / f"{name}.graph")
    assert len(graph.names) == vertices
    assert len({frozenset((edge.start, edge.end)) for edge in graph.edges}) == edges
