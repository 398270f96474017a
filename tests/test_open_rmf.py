"""Buildings of Open-RMF, made from what is known in metres, are read as what they were made from."""

from __future__ import annotations

import copy
import json
import math
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rmf_files import Frame, corridor, level, room_of, written
from shapely import Polygon

from cmarlsim.errors import InputError
from cmarlsim.maps.draft import Draft
from cmarlsim.maps.formats.open_rmf import read_open_rmf
from cmarlsim.maps.formats.open_rmf_graph import RIDE

SQUARE = {"a": (3.0, 1.0), "b": (9.0, 1.0), "c": (9.0, 7.5), "d": (3.0, 7.5)}
ROUND = [("a", "b", True), ("b", "c", True), ("c", "d", True), ("d", "a", True)]
CORNERS = {"p": (0.0, 0.0), "q": (30.0, 2.0), "r": (11.0, 25.0)}


def fiducials(frame: Frame) -> list[list[Any]]:
    return [[*frame.pixels(point), name] for name, point in CORNERS.items()]


def at(draft: Draft, name: str) -> list[float]:
    return draft.graph.position[draft.graph.names.index(name)].tolist()


def pairs(draft: Draft) -> dict[tuple[str, str], bool]:
    names = draft.graph.names
    return {(names[edge.start], names[edge.end]): edge.one_way for edge in draft.graph.edges}


def texts(draft: Draft) -> str:
    return " ".join(remark.text for remark in draft.remarks)


def test_pixels_become_metres(tmp_path: Path) -> None:
    draft = read_open_rmf(written(tmp_path / "f", {"L1": level(SQUARE, lanes=ROUND, frame=Frame(0.037))}))
    for name, point in SQUARE.items():
        assert at(draft, name) == pytest.approx(point, abs=1e-9)
    a, b, c, d, e, f = draft.levels[0].to_source
    x, y = SQUARE["c"]
    assert [a * x + b * y + c, d * x + e * y + f] == pytest.approx(Frame(0.037).pixels((x, y)), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_levels_are_aligned_by_fiducials(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    first = Frame(draw.uniform(0.01, 0.1))
    second = Frame(draw.uniform(0.01, 0.1), draw.uniform(-3, 3), (draw.uniform(-9, 9), draw.uniform(-9, 9)))
    upper = {f"{name}2": (x + 1, y - 2) for name, (x, y) in SQUARE.items()}
    lanes = [(f"{a}2", f"{b}2", both) for a, b, both in ROUND]
    levels = {
        "L1": level(SQUARE, lanes=ROUND, frame=first, fiducials=fiducials(first)),
        "L2": level(upper, lanes=lanes, frame=second, fiducials=fiducials(second)),
    }
    draft = read_open_rmf(written(tmp_path / "f", levels))
    shift = at(draft, "a2")[0] - upper["a2"][0]
    for name, (x, y) in upper.items():
        assert at(draft, name) == pytest.approx([x + shift, y], abs=1e-6)
        a, b, c, d, e, f = draft.levels[1].to_source
        found = [a * (x + shift) + b * y + c, d * (x + shift) + e * y + f]
        assert found == pytest.approx(second.pixels((x, y)), abs=1e-6)
    left, right = (level.rectangle for level in draft.levels)
    assert right[0] > left[2]


def test_lanes_lead_one_way_unless_they_or_others_lead_back(tmp_path: Path) -> None:
    lanes = [("a", "b", False), ("b", "c", True), ("c", "d", False), ("d", "c", False), ("a", "b", False)]
    draft = read_open_rmf(written(tmp_path / "f", {"L1": level(SQUARE, lanes=lanes)}))
    assert pairs(draft) == {("a", "b"): True, ("b", "c"): False, ("c", "d"): False}


@pytest.mark.parametrize("told", [True, False])
def test_lifts_join_the_levels_that_they_serve(tmp_path: Path, told: bool) -> None:
    frame = Frame(0.05)
    names = {"L1": "abcd", "L2": "efgh", "L3": "ijkl"}
    levels = {}
    for number, (name, letters) in enumerate(names.items()):
        points = dict(zip(letters, SQUARE.values(), strict=True))
        lanes = [(x, y, True) for x, y in pairwise(letters)]
        cabin = {letters[2]: {"lift_cabin": [1, "up"]}} if told else {}
        more = {"fiducials": fiducials(frame), "elevation": -4.0 * number, "parameters": cabin}
        levels[name] = level(points, lanes=lanes, frame=frame, **more)
    x, y = frame.pixels((9.3, 7.7))
    lift = {"x": x, "y": y, "yaw": 0, "width": 2, "depth": 2, "level_doors": {name: ["d"] for name in names}}
    draft = read_open_rmf(written(tmp_path / "f", levels, lifts={"up": lift}))
    rides = [edge for edge in draft.graph.edges if edge.lift]
    ends = {frozenset(draft.graph.names[i] for i in edge[:2]) for edge in rides}
    assert ends == {frozenset("cg"), frozenset("gk")}  # L3 is the lowest
    assert {(edge.lift, edge.length, edge.one_way) for edge in rides} == {("up", RIDE, False)}
    only = read_open_rmf(tmp_path / "f", ["L2"])
    assert [each.name for each in only.levels] == ["L2"]
    assert not any(edge.lift for edge in only.graph.edges)


@pytest.mark.parametrize("doors", [True, False])
def test_rooms_are_what_walls_and_doorways_enclose(tmp_path: Path, doors: bool) -> None:
    draft = read_open_rmf(written(tmp_path / "f", {"L1": corridor(4, doors)}))
    assert len(draft.rooms) == 9
    found = {room.name: Polygon(room.polygon) for room in draft.rooms}
    for name in ("low", "high"):
        for k in range(4):
            truth = Polygon(room_of(name, k))
            room = found[f"{name} {k}"]
            assert room.intersection(truth).area / room.union(truth).area == pytest.approx(1, abs=1e-4)
    assert found["hall 0"].area == pytest.approx(32, abs=1e-3)
    assert [door.name for door in draft.doors][:2] == (["door low 0", "door low 1"] if doors else [])


def test_a_room_around_another_has_one_outline(tmp_path: Path) -> None:
    outer = {"_a": (0.0, 0.0), "_b": (20.0, 0.0), "_c": (20.0, 10.0), "_d": (0.0, 10.0)}
    inner = {"_e": (5.0, 3.0), "_f": (9.0, 3.0), "_g": (9.0, 7.0), "_h": (5.0, 7.0)}
    walls = [(f"_{x}", f"_{y}") for x, y in ("ab", "bc", "cd", "da", "ef", "fg", "gh", "he")]
    rooms = read_open_rmf(written(tmp_path / "f", {"L1": level(outer | inner, walls)})).rooms
    shapes = [Polygon(room.polygon) for room in rooms]
    assert all(shape.is_valid for shape in shapes)
    assert sorted(shape.area for shape in shapes) == pytest.approx([16, 184], abs=0.02)
    assert shapes[0].intersection(shapes[1]).area == 0


def test_measurements_are_averaged_and_their_spread_is_told(tmp_path: Path) -> None:
    made = level(SQUARE, lanes=ROUND)
    made["measurements"] = [[0, 1, {"distance": [3, 6.0]}], [1, 2, {"distance": [3, 6.5 * 1.1]}]]
    draft = read_open_rmf(written(tmp_path / "f", {"L1": made}))
    assert math.dist(at(draft, "a"), at(draft, "b")) == pytest.approx(6 * 1.05)
    assert "from 2 measurements, which differ by 9.5%" in texts(draft)
    assert any(remark.kind == "warning" for remark in draft.remarks)


def test_without_measurements_the_scale_is_asked_for(tmp_path: Path) -> None:
    made = level(SQUARE, lanes=ROUND, frame=Frame(0.02), measurements=[])
    path = written(tmp_path / "f", {"L1": made})
    with pytest.raises(InputError, match=r"'L1' has no measurements.*--resolution"):
        read_open_rmf(path)
    assert at(read_open_rmf(path, resolution=0.02), "c") == pytest.approx(SQUARE["c"], abs=1e-9)


def test_metres_and_degrees(tmp_path: Path) -> None:
    points = {name: [x, y, 0, name] for name, (x, y) in SQUARE.items()}
    lanes = [[0, 1, {}], [1, 2, {}], [2, 3, {}], [3, 0, {}]]
    path = written(
        tmp_path / "f",
        {"L1": {"vertices": [*points.values()], "lanes": lanes}},
        coordinate_system="cartesian_meters",
    )
    assert at(read_open_rmf(path), "c") == pytest.approx(SQUARE["c"])
    degrees = {"a": (103.99, 1.21), "b": (103.992, 1.21), "c": (103.992, 1.2113)}
    vertices = [[x, y, 0, name] for name, (x, y) in degrees.items()]
    path = written(
        tmp_path / "f", {"L1": {"vertices": vertices, "lanes": lanes[:2]}}, coordinate_system="wgs84"
    )
    draft = read_open_rmf(path)
    east, north = np.subtract(at(draft, "c"), at(draft, "a"))
    assert east == pytest.approx(0.002 * 111_320 * math.cos(math.radians(1.21)), rel=1e-3)
    assert north == pytest.approx(0.0013 * 110_574, rel=1e-3)
    path = written(tmp_path / "f", {"L1": {"vertices": vertices}}, coordinate_system="web_mercator")
    with pytest.raises(InputError, match=r"web_mercator.*is not read"):
        read_open_rmf(path)


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    made = level(SQUARE, walls=[("a", "b")], lanes=ROUND)
    made["walls"].append([2, 44, {}])
    made["lanes"].append([1, 1, {}])
    made["vertices"][0][0] = "left"
    made["measurements"][0][2]["distance"][1] = -3
    lift = {"x": 1, "y": 1, "yaw": 0, "width": 2, "depth": 2, "level_doors": {"L7": ["d"]}}
    with pytest.raises(InputError) as caught:
        read_open_rmf(written(tmp_path / "f", {"L1": made}, lifts={"up": lift}))
    for part in (
        "levels.L1.walls[1][1] = '44': must be the index of a vertex, below 4",
        "levels.L1.lanes[4] = [1, 1]: leads from a vertex to itself",
        "levels.L1.vertices[0][0] = 'left': must be a number",
        "levels.L1.measurements[0]: needs a distance above 0 m",
        "lifts.up.level_doors: there is no level 'L7', only L1",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "has no table 'levels'"),
        ("levels: 3", "has no table 'levels'"),
        ("levels: {}", "must have at least one level"),
        ("levels: {L1: {vertices: []}}", "no level has walls"),
        ("levels: [", "not valid YAML"),
        ("a: &x 1\nlevels: *x", "refers to \\*x"),
        ("levels: {L1: {}, L1: {}}", "the key 'L1' stands here once more"),
        ("levels: " + "[" * 100_000, "deep|depth"),
        ("levels: {L1: {vertices: {}}}", "must be a list"),
        ("levels: {L1: {vertices: [[1, 2]]}}", "must be a list of 4 or more"),
        ("levels: {L1: []}\nreference_level_name: L2", "must be a table"),
    ],
)
def test_what_is_no_building_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "f.building.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=problem):
        read_open_rmf(path)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of everything in nested data."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(each for key, entry in inside for each in places(entry, (*place, key)))]


def test_mutations_are_read_or_refused(tmp_path: Path) -> None:
    draw = random.Random(0)
    path = written(tmp_path / "f", {"L1": corridor(2), "L2": level(SQUARE, lanes=ROUND)})
    valid = json.loads(path.read_text())
    refused = 0
    for _ in range(400):
        data = copy.deepcopy(valid)
        for *way, last in draw.sample(places(data)[1:], draw.choice((1, 1, 2, 5))):
            target = data
            try:
                for key in way:
                    target = target[key]
                if draw.random() < 0.3:
                    del target[last]
                else:
                    target[last] = draw.choice(
                        ["", "x", -1, 0, 1e9, 1e400, None, [], {}, [[]], 3, True, "nan", "0.5", "\u0000"]
                    )
            except (LookupError, TypeError):
                continue
        path.write_text(json.dumps(data))
        try:
            read_open_rmf(path)
        except InputError:
            refused += 1
    assert 100 < refused < 400
