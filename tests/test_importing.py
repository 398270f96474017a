"""``cmarlsim import``: a source becomes files that load and run, or one line that says why not."""

from __future__ import annotations

import json
import math
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import ROOT, Call
from rmf_files import corridor, level, written

from cmarlsim import Policy, Scenario, execute
from cmarlsim.check import check
from cmarlsim.exporting import export
from cmarlsim.importing import import_
from cmarlsim.run import run

MAPS = Path(__file__).parents[2] / "shared" / "maps"
FILES = ("mine-plan.png", "mine-plan.toml", "mine.toml")
SOURCES = [
    ("open_rmf/office/office.building.yaml",),
    ("open_rmf/hotel/hotel.building.yaml",),
    ("open_rmf/hotel/hotel.building.yaml", "--level", "L2"),
    ("open_rmf/triple_H/triple_H.building.yaml",),
    ("open_rmf/hotel/hotel_L1.png", "--resolution", "0.056"),
    *(
        (f"patrolling_sim/{name}/{name}.yaml", "--graph", f"patrolling_sim/{name}/{name}.graph")
        for name in ("cumberland", "example", "grid", "move_base_arena")
    ),
    ("patrolling_sim/ctcv/ctcv.pgm", "--resolution", "0.05"),
    ("patrolling_sim/cumberland/cumberland.yaml",),
    ("nav2/bringup_maps/depot.yaml",),
    ("nav2/bringup_maps/depot.yaml", "--graph", "nav2/bringup_graphs/depot_graph.geojson"),
    ("nav2/bringup_maps/tb3_sandbox.yaml",),
    ("turtlebot3/map.yaml",),
    ("mit_racecar/building_31.yaml",),
]


def imported(call: Call, *arguments: str) -> tuple[Scenario, str]:
    code, out, err = call(import_, *arguments, "--out", "mine.toml", "--force")
    assert (code, "error" in err) == (0, False), err
    return Scenario.load("mine.toml"), out


def refused(call: Call, *arguments: str) -> str:
    """What is told where an import is refused: one line, and no file is left."""
    before = sorted(Path().iterdir())
    code, out, err = call(import_, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert sorted(Path().iterdir()) == before
    return err


@pytest.fixture
def building(tmp_path: Path) -> str:
    """Name of a file with nine rooms."""
    return written(tmp_path / "made.building.yaml", {"L1": corridor(4)}).name


@pytest.mark.filterwarnings("ignore:.*(is without signal|is below the distance):UserWarning")
@pytest.mark.parametrize("arguments", SOURCES, ids=" ".join)
def test_real_maps_become_scenarios_that_run(call: Call, arguments: tuple[str, ...]) -> None:
    if not MAPS.is_dir():
        pytest.skip("there are no maps of others here")
    scenario, _ = imported(call, *(str(MAPS / part) if "/" in part else part for part in arguments))
    recording = execute(scenario, Policy.load("rank"), steps=scenario.dual.T0)
    assert np.isfinite(recording.position).all()


def test_a_building_becomes_three_files(call: Call, building: str) -> None:
    scenario, out = imported(call, building)
    assert sorted(path.name for path in Path().iterdir()) == sorted([building, *FILES])
    assert Path("mine-plan.png").read_bytes().startswith(b"\x89PNG")
    assert [zone.name for zone in scenario.zones][:4] == ["high 0", "high 1", "high 2", "high 3"]
    assert (scenario.M, scenario.agents.N, scenario.floorplan.tiles) == (9, 6, "rooms")
    assert len(scenario.floorplan.edges) == 11
    for name in FILES:
        assert name in out
    assert "cmarlsim run mine.toml" in out
    assert "\x1b" not in out


def test_what_was_written_can_be_run_at_every_place(call: Call, building: str) -> None:
    scenario, _ = imported(call, building)
    assert len(scenario.numbered.tile) > 0
    assert 50 * math.ceil(3 * (2 * 3.5 + 12) / 50) == scenario.dual.T0


def test_thresholds_add_up_to_the_load(call: Call, building: str) -> None:
    for load, N in ((0.7, 4), (0.3, 6), (0.9, 3)):
        scenario, _ = imported(call, building, "--load", str(load), "--agents", str(N))
        assert scenario.agents.N == N
        missing = load * (N - 1) - scenario.c.sum()
        assert missing == pytest.approx(0.0005 * scenario.M, abs=0.0005 * scenario.M + 1e-9)
    scenario, _ = imported(call, building, "--load", "1", "--agents", "20")
    assert scenario.c.max() == pytest.approx(0.85)


def test_zones_are_rooms_or_names_or_as_many_as_asked(call: Call, building: str) -> None:
    scenario, _ = imported(call, building, "--zones", "names")
    assert scenario.M == 12
    scenario, _ = imported(call, building, "--zones", "4")
    assert scenario.M == 4
    assert all(zone.room for zone in scenario.zones)
    scenario, _ = imported(call, building, "--zones", "11")
    assert scenario.M == 11
    assert all(zone.radius for zone in scenario.zones)
    assert "13 zones are more than the 12" in refused(call, building, "--zones", "13")


def test_lanes_through_walls_lead_through_doors(call: Call, tmp_path: Path) -> None:
    made = corridor(2)
    names = [vertex[3] for vertex in made["vertices"]]
    made["lanes"] = [lane for lane in made["lanes"] if "low 0" not in (names[lane[0]], names[lane[1]])]
    made["lanes"].append([names.index("low 0"), names.index("low 1"), {"bidirectional": [4, True]}])
    written(tmp_path / "made.yaml", {"L1": made})
    scenario, out = imported(call, "made.yaml")
    assert "The straight line of low 0-low 1 is blocked" in " ".join(out.split()).replace("│ ", "")
    lengths = dict(
        zip((edge.ends for edge in scenario.floorplan.edges), scenario.floorplan.edge_lengths(), strict=True)
    )
    around = sum(length for ends, length in lengths.items() if any("low 0" in name for name in ends))
    shortest = 2 * math.dist((2, -2.5), (2.5, 0)) + 3  # along the corners of both doors
    assert shortest < around < 1.15 * shortest


def test_separate_lanes_are_joined_where_they_see_each_other(call: Call, tmp_path: Path) -> None:
    made = corridor(3)
    names = [vertex[3] for vertex in made["vertices"]]
    cut = {"hall 0", "hall 1"}
    made["lanes"] = [lane for lane in made["lanes"] if {names[lane[0]], names[lane[1]]} != cut]
    written(tmp_path / "made.yaml", {"L1": made})
    scenario, out = imported(call, "made.yaml")
    assert ("hall 0", "hall 1") in {edge.ends for edge in scenario.floorplan.edges}
    assert "joins separate parts" in out


def test_dead_ends_of_one_way_lanes_are_left_out(call: Call, tmp_path: Path) -> None:
    made = corridor(3)
    names = [vertex[3] for vertex in made["vertices"]]
    for lane in made["lanes"]:
        if names[lane[0]] == "low 2":
            lane[:] = [lane[1], lane[0], {}]
        elif names[lane[0]] == "high 2":
            lane[2] = {}
    written(tmp_path / "made.yaml", {"L1": made})
    scenario, _ = imported(call, "made.yaml")
    kept = {waypoint.name for waypoint in scenario.floorplan.waypoints}
    assert "low 2" not in kept  # no way leads back
    assert "high 2" in kept  # no way leads there, but agents may begin there
    assert not {"low 2", "high 2"} & {zone.name for zone in scenario.zones}


def test_rooms_that_ways_pass_through_get_a_waypoint(call: Call, tmp_path: Path) -> None:
    points = {"west": (2.0, 2.0), "east": (10.0, 2.5)}
    points |= {f"_{x} {y}": (float(x), float(y)) for x in (0, 4, 8, 12) for y in (0, 1, 3, 4)}
    walls = [(f"_{x} {y}", f"_{x + 4} {y}") for x in (0, 4, 8) for y in (0, 4)] + [
        ("_0 0", "_0 4"),
        ("_12 0", "_12 4"),
    ]
    walls += [(f"_{x} {y}", f"_{x} {y + 1}") for x in (4, 8) for y in (0, 3)]
    doors = [(f"_{x} 1", f"_{x} 3", f"door {x}") for x in (4, 8)]
    written(tmp_path / "made.yaml", {"L1": level(points, walls, doors, [("west", "east", True)])})
    scenario, _ = imported(call, "made.yaml")
    plan = scenario.floorplan
    assert [zone.room for zone in scenario.zones] == ["west", "room 2", "east"]
    assert {waypoint.name: waypoint.position for waypoint in plan.waypoints}["room 2"] == pytest.approx(
        (6.0, 2.25)
    )
    assert {frozenset(edge.ends) for edge in plan.edges} == {
        frozenset(("west", "room 2")),
        frozenset(("room 2", "east")),
    }
    assert sum(plan.edge_lengths()) == pytest.approx(math.dist((2.0, 2.0), (10.0, 2.5)), abs=1e-6)


def test_files_that_are_there_stay(call: Call, building: str) -> None:
    for name in FILES:
        Path(name).write_text("precious")
        assert "exists already; add --force" in refused(call, building, "--out", "mine.toml")
        assert Path(name).read_text() == "precious"
        Path(name).unlink()
    Path("mine.yaml").write_text(Path(building).read_text())
    err = refused(call, "mine.yaml", "--out", "mine.yaml")
    assert "must name a TOML file" in err


def test_options_that_do_not_go_with_a_source(call: Call, building: str, tmp_path: Path) -> None:
    Path("map.pgm").write_bytes(b"P2 3 3 255\n" + b"255 " * 9)
    Path("a.map").write_text("type octile\nheight 1\nwidth 1\nmap\n.\n")
    Path("f.graph").write_text("1\n2\n3\n0.1\n0\n0\n\n0\n")
    Path("f.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    for arguments, problem in (
        ((building, "--level", "L9"), "there is no level 'L9', only L1"),
        ((building, "--graph", "f.graph"), "has lanes of its own"),
        (("map.pgm",), "add --resolution"),
        (("a.map",), "add --resolution"),
        (("map.pgm", "--level", "L1", "--resolution", "1"), "has no levels"),
        (("f.graph",), "is given by --graph"),
        (("f.geojson",), "are given by --graph"),
        (("missing.yaml",), "no such file"),
        ((building, "--zones", "many"), "must be auto, names or a number"),
        ((building, "--load", "0"), "must be above 0"),
        ((building, "--out", "mine.png"), "must name a TOML file"),
    ):
        assert problem in refused(call, *arguments)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01\x02",
        b"<world/>",
        b"key: value",
        b"\xff\xfe",
        b"- 1\n- 2",
        b"image: x\n",
        b"levels: {}",
    ],
)
def test_what_cannot_be_imported_is_told_in_one_line(call: Call, content: bytes) -> None:
    Path("source").write_bytes(content)
    assert "source" in refused(call, "source")


def test_what_is_broken_leaves_nothing(call: Call, tmp_path: Path) -> None:
    valid = json.loads(written(tmp_path / "made.yaml", {"L1": corridor(2)}).read_text())

    def broken(**changes: Any) -> str:
        Path("made.yaml").write_text(
            json.dumps({**valid, "levels": {"L1": {**valid["levels"]["L1"], **changes}}})
        )
        return refused(call, "made.yaml")

    assert "no measurements" in broken(measurements=[])
    assert "must be the index of a vertex" in broken(walls=[[0, 999, {}]])
    assert "must be a number" in broken(vertices=[["x", 1, 0, ""]])
    assert "made.yaml: has neither lanes nor rooms" in broken(lanes=[], walls=[[0, 1, {}]], doors=[])


def test_names_become_one_line(call: Call, tmp_path: Path) -> None:
    made = json.loads(written(tmp_path / "made.yaml", {"L1": corridor(2)}).read_text())
    for vertex in made["levels"]["L1"]["vertices"]:
        vertex[3] = f"{vertex[3]}\nat\x07 home" if vertex[3] else ""
    for i, door in enumerate(made["levels"]["L1"]["doors"]):
        door[2]["name"] = [1, f"door\t{i}\n"]
    Path("made.yaml").write_text(json.dumps({**made, "name": "my\nhouse\n"}))
    scenario, _ = imported(call, "made.yaml")
    assert scenario.floorplan.name == "my house"
    assert scenario.floorplan.doors[0].name == "door 0"
    assert all(" at home" in zone.name for zone in scenario.zones if "high" in zone.name)
    Path("made.yaml").write_text(json.dumps({**made, "levels": {"L\n1": made["levels"]["L1"]}}))
    assert "without line breaks" in refused(call, "made.yaml")


def test_every_command_of_the_page_runs(call: Call) -> None:
    page = (ROOT / "docs" / "importing.md").read_text("utf-8")
    Path("data").symlink_to(ROOT / "data")
    known = {"import": import_, "export": export, "run": run, "check": check}
    lines = re.findall(r"^cmarlsim (\w+) (.*?)(?: +#.*)?$", page, re.MULTILINE)
    assert {name for name, _ in lines} == set(known)
    for name, arguments in lines:
        code, _, err = call(known[name], *shlex.split(arguments))
        assert code == 0, err


def test_a_building_without_lanes_gets_ways_into_all_rooms(call: Call, tmp_path: Path) -> None:
    made = corridor(3)
    made["lanes"] = []
    written(tmp_path / "made.yaml", {"L1": made})
    scenario, out = imported(call, "made.yaml")
    assert scenario.M == len(scenario.floorplan.rooms) == 7
    assert "has no lanes" in out


def rooms_of_cells(rooms: int) -> list[str]:
    """Rows of a grid from top to bottom: rooms of 20 x 16 cells side by side, with doors of 4 cells."""
    wall, door = "@" * (21 * rooms + 1), "@" + ("." * 20 + ".") * (rooms - 1) + "." * 20 + "@"
    return [
        wall,
        *6 * ["@" + ("." * 20 + "@") * rooms],
        *4 * [door],
        *6 * ["@" + ("." * 20 + "@") * rooms],
        wall,
    ]


def test_a_grid_becomes_rooms(call: Call) -> None:
    rows = rooms_of_cells(4)
    header = f"type octile\nheight {len(rows)}\nwidth {len(rows[0])}\nmap\n"
    Path("site.map").write_text(header + "\n".join(rows))
    scenario, _ = imported(call, "site.map", "--resolution", "0.25")
    plan = scenario.floorplan
    assert (len(plan.rooms), scenario.M) == (4, 4)
    for room in plan.rooms:
        x, y = np.mean(room.polygon, axis=0)
        assert rows[len(rows) - 1 - int(y / 0.25)][int(x / 0.25)] == "."
    run = execute(scenario, Policy.load("rank"), steps=50)
    column, row = np.floor(run.to_map().position).astype(int).reshape(-1, 2).T
    assert {rows[i][j] for i, j in zip(row.tolist(), column.tolist(), strict=True)} == {"."}
    cells = np.array([[255 * (cell == ".") for cell in row] for row in rows], dtype=np.uint8)
    Path("site.pgm").write_bytes(f"P5 {cells.shape[1]} {cells.shape[0]} 255\n".encode() + cells.tobytes())
    again, _ = imported(call, "site.pgm", "--resolution", "0.25")
    assert again.floorplan.rooms == plan.rooms


def map_of_ros(picture: str, cells: bytes) -> None:
    """Write site.yaml for a picture of 64 x 18 cells, which is written too."""
    Path(picture).write_bytes(b"P5 64 18 255\n" + cells)
    text = f"image: {picture}\nresolution: 0.25\norigin: [0, 0, 0]\nnegate: 0\n"
    Path("site.yaml").write_text(text + "occupied_thresh: 0.65\nfree_thresh: 0.196\n")


def greys_of_cells() -> bytes:
    return b"".join(row.encode().replace(b"@", b"\x00").replace(b".", b"\xfe") for row in rooms_of_cells(3))


def test_the_picture_of_a_source_is_never_replaced(call: Call) -> None:
    map_of_ros("mine-plan.png", greys_of_cells())
    assert "is an input" in refused(call, "site.yaml", "--out", "mine.toml", "--force")
    code, _, err = call(import_, "site.yaml")
    assert code == 0, err
    assert Path("mine-plan.png").read_bytes().startswith(b"P5")


def test_a_run_goes_beside_what_was_imported(call: Call) -> None:
    map_of_ros("site.png", greys_of_cells())
    assert call(import_, "site.yaml")[0] == 0
    code, _, err = call(run, "site.toml", "--policy", "rank", "--steps", "300", "--out", "run.h5")
    assert code == 0, err
    assert call(import_, "site.yaml", "--out", "run2.toml")[0] == 0
    code, _, err = call(run, "run2.toml", "--policy", "rank", "--steps", "300", "--out", "run2.h5")
    assert code == 0, err


def test_waypoints_in_one_place_are_one_zone(call: Call) -> None:
    map_of_ros("site.pgm", greys_of_cells())
    points = [(2.5, 2.0), (7.75, 2.0), (7.75, 2.0), (13.0, 2.0)]
    ids = [{"id": i} for i in range(4)] + [
        {"id": 10 + i, "startid": a, "endid": b} for i, (a, b) in enumerate(((0, 1), (1, 3), (0, 2), (2, 0)))
    ]
    ids += [{"id": 20, "startid": 3, "endid": 1}, {"id": 21, "startid": 1, "endid": 0}]
    shapes = [{"type": "Point", "coordinates": point} for point in points]
    shapes += [{"type": "LineString", "coordinates": []}] * (len(ids) - len(shapes))
    features = [
        {"type": "Feature", "properties": one, "geometry": shape}
        for one, shape in zip(ids, shapes, strict=True)
    ]
    Path("site.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    scenario, out = imported(call, "site.yaml", "--graph", "site.geojson", "--zones", "names")
    assert [zone.name for zone in scenario.zones] == ["n0", "n1", "n3"]
    assert "where another is" in " ".join(out.replace("│", " ").split())
    assert "3 places" in refused(
        call, "site.yaml", "--graph", "site.geojson", "--zones", "4", "--out", "x.toml"
    )


def test_what_is_wrong_with_a_raster_names_its_file(call: Call) -> None:
    map_of_ros("site.pgm", bytes(64 * 18))
    assert "site.yaml: no cell" in refused(call, "site.yaml")


def test_a_graph_of_another_map_is_refused(call: Call) -> None:
    map_of_ros("site.pgm", greys_of_cells())
    vertices = [(10, 9), (500, 9), (10, 700)]
    edges = [[1], [0, 2], [1]]
    words = [3, 64, 18, 0.25, 0, 0]
    for i, ((x, y), others) in enumerate(zip(vertices, edges, strict=True)):
        words += [i, x, y, len(others), *(word for other in others for word in (other, "N", 400))]
    Path("site.graph").write_text("\n".join(map(str, words)))
    err = refused(call, "site.yaml", "--graph", "site.graph")
    assert "does not fit the map: of 3 waypoints, 2 are off the map" in err
