"""Footprints by name, from files and from recordings; what cannot be one is refused in one line."""

import sys
from itertools import combinations, product
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from cmarlsim import Policy, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.footprints.files import load_footprint
from cmarlsim.footprints.footprint import Footprint, fitted, named
from cmarlsim.footprints.proposition2 import cuts_bound, lags_for, paths_bound
from cmarlsim.graphs import footprint_edges

Pairs = list[tuple[int, int]]


def pairs(footprint: Footprint) -> Pairs:
    return [tuple(edge) for edge in footprint.edges.tolist()]


def farthest(N: int, edges: Pairs) -> list[list[int]]:
    """Distances of all pairs, by Floyd and Warshall."""
    away = [[0 if i == j else 10**6 for j in range(N)] for i in range(N)]
    for i, j in edges:
        away[i][j] = away[j][i] = 1
    for k, i, j in product(range(N), repeat=3):
        away[i][j] = min(away[i][j], away[i][k] + away[k][j])
    return away


@pytest.mark.parametrize(
    ("spec", "N", "edges"),
    [
        ("path:4", 4, [(0, 1), (1, 2), (2, 3)]),
        ("cycle:4", 4, [(0, 1), (0, 3), (1, 2), (2, 3)]),
        ("star:4", 4, [(0, 1), (0, 2), (0, 3)]),
        ("grid:2x3", 6, [(0, 1), (0, 3), (1, 2), (1, 4), (2, 5), (3, 4), (4, 5)]),
        ("complete:4", 4, list(combinations(range(4), 2))),
        ("cycle:2", 2, [(0, 1)]),
        ("path:1", 1, []),
        ("cycle:1", 1, []),
    ],
)
def test_footprints_by_name(spec: str, N: int, edges: Pairs) -> None:
    footprint = named(spec, 0.25)
    assert (footprint.N, pairs(footprint)) == (N, edges)
    assert footprint.p.tolist() == [0.25] * len(edges)


@pytest.mark.parametrize("spec", ["erdos-renyi:9:0.3", "random-geometric:9:0.45"])
def test_random_footprints_are_connected_and_drawn_by_the_seed(spec: str) -> None:
    drawn = [pairs(named(spec, 0.5, seed)) for seed in range(12)]
    assert drawn == [pairs(named(spec, 0.5, seed)) for seed in range(12)]
    assert len({tuple(edges) for edges in drawn}) > 6
    assert all(max(map(max, farthest(9, edges))) < 9 for edges in drawn)


def test_a_scenarios_footprint_is_that_of_scripts_with_seed_0() -> None:
    for spec in ("cycle:6", "grid:2x3", "erdos-renyi:6:0.4", "random-geometric:6:0.6"):
        assert [tuple(edge) for edge in footprint_edges(spec, 6).tolist()] == pairs(named(spec, 0.5))


@pytest.mark.parametrize(
    ("spec", "edges"),
    [
        (
            "erdos-renyi:7:0.3",
            [(0, 3), (0, 4), (0, 5), (1, 4), (1, 5), (2, 3), (3, 4), (3, 5), (4, 5), (4, 6)],
        ),
        ("random-geometric:6:0.5", [(0, 3), (0, 4), (0, 5), (1, 2), (2, 3), (3, 4)]),
    ],
)
def test_random_footprints_stay_as_they_are(spec: str, edges: Pairs) -> None:
    """Recordings name their footprint: it must be the same graph for ever."""
    assert pairs(named(spec, 0.5)) == edges


@pytest.mark.parametrize("spec", ["path:5", "grid:3x4", "star:6", "complete:4", "erdos-renyi:9:0.3"])
def test_distances_and_diameter(spec: str) -> None:
    footprint = named(spec, 0.5)
    away = farthest(footprint.N, pairs(footprint))
    assert [footprint.distances(n).tolist() for n in range(footprint.N)] == away
    assert footprint.diameter == max(map(max, away))
    source, agent = footprint.diametral
    assert away[source][agent] == footprint.diameter
    assert source < agent


def test_each_edge_keeps_its_probability_when_edges_are_sorted() -> None:
    footprint = Footprint("mine", 4, np.array([[3, 2], [0, 1], [2, 1]]), np.array([0.3, 0.1, 0.2]))
    assert pairs(footprint) == [(0, 1), (1, 2), (2, 3)]
    assert footprint.p.tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("edges", "p", "message"),
    [
        ([[0, 1], [1, 2]], 0.0, r"mine: p = 0 of edge \[0, 1\]: must be in \(0, 1\]"),
        ([[0, 1], [1, 2]], [0.5, 1.5], r"mine: p = 1.5 of edge \[1, 2\]: must be in"),
        ([[0, 1], [1, 2]], [0.5, np.nan], r"mine: p = nan of edge \[1, 2\]"),
        ([[0, 1]], 0.5, r"mine: not connected, its components are \[0, 1\], \[2\]"),
        ([[0, 1], [1, 3]], 0.5, r"mine: edge \[1, 3\] must be two different nodes of 0 to 2"),
        ([[-1, 1], [1, 2]], 0.5, r"edge \[-1, 1\]"),
        ([[0, 1], [1, 1]], 0.5, r"edge \[1, 1\]"),
        ([[0, 1], [1, 2], [1, 0]], 0.5, r"edge \[0, 1\] .* listed once"),
    ],
)
def test_what_cannot_be_a_footprint(edges: list[list[int]], p: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Footprint("mine", 3, np.array(edges), np.asarray(p))


def test_many_components_are_not_all_listed() -> None:
    with pytest.raises(InputError) as caught:
        Footprint("mine", 1000, np.array([[i, i + 1] for i in range(50)]), np.array(0.5))
    assert "[0, 1, 2, 3, 4, 5, 6, 7, ... 43 more], [51], " in str(caught.value)
    assert str(caught.value).endswith("and 942 more")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pathh:4", "did you mean 'path'"),
        ("path", "must be path:N, for example path:8"),
        ("path:2.5", "must be path:N"),
        ("path:0", "must be path:N"),
        ("complete:1e200", "must be complete:N"),
        ("grid:1e9x1e9", "about 2,000,000,000,000,000,000 edges"),
        ("grid:3", "must be grid:ROWSxCOLUMNS, for example grid:3x4"),
        ("grid:3x2.5", "grid:ROWS"),
        ("erdos-renyi:8:nan", "erdos-renyi:N:PROBABILITY, for example erdos-renyi:8:0.4"),
        ("random-geometric:8", "random-geometric:8:0.5"),
        ("erdos-renyi:30:0.001", "not connected, its components are"),
    ],
)
def test_names_that_are_none(spec: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_footprint(spec, 0.5)


def test_a_name_needs_a_probability() -> None:
    with pytest.raises(InputError, match="path:4': needs an edge probability"):
        load_footprint("path:4")


def test_edge_lists(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("# mine\n2 1 0.5\n\n0, 1, .25  # why\n")
    own, same = load_footprint(str(file)), load_footprint(str(file), 0.1)
    assert (own.N, pairs(own), own.p.tolist()) == (3, [(0, 1), (1, 2)], [0.25, 0.5])
    assert same.p.tolist() == [0.1, 0.1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0 1\n1 2 .5\n", "an edge has no p"),
        ("0 1 .5\n2 x\n", r"line 2: '2 x' must be two nodes"),
        ("0 1 .5 7\n", "line 1"),
        ("0\n", "line 1"),
        ("# nothing\n", "has no edges"),
        ("0 1 .5\n2 3 .5\n", r"not connected, its components are \[0, 1\], \[2, 3\]"),
        ("0 1 0\n", "p = 0 of edge"),
        ("0 100000000 .5\n", "100,000,001 nodes, more than 16,777,216: count them from 0"),
    ],
)
def test_edge_lists_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_footprint(str(file))
    assert str(file) in str(caught.value)


def test_graphml(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_edge("b", "a", p=0.5)
    graph.add_edge("a", "c", p=0.25)
    file = tmp_path / "mine.graphml"
    nx.write_graphml(graph, file)
    footprint = load_footprint(str(file))
    assert (footprint.N, pairs(footprint), footprint.p.tolist()) == (3, [(0, 1), (1, 2)], [0.5, 0.25])


def test_graphml_alone_needs_networkx(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "networkx", None)
    with pytest.raises(InputError, match=r"mine.graphml: GraphML is read with .*'cmarlsim\[graphs\]'"):
        load_footprint(str(tmp_path / "mine.graphml"))
    drawn = load_footprint("random-geometric:8:0.5", 0.3)
    assert (paths_bound(drawn, 0, 7, 9) <= cuts_bound(drawn, 0, 7, 9) + 1e-12).all()
    assert lags_for(drawn) > 0


def test_graphml_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "mine.graphml"
    with pytest.raises(InputError, match="no such file"):
        load_footprint(str(file), 0.5)
    file.write_text("0 1\n")
    with pytest.raises(InputError, match="not a GraphML file"):
        load_footprint(str(file), 0.5)
    nx.write_graphml(nx.DiGraph([(0, 1)]), file)
    with pytest.raises(InputError, match="directed"):
        load_footprint(str(file), 0.5)
    nx.write_graphml(nx.Graph([(0, 1)]), file)
    with pytest.raises(InputError, match="an edge has no p"):
        load_footprint(str(file))


def test_a_recording_gives_the_pairs_ever_linked_and_how_often(tmp_path: Path) -> None:
    scenario = Scenario.load("tiny", ["links.d=3"])
    path = tmp_path / "run.h5"
    execute(scenario, Policy.load("rank"), 200, out=path).close()
    recording = execute(scenario, Policy.load("rank"), 200)
    link = recording.link
    footprint = fitted(recording)
    expected = {
        (i, j): sum(bool(step[i, j]) for step in link) / len(link)
        for i, j in combinations(range(scenario.agents.N), 2)
    }
    assert dict(zip(pairs(footprint), footprint.p.tolist(), strict=True)) == {
        pair: share for pair, share in expected.items() if share
    }
    loaded = load_footprint(str(path))
    assert loaded.p.tolist() == footprint.p.tolist()
    assert load_footprint(str(path), 0.5).p.tolist() == [0.5] * len(footprint.edges)
