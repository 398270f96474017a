"""Route graphs of nav2, against what was written into them."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples
from test_maps_patrol import both_ways, drawn

from cmarlsim.errors import InputError
from cmarlsim.maps.draft import Edge, WayGraph
from cmarlsim.maps.formats.routes import read_route_graph, write_route_graph

NODES = {0: (0.5, 1.5), 3: (4.5, 4.5), 7: (0.5, 4.5)}
WAYS = [(0, 3), (3, 0), (3, 7)]


def feature(kind: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def features(**costs: list[float]) -> list[dict[str, Any]]:
    """The nodes and edges above; the edges with these properties, in their order."""
    nodes = [feature("Point", list(point), id=number) for number, point in NODES.items()]
    edges = [
        feature("LineString", [[9, 9], [8, 8]], id=100, startid=a, endid=b)
        | {"properties": {"id": 100, "startid": a, "endid": b} | {key: costs[key][i] for key in costs}}
        for i, (a, b) in enumerate(WAYS)
    ]
    return nodes + edges


def read(folder: Path, data: object):  # type: ignore[no-untyped-def]
    text = data if isinstance(data, str) else json.dumps({"type": "FeatureCollection", "features": data})
    (folder / "a.geojson").write_text(text)
    return read_route_graph(folder / "a.geojson")


def test_opposite_edges_are_one_and_others_one_way(tmp_path: Path) -> None:
    graph, remarks = read(tmp_path, features())
    assert graph.names == ("n0", "n3", "n7")
    assert graph.position.tolist() == [list(point) for point in NODES.values()]
    assert graph.edges == (Edge(0, 1), Edge(1, 2, one_way=True))
    assert [remark.kind for remark in remarks] == ["found"]
    assert "no counterpart that leads back, so they are one-way: n3 to n7." in remarks[0].text


def test_costs_that_can_be_lengths_are_lengths(tmp_path: Path) -> None:
    graph, remarks = read(tmp_path, features(cost=[5.0, 6.0, 4.5]))
    assert graph.edges == (Edge(0, 1, 5.0, True), Edge(1, 0, 6.0, True), Edge(1, 2, 4.5, True))
    assert any("taken for their lengths" in remark.text for remark in remarks)


@pytest.mark.parametrize("cost", [[1.0, 1.0, 1.0], [5.0, 5.0, 500.0], [7.0, 7.0, 7.0], [5.0, 2.0, 4.0]])
def test_costs_that_cannot_all_be_lengths_are_weights(tmp_path: Path, cost: list[float]) -> None:
    graph, remarks = read(tmp_path, features(cost=cost))
    assert graph.edges == (Edge(0, 1), Edge(1, 2, one_way=True))
    assert any("cannot all be lengths" in remark.text for remark in remarks)


@pytest.mark.parametrize("cost", [[0.0, 0.0, 0.0], [5.0, 5.0, 4.0]])
def test_costs_that_say_nothing_are_passed_over(tmp_path: Path, cost: list[float]) -> None:
    graph, remarks = read(tmp_path, features(cost=cost))
    assert graph.edges == (Edge(0, 1), Edge(1, 2, one_way=True))
    assert len(remarks) == 1


def test_nodes_may_have_names_and_a_frame(tmp_path: Path) -> None:
    found = features()
    found[1]["properties"] |= {"frame": "odom", "metadata": {"name": "kitchen"}}
    with pytest.raises(InputError, match="frames map, odom; must be one"):
        read(tmp_path, found)
    for node in found[:3]:
        node["properties"]["frame"] = "odom"
    graph, remarks = read(tmp_path, found)
    assert graph.names == ("n0", "kitchen", "n7")
    assert any("frame 'odom'" in remark.text for remark in remarks)


def test_names_that_stand_twice_are_passed_over(tmp_path: Path) -> None:
    found = features()
    for node in found[:2]:
        node["properties"]["metadata"] = {"name": "kitchen"}
    assert read(tmp_path, found)[0].names == ("n0", "n3", "n7")


def test_of_parallel_edges_the_shortest_counts(tmp_path: Path) -> None:
    found = features(cost=[5.0, 5.0, 4.0])
    found.append(feature("LineString", [], id=5, startid=0, endid=3, cost=7.0))
    graph, remarks = read(tmp_path, found)
    assert graph.edges == (Edge(0, 1, 5.0), Edge(1, 2, 4.0, one_way=True))
    assert any(remark.text.endswith("the shortest counts: n0 to n3.") for remark in remarks)


def test_other_features_are_passed_over(tmp_path: Path) -> None:
    room = feature("Polygon", [[[0, 0], [1, 0], [1, 1], [0, 0]]], id=1)
    assert read(tmp_path, [room, *features()])[0].edges == read(tmp_path, features())[0].edges


def without(key: str, i: int) -> list[dict[str, Any]]:
    found = features()
    del found[i]["properties"][key]
    return found


def altered(i: int, **properties: Any) -> list[dict[str, Any]]:
    found = features()
    found[i]["properties"] |= properties
    return found


def moved(i: int, coordinates: Any) -> list[dict[str, Any]]:
    found = features()
    found[i]["geometry"]["coordinates"] = coordinates
    return found


WRONG: dict[str, tuple[object, list[str]]] = {
    "broken": ('{"features": [', ["not valid JSON"]),
    "deep": ("[" * 100_000, ["not valid JSON: is more than"]),
    "a list": ("[]", ["must be a GeoJSON FeatureCollection"]),
    "no features": ("{}", ["must be a GeoJSON FeatureCollection"]),
    "no nodes": (features()[3:], ["has no nodes", "there are no such nodes"]),
    "no edges": (features()[:3], ["has no edges"]),
    "no id": (without("id", 1), ["features[1]: id = None: must be a whole number"]),
    "negative id": (altered(1, id=-3), ["features[1]: id = -3: must be a whole number"]),
    "id as text": (altered(1, id="3"), ["features[1]: id = '3'"]),
    "id doubled": (altered(1, id=0), ["features[1]: another node has the id 0"]),
    "no end": (without("endid", 4), ["features[4]: {'endid': None, 'startid': 3}: there are no such nodes"]),
    "unknown end": (altered(4, endid=5), ["features[4]: {'endid': 5, 'startid': 3}"]),
    "loop": (altered(5, endid=3), ["features[5]: nodes 3 and 3 are in one place"]),
    "not a point": (moved(2, [1]), ["features[2]: node 7 has the coordinates [1]: must be [x, y]"]),
    "NaN": (moved(2, [math.nan, 1]), ["features[2]: node 7 has the coordinates [nan, 1]"]),
    "far": (moved(2, [1e9, 1]), ["features[2]: node 7 has the coordinates"]),
    "no geometry": ([*features(), {"type": "Feature"}], ["features[6]: has no geometry"]),
    "a number": ([*features(), 5], ["features[6]: has no geometry"]),
    "parts": (
        [*features(), feature("Point", [9, 9], id=9), feature("Point", [8, 9], id=8)],
        ["falls into 3 parts", "{n9}; {n8}"],
    ),
    "many": (
        [*altered(4, endid=5), feature("Point", None, id=9), feature("LineString", [], startid=11)],
        ["features[4]", "features[6]", "features[7]"],
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_all_that_is_wrong_is_told_at_once(tmp_path: Path, kind: str) -> None:
    data, problems = WRONG[kind]
    with pytest.raises(InputError) as told:
        read(tmp_path, data)
    message = str(told.value)
    assert message.startswith(str(tmp_path / "a.geojson"))
    for problem in problems:
        assert problem in message


@pytest.mark.parametrize("seed", range(20))
def test_what_is_written_reads_back_equal(tmp_path: Path, seed: int) -> None:
    graph = drawn(seed)
    write_route_graph(graph, tmp_path / "a.geojson")
    back, remarks = read_route_graph(tmp_path / "a.geojson")
    assert back.names == graph.names
    assert np.array_equal(back.position, graph.position)
    assert both_ways(back) == both_ways(graph)
    assert not [remark for remark in remarks if remark.kind == "guessed"]


def test_what_is_written_is_what_nav2_asks_for(tmp_path: Path) -> None:
    """Its loader needs ids, and ends that are there; ids of edges must differ for it to block one."""
    graph = WayGraph(("a", "b"), np.array([[0.0, 0.0], [3.0, 4.0]]), (Edge(0, 1, 7.5),))
    write_route_graph(graph, tmp_path / "a.geojson")
    found = json.loads((tmp_path / "a.geojson").read_text())["features"]
    nodes = [each["properties"] for each in found if each["geometry"]["type"] == "Point"]
    edges = [each["properties"] for each in found if each["geometry"]["type"] == "LineString"]
    assert [(node["id"], node["frame"], node["metadata"]) for node in nodes] == [
        (0, "map", {"name": "a"}),
        (1, "map", {"name": "b"}),
    ]
    assert [(edge["startid"], edge["endid"], edge["cost"], edge["overridable"]) for edge in edges] == [
        (0, 1, 7.5, False),
        (1, 0, 7.5, False),
    ]
    assert len({each["id"] for each in nodes + edges}) == 4


@samples.needed
def test_the_graph_of_others_is_whole() -> None:
    graph, _ = read_route_graph(samples.MAPS / "nav2" / "bringup_graphs" / "depot_graph.geojson")
    assert len(graph.names) == 34
    assert len(both_ways(graph)) == 78
    assert not any(edge.one_way or edge.length for edge in graph.edges)
