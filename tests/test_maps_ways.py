"""The building in a raster, and ways through it, against brute force on its cells."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from random import Random

import networkx as nx
import numpy as np
import pytest
import samples

from cmarlsim.errors import InputError
from cmarlsim.maps.draft import Edge, WayGraph
from cmarlsim.maps.formats.patrol import read_patrol_graph
from cmarlsim.maps.formats.ros import read_ros_map
from cmarlsim.maps.raster import Raster
from cmarlsim.maps.ways.clearance import CLEAR, clear_cells, gap_of_line
from cmarlsim.maps.ways.rerouting import building_of, rerouted


def raster_of(
    drawing: str, resolution: float = 1.0, origin: tuple[float, float, float] = (0, 0, 0)
) -> Raster:
    """A raster as it is drawn: dots are free, question marks unknown, all else is occupied."""
    rows = [line.strip() for line in drawing.strip().splitlines()]
    cells = np.array([list(row) for row in reversed(rows)])
    free = cells == "."
    return Raster(free, ~free & (cells != "?"), resolution, origin)


def graph_of(raster: Raster, points: list[tuple[float, float]], edges: list[Edge]) -> WayGraph:
    """A graph whose waypoints a, b, c, ... are at points in cells."""
    names = tuple(chr(ord("a") + i) for i in range(len(points)))
    return WayGraph(names, raster.to_metres(np.array(points, dtype=np.float64)), tuple(edges))


TWO_HALVES = """
    ##############
    #....##......#
    #....##......#
    #....##......#
    ##############
"""


def test_the_building_is_the_largest_piece_inside() -> None:
    raster = raster_of("..............\n" * 6 + TWO_HALVES.strip() + "\n..............")
    inside, remark = building_of(raster, None)
    assert inside.sum() == 18
    assert remark.kind == "guessed"
    assert "does not touch the border" in remark.text


def test_speckles_are_no_building() -> None:
    drawing = ["." * 30] * 30
    drawing[10] = "." * 10 + "###" + "." * 17
    drawing[11] = "." * 10 + "#.#" + "." * 17
    drawing[12] = "." * 10 + "###" + "." * 17
    inside, remark = building_of(raster_of("\n".join(drawing)), None)
    assert inside.sum() == 900 - 9
    assert remark.text.endswith("left out are 1 more, of at most 0.1%.")


def test_seeds_say_which_piece_it_is() -> None:
    raster = raster_of(TWO_HALVES, 0.5, (3.0, -2.0, 0.3))
    for seeds, count in (
        ([(2, 2)], 12),
        ([(2, 2), (9, 2), (8, 2)], 18),
        ([(10.5, 2), (99, 2), (-1e12, 1e12)], 18),
    ):
        inside, remark = building_of(raster, raster.to_metres(np.array(seeds, dtype=np.float64)))
        assert inside.sum() == count
        assert remark.kind == "found"
        assert f"of {len(seeds)} waypoints" in remark.text


def test_corners_do_not_join_pieces() -> None:
    inside, _ = building_of(raster_of("..#\n..#\n##."), None)
    assert inside.sum() == 4


def test_a_map_without_free_cells_is_told() -> None:
    with pytest.raises(InputError, match="no cell of the map is free"):
        building_of(raster_of("##\n??"), None)


def gap_by_force(inside: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """From many points of a line to all cells that are not inside, and some beyond the raster."""
    blocked = np.argwhere(~np.pad(inside, 4))[:, ::-1] - 4
    points = start + np.linspace(0, 1, 400)[:, None] * (end - start)
    away = np.maximum(np.maximum(blocked[None] - points[:, None], points[:, None] - blocked[None] - 1), 0)
    return float(np.hypot(away[..., 0], away[..., 1]).min())


@pytest.mark.parametrize("seed", range(40))
def test_gaps_are_those_of_brute_force(seed: int) -> None:
    r = np.random.default_rng(seed)
    inside = r.random((12, 15)) < 0.85
    for _ in range(10):
        start, end = r.uniform(0, (15, 12), (2, 2))
        if r.random() < 0.4:
            start, end = np.rint(start), np.rint(end)
        if r.random() < 0.2:
            end = start
        forced = gap_by_force(inside, start, end)
        assert gap_of_line(inside, start, end, 1.5) == pytest.approx(min(forced, 1.5), abs=0.05)
        assert gap_of_line(inside, start, end, 1.5) <= forced + 1e-9


def test_clear_cells_are_clear_to_their_corners() -> None:
    inside = np.random.default_rng(1).random((20, 20)) < 0.95
    for row, column in np.argwhere(clear_cells(inside)):
        for corner in ((0, 0), (0, 1), (1, 0), (1, 1)):
            point = np.array([column, row]) + corner
            assert gap_of_line(inside, point, point, 1.0) == 1.0


ROOMS = """
    ########################################
    #..................#...................#
    #..................#...................#
    #..................#...................#
    #..................#...................#
    #..................#...................#
    #......................................#
    #......................................#
    #......................................#
    #......................................#
    #......................................#
    #..................#...................#
    #..................#...................#
    #..................#...................#
    #..................#...................#
    #..................#...................#
    ########################################
"""


def touched(inside: np.ndarray, start: np.ndarray, end: np.ndarray) -> bool:
    """Whether one of many points of a line lies in a cell, or on the border of one, that is not inside."""
    count = int(100 * math.dist(start, end)) + 2
    points = start + np.linspace(0, 1, count)[:, None] * (end - start) + 1
    padded = np.pad(inside, 1)
    around = [np.floor(points + np.array([x, y])).astype(int).T for x in (-1e-9, 1e-9) for y in (-1e-9, 1e-9)]
    return not all(padded[row, column].all() for column, row in around)


def check_ways(raster: Raster, inside: np.ndarray, graph: WayGraph) -> None:
    """All edges lead through free cells, by brute force, and all waypoints have different names."""
    assert len(set(graph.names)) == len(graph.names) == len(graph.position)
    cells = raster.to_cells(graph.position)
    for edge in graph.edges:
        assert not touched(inside, cells[edge.start], cells[edge.end])


def length_between(graph: WayGraph, a: str, b: str) -> float:
    found = nx.DiGraph()
    for start, end, length, one_way, _ in graph.edges:
        metres = math.dist(graph.position[start], graph.position[end]) if length is None else length
        found.add_edge(start, end, weight=metres)
        if not one_way:
            found.add_edge(end, start, weight=metres)
    return float(nx.dijkstra_path_length(found, graph.names.index(a), graph.names.index(b)))


@pytest.mark.parametrize("origin", [(0.0, 0.0, 0.0), (-7.0, 30.0, 2.5)])
def test_a_blocked_edge_leads_round_and_is_as_long_as_that(origin: tuple[float, float, float]) -> None:
    raster = raster_of(ROOMS, 0.1, origin)
    graph = graph_of(raster, [(5.5, 14.5), (35.5, 14.5), (5.5, 3.5)], [Edge(0, 1, 99.0), Edge(0, 2, 3.3)])
    inside, _ = building_of(raster, graph.position)
    whole, remarks = rerouted(raster, inside, graph, 0.2)
    check_ways(raster, inside, whole)
    assert whole.names[:4] == ("a", "b", "c", "a-b 1")
    assert np.array_equal(whole.position[:3], graph.position)
    assert whole.edges[-1] == Edge(0, 2, 3.3)
    shortest = 2 * math.dist((5.5, 14.5), (19, 11)) + 2  # below the wall's end, which is at (19..20, 11)
    assert 0.1 * (shortest - 1) <= length_between(whole, "a", "b") <= 0.1 * shortest * 1.08
    assert length_between(whole, "b", "a") == length_between(whole, "a", "b")
    blocked = [remark for remark in remarks if remark.where]
    assert len(blocked) == 1
    assert "a-b is blocked" in blocked[0].text
    assert "instead of 99.00" in blocked[0].text


def test_the_way_round_keeps_clear_of_walls() -> None:
    raster = raster_of(ROOMS, 0.1)
    graph = graph_of(raster, [(5.5, 14.5), (35.5, 14.5)], [Edge(0, 1)])
    inside, _ = building_of(raster, graph.position)
    for clearance in (0.1, 0.2):
        whole, _ = rerouted(raster, inside, graph, clearance)
        cells = raster.to_cells(whole.position)
        gaps = [gap_by_force(inside, cells[edge.start], cells[edge.end]) for edge in whole.edges]
        assert min(gaps) >= CLEAR


def test_one_way_edges_stay_one_way() -> None:
    raster = raster_of(ROOMS, 0.1)
    edges = [Edge(1, 0, 5.0, one_way=True), Edge(0, 2, 3.3, one_way=True), Edge(2, 1, 3.0, one_way=True)]
    graph = graph_of(raster, [(5.5, 14.5), (35.5, 14.5), (5.5, 3.5)], edges)
    inside, _ = building_of(raster, graph.position)
    whole, _ = rerouted(raster, inside, graph)
    assert all(edge.one_way for edge in whole.edges)
    for a, b in ("ba", "ac", "cb"):
        assert length_between(whole, a, b) < length_between(whole, b, a)


def test_directions_with_lengths_of_their_own_share_the_way_round() -> None:
    raster = raster_of(ROOMS, 0.1)
    edges = [Edge(0, 1, 5.0, one_way=True), Edge(1, 0, 6.0, one_way=True)]
    graph = graph_of(raster, [(5.5, 14.5), (35.5, 14.5)], edges)
    inside, _ = building_of(raster, graph.position)
    whole, _ = rerouted(raster, inside, graph)
    check_ways(raster, inside, whole)
    assert len(whole.edges) == 2 * (len(whole.names) - 1)
    assert length_between(whole, "a", "b") == length_between(whole, "b", "a")


def test_an_edge_that_grazes_a_wall_bends_and_keeps_its_length() -> None:
    raster = raster_of(ROOMS, 0.1)
    graph = graph_of(raster, [(5.5, 10.8), (35.5, 10.8)], [Edge(0, 1, 4.5)])
    inside, _ = building_of(raster, graph.position)
    whole, remarks = rerouted(raster, inside, graph)
    check_ways(raster, inside, whole)
    assert length_between(whole, "a", "b") == pytest.approx(4.5)
    cells = raster.to_cells(whole.position)
    assert min(gap_by_force(inside, cells[e.start], cells[e.end]) for e in whole.edges) >= CLEAR
    assert [remark.text for remark in remarks] == [
        "These edges come near to walls in a straight line, so they bend, and keep their lengths: a-b."
    ]


def test_where_there_is_no_space_an_edge_stays_as_it_is_and_is_named() -> None:
    raster = raster_of("#########\n#...#...#\n#.......#\n#...#...#\n#########", 0.1)
    graph = graph_of(raster, [(2.5, 2.5), (6.5, 2.5)], [Edge(0, 1, 0.7)])
    inside, _ = building_of(raster, graph.position)
    whole, (remark,) = rerouted(raster, inside, graph)
    assert whole.names == graph.names
    assert whole.edges == graph.edges
    assert remark.text.endswith("where there is no more space: a-b.")


def test_waypoints_in_walls_move_to_free_space_nearby() -> None:
    raster = raster_of(ROOMS, 0.1)
    graph = graph_of(raster, [(5.5, 14.5), (19.5, 14.5), (20.0, 3.5)], [Edge(0, 1, 2.0), Edge(0, 2)])
    inside, _ = building_of(raster, graph.position)
    whole, remarks = rerouted(raster, inside, graph)
    cells = raster.to_cells(whole.position)
    assert np.array_equal(whole.position[0], graph.position[0])
    for point, before in zip(cells[1:3], [(19.5, 14.5), (20.0, 3.5)], strict=True):
        assert gap_by_force(inside, point, point) >= CLEAR
        assert math.dist(point, before) < 2.6
    assert "Waypoint b is not in free space; it is moved by 0.20 m." in [remark.text for remark in remarks]
    assert any(remark.text.endswith("at most 0.15 m: c.") for remark in remarks)


def test_waypoints_in_narrow_free_space_stay() -> None:
    raster = raster_of(
        "##########\n#........#\n#........#\n#........#\n####.#####\n####.#####\n##########", 0.1
    )
    graph = graph_of(raster, [(4.5, 1.5), (2.5, 4.5)], [Edge(0, 1)])
    whole, _ = rerouted(raster, raster.free, graph)
    assert np.array_equal(whole.position[:2], graph.position)
    check_ways(raster, raster.free, whole)


def test_all_bad_waypoints_are_told_at_once() -> None:
    raster = raster_of(TWO_HALVES, 1.0)
    points = [(9.5, 2.5), (8.5, 1.5), (10.5, 1.5), (11.5, 2.5), (2.5, 2.5), (-20.5, 2.5), (9.5, 60.0)]
    graph = graph_of(raster, points, [Edge(i, i + 1) for i in range(6)])
    inside, _ = building_of(raster, graph.position)
    with pytest.raises(InputError) as told:
        rerouted(raster, inside, graph)
    assert "off the map: f, g" in str(told.value)
    assert "cut off from the building: e" in str(told.value)


def test_waypoints_deep_in_walls_are_told() -> None:
    raster = raster_of("............\n" * 4 + "############\n" * 9 + "............", 0.4)
    graph = graph_of(raster, [(2.5, 11.5), (6.5, 12.5), (6.5, 5.5)], [Edge(0, 1), Edge(1, 2)])
    inside, _ = building_of(raster, graph.position)
    with pytest.raises(InputError, match=r"in walls or unknown space: c$"):
        rerouted(raster, inside, graph)


def test_the_graph_of_another_map_is_told() -> None:
    raster = raster_of(ROOMS, 0.1)
    graph = graph_of(
        raster, [(500.0 + i, 20.0) for i in range(5)] + [(5.5, 5.5)], [Edge(i, 5) for i in range(5)]
    )
    inside, _ = building_of(raster, graph.position)
    with pytest.raises(InputError, match=r"of 6 waypoints, 5 are off the map.* another map"):
        rerouted(raster, inside, graph)


def test_edges_for_which_there_is_no_way_are_told_at_once() -> None:
    raster = raster_of("#######\n#..#..#\n#..#..#\n#..#..#\n#######", 1.0)
    graph = graph_of(
        raster, [(2, 2.5), (5, 2.5), (2, 3), (5, 3)], [Edge(0, 1), Edge(2, 3), Edge(0, 2), Edge(1, 3)]
    )
    with pytest.raises(InputError, match=r"no way through free space for these edges: a-b, c-d$"):
        rerouted(raster, raster.free, graph)


def test_names_of_bends_differ_from_all_others() -> None:
    raster = raster_of(ROOMS, 0.1)
    graph = graph_of(raster, [(5.5, 14.5), (35.5, 14.5), (5.5, 3.5)], [Edge(0, 1), Edge(0, 2)])
    graph = WayGraph(("a", "b", "a-b 1"), graph.position, graph.edges)
    inside, _ = building_of(raster, graph.position)
    whole, _ = rerouted(raster, inside, graph)
    assert whole.names[2:4] == ("a-b 1", "a-b 1'")
    check_ways(raster, inside, whole)


@pytest.mark.parametrize("seed", range(12))
def test_drawn_mazes_are_crossed(seed: int) -> None:
    """Ways are free by brute force, not much longer than the shortest, and clear where there is space."""
    r = Random(seed)
    free = np.zeros((40, 50), bool)
    free[2:-2, 2:-2] = True
    for _ in range(10):
        x, y = r.randrange(3, 45), r.randrange(3, 35)
        wide, high = r.choice([(1, 12), (12, 1), (3, 3), (7, 2)])
        free[y : y + high, x : x + wide] = False
    raster = Raster(free, ~free, 0.05, (1.0, 2.0, 0.5))
    inside, _ = building_of(raster, None)
    cells = np.argwhere(clear_cells(inside))[:, ::-1] + 0.5
    points = [tuple(cells[i]) for i in r.sample(range(len(cells)), 6)]
    edges = [Edge(i, j) for i in range(6) for j in range(i)]
    whole, _ = rerouted(raster, inside, graph_of(raster, points, edges), 0.05)
    check_ways(raster, inside, whole)
    lattice, clear = steps(inside), steps(clear_cells(inside))
    for edge in edges:
        a, b = (tuple(np.floor(points[i]).astype(int)) for i in (edge.start, edge.end))
        least = nx.dijkstra_path_length(lattice, a, b) * 0.05
        names = (whole.names[edge.start], whole.names[edge.end])
        chain = own_chain(whole, names)
        assert 0.9 * least <= sum(math.dist(*line) for line in chain) <= 1.3 * least + 0.1
        if nx.has_path(clear, a, b) and nx.dijkstra_path_length(clear, a, b) * 0.05 < 1.02 * least:
            lines = [raster.to_cells(np.array(line)) for line in chain]
            assert min(gap_by_force(inside, *line) for line in lines) >= CLEAR


def own_chain(graph: WayGraph, names: tuple[str, str]) -> list[tuple[list[float], list[float]]]:
    """Lines along the bends between two waypoints, which are named after both."""
    prefix = f"{min(names)}-{max(names)} "
    bends = [i for i, name in enumerate(graph.names) if name.startswith(prefix)]
    chain = [graph.names.index(min(names)), *bends, graph.names.index(max(names))]
    return list(pairwise(graph.position[chain].tolist()))


def steps(inside: np.ndarray) -> nx.Graph:
    found = nx.Graph()
    for row, column in np.argwhere(inside):
        for right, up in ((1, 0), (0, 1), (1, 1), (-1, 1)):
            corners = inside[
                row : row + up + 1, min(column, column + right) : max(column, column + right) + 1
            ]
            if corners.size == (1 + up) * (1 + abs(right)) and corners.all():
                found.add_edge((column, row), (column + right, row + up), weight=math.hypot(right, up))
    return found


@samples.needed
@pytest.mark.parametrize(
    ("name", "blocked"), [("cumberland", 6), ("example", 5), ("move_base_arena", 4), ("grid", 0)]
)
def test_graphs_of_others_fit_their_maps(name: str, blocked: int) -> None:
    folder = samples.MAPS / "patrolling_sim" / name
    raster, _ = read_ros_map(folder / f"{name}.yaml")
    graph, _ = read_patrol_graph(folder / f"{name}.graph")
    inside, _ = building_of(raster, graph.position)
    whole, remarks = rerouted(raster, inside, graph)
    assert sum("is blocked" in remark.text for remark in remarks) == blocked
    check_ways(raster, inside, whole)
    assert np.abs(whole.position[: len(graph.names)] - graph.position).max() <= raster.resolution


@samples.needed
def test_the_graph_of_the_arena_does_not_fit_the_grid(tmp_path: Path) -> None:
    folder = samples.MAPS / "patrolling_sim"
    raster, _ = read_ros_map(folder / "grid" / "grid.yaml")
    graph, _ = read_patrol_graph(folder / "move_base_arena" / "move_base_arena.graph")
    inside, _ = building_of(raster, graph.position)
    with pytest.raises(InputError, match="another map"):
        rerouted(raster, inside, graph)


def test_neighbours_that_fall_on_one_place_are_told() -> None:
    raster = raster_of("####\n####\n##.#\n####", 0.1)
    graph = graph_of(raster, [(2.0, 1.5), (3.0, 1.5)], [Edge(0, 1)])
    with pytest.raises(InputError, match="fall on one place: a-b"):
        rerouted(raster, raster.free, graph)
