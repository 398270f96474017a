"""``cmarlsim export``, and positions in the frame of a map: what is written lies where it was."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from commands import Call
from rmf_files import Frame, level, written
from shapely import Point, box, linestrings

from cmarlsim import Policy, Scenario, execute
from cmarlsim.errors import InputError
from cmarlsim.exporting import export
from cmarlsim.importing import import_
from cmarlsim.maps.formats.patrol import read_patrol_graph
from cmarlsim.maps.formats.ros import read_ros_map
from cmarlsim.maps.formats.routes import read_route_graph
from cmarlsim.maps.rasterising import rasterised

FRAME = Frame(0.04, 0.0, (3.0, -2.0))


@pytest.fixture
def two_levels(call: Call, tmp_path: Path) -> Scenario:
    """A building of two levels, with a one-way lane on the first."""
    points = {"a": (4.0, 1.0), "b": (9.0, 1.0), "c": (9.0, 7.5)}
    lanes = [("a", "b", False), ("b", "c", True), ("c", "a", True)]
    marks = [[*FRAME.pixels(point), name] for name, point in {"p": (0.0, 0.0), "q": (9.0, 9.0)}.items()]
    cabins = {name: {"lift_cabin": [1, "up"]} for name in "cf"}
    more = {"frame": FRAME, "fiducials": marks, "parameters": cabins}
    upper = dict(zip("def", points.values(), strict=True))
    levels = {
        "low": level(points, lanes=lanes, **more),
        "top": level(upper, lanes=[("d", "e", True), ("e", "f", True)], **more),
    }
    written(tmp_path / "two.yaml", levels)
    assert call(import_, "two.yaml")[0] == 0
    return Scenario.load("two.toml")


def test_a_map_has_walls_and_free_space_where_the_plan_has_them(call: Call) -> None:
    assert call(export, "paper", "--as", "ros", "--resolution", "0.1", "--out", "map.yaml")[0] == 0
    raster, _ = read_ros_map(Path("map.yaml"))
    plan = Scenario.load("paper").floorplan
    walls = linestrings(plan.wall_segments().reshape(-1, 2, 2))
    tiles = [box(*rectangle) for rectangle in plan.tile_boxes()]
    draw = np.random.default_rng(0)
    height, width = raster.free.shape
    for column, row in zip(draw.integers(width, size=2000), draw.integers(height, size=2000), strict=True):
        low, high = raster.to_metres(np.array([[column, row], [column + 1, row + 1]]))
        cell, middle = box(*low, *high), Point(*(low + high) / 2)
        touched = any(cell.buffer(-1e-6).intersects(wall) for wall in walls)
        near = any(cell.buffer(1e-6).intersects(wall) for wall in walls)
        assert raster.occupied[row, column] == touched or near != touched
        inside = any(tile.buffer(-1e-6).contains(middle) for tile in tiles)
        assert raster.free[row, column] == (inside and not raster.occupied[row, column])


def test_a_graph_has_its_waypoints_within_half_a_pixel(call: Call) -> None:
    assert call(export, "paper", "--as", "graph", "--resolution", "0.02", "--out", "g.graph")[0] == 0
    graph, _ = read_patrol_graph(Path("g.graph"))
    plan = Scenario.load("paper").floorplan
    assert np.abs(graph.position - plan.waypoint_positions()).max() <= 0.01 + 1e-9
    found = {frozenset(edge[:2]): edge.length for edge in graph.edges}
    for ends, length in zip(plan.edge_indices().tolist(), plan.edge_lengths(), strict=True):
        assert found.pop(frozenset(ends)) == pytest.approx(length, abs=0.01 + 1e-9)
    assert not found


def test_routes_keep_names_lengths_and_directions(call: Call, two_levels: Scenario) -> None:
    assert call(export, "two.toml", "--as", "geojson", "--level", "low", "--out", "g.geojson")[0] == 0
    graph, _ = read_route_graph(Path("g.geojson"))
    plan = two_levels.floorplan
    position = {waypoint.name: waypoint.position for waypoint in plan.waypoints}
    assert set(graph.names) == set("abc")
    for name, point in zip(graph.names, graph.position, strict=True):
        assert point == pytest.approx(position[name], abs=1e-9)
    ways = {(graph.names[edge.start], graph.names[edge.end]): edge.one_way for edge in graph.edges}
    assert ways[("a", "b")]
    assert sum(ways.values()) == 1


def test_an_exported_map_is_imported_where_it_was(call: Call) -> None:
    assert call(export, "paper", "--as", "ros", "--out", "map.yaml")[0] == 0
    assert call(export, "paper", "--as", "geojson", "--out", "ways.geojson")[0] == 0
    code, _, err = call(import_, "map.yaml", "--graph", "ways.geojson", "--out", "again.toml")
    assert code == 0, err
    before, after = Scenario.load("paper").floorplan, Scenario.load("again.toml").floorplan
    position = {waypoint.name: waypoint.position for waypoint in after.waypoints}
    for waypoint in before.waypoints:
        assert position[waypoint.name] == pytest.approx(waypoint.position, abs=0.05)
    assert sum(after.edge_lengths()) == pytest.approx(sum(before.edge_lengths()), rel=0.01)


def test_several_levels_need_a_choice(call: Call, two_levels: Scenario) -> None:
    before = sorted(Path().iterdir())
    for arguments, problem in (
        (("two.toml", "--as", "ros"), "say which level is to be written: low, top"),
        (("two.toml", "--as", "ros", "--level", "lo"), "must be one of low, top; did you mean 'low'?"),
        (("paper", "--as", "png"), "must be one of ros, graph, geojson"),
        (("paper", "--as", "ros", "--level", "L1"), "must be one of"),
        (("paper", "--as", "ros", "--resolution", "0"), "metres a pixel"),
        (("paper", "--as", "ros", "--resolution", "0.001", "--out", "m.yaml"), "cells are more than"),
        (("paper", "--as", "ros", "--out", "m.pgm"), "must end in .yaml"),
        (("nowhere.toml", "--as", "ros"), "nowhere"),
    ):
        code, out, err = call(export, *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert problem in err
    assert sorted(Path().iterdir()) == before


def test_files_that_are_there_stay(call: Call) -> None:
    Path("map.pgm").write_text("precious")
    code, _, err = call(export, "paper", "--as", "ros", "--out", "map.yaml")
    assert code == 2
    assert "map.pgm: exists already; add --force" in err
    assert Path("map.pgm").read_text() == "precious"
    assert call(export, "paper", "--as", "ros", "--out", "map.yaml", "--force")[0] == 0


def test_positions_go_back_to_the_pixels_that_they_came_from(two_levels: Scenario) -> None:
    run = execute(two_levels, Policy.load("rank"), steps=two_levels.dual.T0, seed=1)
    mapped = run.to_map()
    assert mapped.levels == ("low", "top")
    assert mapped.level.shape == run.position.shape[:2]
    position = two_levels.floorplan.waypoint_positions()
    found = run.to_map(position)
    for waypoint, index, point in zip(
        two_levels.floorplan.waypoints, found.level, found.position, strict=True
    ):
        metres = {"a": (4.0, 1.0), "b": (9.0, 1.0), "c": (9.0, 7.5)}[
            chr(ord("a") + (ord(waypoint.name) - 97) % 3)
        ]
        assert index == (waypoint.name > "c")
        assert point == pytest.approx(FRAME.pixels(metres), abs=1e-4)
    assert run.to_map([[-1e3, 0.0]]).level.tolist() == [-1]
    with pytest.raises(InputError, match="position"):
        run.to_map([1.0, 2.0, 3.0])


def test_positions_of_a_plan_of_ones_own_stay(call: Call) -> None:
    run = execute(Scenario.load("tiny"), Policy.load("rank"), steps=100)
    assert np.array_equal(run.to_map().position, run.position)
    assert math.isclose(run.to_map().level.sum(), 0)


@pytest.mark.parametrize("shift", [(-10.0, 0.0), (0.0, -3.5), (-10.0, -3.5), (60.0, 0.0), (0.0, 9.0)])
def test_areas_beyond_a_level_leave_no_cells(shift: tuple[float, float]) -> None:
    square = np.array([[1.0, 1.0], [3.0, 1.0], [3.0, 3.0], [1.0, 3.0]])
    raster = rasterised((), (square, square + shift), (0.0, 0.0, 40.0, 4.0), 0.5)
    inside = [[row, column] for row in range(2, 6) for column in range(2, 6)]
    assert np.argwhere(raster.free).tolist() == inside
