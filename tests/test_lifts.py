"""Buildings with polygons, one-way edges, lengths of their own, lifts and levels."""

import math
import re
import tomllib
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import buildings
import naive
import numpy as np
import pytest
from cases import COMPILED, Case, policy_of, scenario_of, simulated
from commands import ROOT
from hypothesis import given, settings
from kernels import packed, run_on, sites, unpacked
from naive import Toml
from test_engine import check_against_twin
from trainings import QUICK

from cmarlsim import Policy, Scenario, execute, learn
from cmarlsim.building.floorplan import FloorPlan
from cmarlsim.errors import InputError
from cmarlsim.kernels.motion import advance
from cmarlsim.kernels.world import TICKS_PER_METRE
from cmarlsim.training.recipe import Recipe

pytestmark = pytest.mark.kernels


def school() -> Case:
    """Two levels joined by a lift; downstairs a loop that leads one way round, from hall to yard to lab."""
    corners = {"hall": [0, 0, 4, 4], "yard": [4, 0, 8, 4], "lab": [0, 4, 8, 7], "attic": [20, 0, 26, 5]}
    boxes = {name: [float(x) for x in box] for name, box in corners.items()}
    plan: Toml = {
        "name": "school",
        "walls": [{"points": [[0.0, 4.0], [2.0, 4.0]]}],
        "tiles": "rooms",
        "rooms": [
            {"name": name, "polygon": [[a, b], [c, b], [c, d], [a, d]]}
            for name, (a, b, c, d) in boxes.items()
        ],
        "doors": [{"name": "door", "points": [[2.0, 4.0], [4.0, 4.0]]}],
        "levels": [
            {"name": "ground", "rectangle": [-1.0, -1.0, 9.0, 9.0]},
            {"name": "upstairs", "rectangle": [19.0, -1.0, 29.0, 9.0], "to_source": [1, 0, -20, 0, 1, 0]},
        ],
        "waypoints": [
            {"name": "hall", "position": [3.0, 2.0]},
            {"name": "yard", "position": [7.0, 2.0]},
            {"name": "lab", "position": [3.0, 6.0]},
            {"name": "attic", "position": [22.0, 2.0]},
        ],
        "edges": [
            {"ends": ["hall", "yard"], "one_way": True},
            {"ends": ["yard", "lab"], "one_way": True, "length": 7.9},
            {"ends": ["lab", "hall"], "one_way": True},
            {"ends": ["hall", "attic"], "lift": "lift", "length": 3.1},
        ],
    }
    scenario: Toml = {
        "name": "school",
        "floorplan": "school",
        "agents": {"N": 3, "speed": 1.0, "start": ["yard", "attic"], "snap": 0.25},
        "dual": {"alpha": 0.01, "eta": 0.5, "T0": 20},
        "links": {"model": "sight-or-disc", "d": 2.0},
        "zones": [
            {"name": "yard", "room": "yard", "c": 0.3},
            {"name": "bench", "polygon": [[1.0, 5.0], [4.0, 5.0], [3.0, 6.8]], "c": 0.3},
            {"name": "top", "center": [22.0, 2.0], "radius": 1.0, "c": 0.3},
        ],
    }
    return Case(scenario, plan, "rank")


def loaded(scenario: Toml | None = None, plan: Toml | None = None) -> Scenario:
    """The school with other tables."""
    case = school()
    return scenario_of(Case(case.scenario | (scenario or {}), case.floorplan | (plan or {}), "rank"))


# --- the engine ---


@given(buildings.random_buildings())
@settings(max_examples=80 if COMPILED else 25)
def test_random_buildings_equal_the_twins(case: Case) -> None:
    check_against_twin(case, policy_of(case), 4, 4)


def test_agents_start_where_the_scenario_says_in_turn() -> None:
    scenario, policy = scenario_of(school()), Policy.load("rank")
    assert scenario.starts().tolist() == [1, 3, 1]
    for site in sites(scenario):
        chunk = run_on(scenario, policy, site, 7).advance(1, keep_steps=True)
        assert chunk.position[0].tolist() == [[7.0, 2.0], [22.0, 2.0], [7.0, 2.0]]


def test_the_school_equals_the_twins() -> None:
    case = school()
    del case.scenario["agents"]["start"]
    check_against_twin(case, policy_of(case), 5, 6)


def test_there_is_no_way_back_in_a_one_way_loop_and_riders_are_at_the_nearer_end() -> None:
    """From hall to lab an agent goes by the yard; in the lift it is in the hall, then upstairs."""
    scenario = loaded({"agents": {"N": 1, "start": ["hall"], "snap": 0.25}})
    world, place = scenario.world, packed(("node", 0))
    path = []
    for _ in range(4):
        advance(world, place, 0, 1, scenario.speed_ticks)
        path.append(unpacked(place))
    assert [step[1] for step in path] == [0, 0, 0, 1]  # on the edge to the yard, then at waypoint 1
    ride = execute(scenario, Policy.load("rank"), steps=200).position[:, 0]
    assert {tuple(position) for position in ride.tolist() if position[0] > 10} == {(22.0, 2.0)}


@given(buildings.random_buildings())
@settings(max_examples=40 if COMPILED else 15)
def test_nobody_ever_goes_against_a_one_way_edge(case: Case) -> None:
    """Step by step, so short that agents pass one waypoint at most."""
    scenario, r = scenario_of(case), Random(1)
    world, speed = scenario.world, TICKS_PER_METRE // 50
    ends, place = world.edge.tolist(), packed(("node", 0))
    for step in range(400):
        if step % 40 == 0:
            zone = r.randrange(scenario.M)
        before = unpacked(place)
        advance(world, place, 0, zone, speed)
        after = unpacked(place)
        if after[0] == "edge" and world.one_way[after[1]]:
            assert after[2] > before[2] if before[:2] == after[:2] else after[2] <= speed
        elif before[0] == "edge" and world.one_way[before[1]]:
            second = ends[before[1]][1]
            assert after == ("node", second) or second in ends[after[1]]


@given(buildings.random_buildings())
@settings(max_examples=40 if COMPILED else 15)
def test_a_way_takes_its_ticks_divided_by_the_speed_rounded_up(case: Case) -> None:
    scenario = scenario_of(case)
    world, speed = scenario.world, scenario.speed_ticks
    for p in range(len(world.waypoint)):
        for m in range(scenario.M):
            place, steps = packed(("node", p)), 0
            while advance(world, place, 0, m, speed):
                steps += 1
            assert unpacked(place) == ("node", world.goal[m])
            slack = len(world.waypoint) * naive.TIE  # ways that are equally long within it are one
            assert math.ceil(world.to_go[p, m] / speed) <= steps
            assert steps <= math.ceil((world.to_go[p, m] + slack) / speed)


# --- snapped lengths ---


@given(buildings.random_buildings())
@settings(max_examples=40 if COMPILED else 15)
def test_snapped_plans_have_numbered_places_at_multiples(case: Case) -> None:
    case.scenario["agents"] |= {"speed": 1.0, "snap": 0.25}
    scenario = scenario_of(case)
    world, unit = scenario.world, TICKS_PER_METRE // 4
    assert (world.edge_ticks % unit == 0).all()
    assert (world.edge_ticks >= unit).all()
    exact = np.array(scenario.floorplan.edge_lengths())
    rounded = world.edge_ticks / TICKS_PER_METRE
    assert (np.abs(rounded - exact) <= np.maximum(0.125, 0.25 - exact) + 1e-9).all()
    assert 0 < len(scenario.numbered.tile) <= len(world.waypoint) + (world.edge_ticks // unit - 1).sum()


def test_the_error_of_snapping_is_stated() -> None:
    """Lengths 4, 7.9, 4, 3.1 m become 4, 8, 4, 3 m; the ways between yard, lab and attic change with them."""
    error = scenario_of(school()).snap_error()
    assert error.edge == pytest.approx(0.1)
    assert error.edge_share == pytest.approx(0.1 / 3.1)
    ways = {("yard", "bench"): 7.9, ("bench", "top"): 7.1, ("yard", "top"): 15.0}
    snapped = {("yard", "bench"): 8.0, ("bench", "top"): 7.0, ("yard", "top"): 15.0}
    assert error.way == pytest.approx(max(abs(snapped[way] - ways[way]) for way in ways))
    assert error.way_share == pytest.approx(0.1 / 7.1)
    assert scenario_of(school()).snap_error() == error
    exact = loaded({"agents": {"N": 2}})
    assert exact.snap_error() == (0.0, 0.0, 0.0, 0.0)
    assert exact.travelled is exact.floorplan


@pytest.mark.parametrize(
    ("agents", "part"),
    [
        ({"snap": 0.3}, "snap = 0.3 m does not divide speed = 1 m a step; 0.333333 does"),
        ({"snap": 4.0}, "snap = 4 m does not divide speed = 1 m a step; 1 does"),
        ({"snap": 0.0}, "snap = 0.0"),
        ({"snap": 0.25, "speed": 101.0}, "agents.speed = 101 m: but floorplan 'school' is 10 m"),
        ({"start": ["yrd"]}, "agents.start[0] = 'yrd': floorplan 'school' has no such waypoint"),
        ({"start": []}, "agents.start = []"),
    ],
)
def test_agents_that_cannot_be(agents: Toml, part: str) -> None:
    with pytest.raises(InputError, match=re.escape(part)):
        loaded({"agents": {"N": 3, "speed": 1.0} | agents})


@pytest.mark.parametrize(("edges", "fits"), [(10, True), (11, False)])
def test_snapped_ways_that_are_too_long_to_count(edges: int, fits: bool) -> None:
    """Edges of 100 m in a row that become 10 km each; more than 100 km are too many ticks."""
    names = [f"w{p}" for p in range(edges + 1)]
    plan = {
        "waypoints": [{"name": name, "position": [100.0 * p, 0.0]} for p, name in enumerate(names)],
        "edges": [list(pair) for pair in pairwise(names)],
        "tiles": "waypoints",
    }
    plan |= {table: [] for table in ("walls", "rooms", "doors", "levels")}
    zone = {"name": "z", "c": 0.1, "center": [0.0, 0.0], "radius": 1.0}
    scenario = {"agents": {"N": 3, "speed": 1e4, "snap": 1e4}, "zones": [zone]}
    if fits:
        assert loaded(scenario, plan).world.to_go.max() == 10 * round(1e4 * TICKS_PER_METRE)
        return
    with pytest.raises(InputError, match=r"agents\.snap = 10000 m: makes edges 110000 m long together"):
        loaded(scenario, plan)


# --- zones and plans that cannot be ---

YARD = {"name": "yard", "room": "yard", "c": 0.3}


@pytest.mark.parametrize(
    ("zone", "part"),
    [
        (
            {"name": "z", "c": 0.1},
            "'z' needs center and radius, or a polygon, or a room: it has none of them",
        ),
        ({"name": "z", "c": 0.1, "center": [1.0, 1.0]}, "it has none of them"),
        ({"name": "z", "c": 0.1, "radius": 1.0}, "center of 'z' is missing: a disc needs one"),
        (YARD | {"radius": 1.0, "center": [7.0, 2.0]}, "it has radius and room"),
        (
            YARD | {"room": "yrd"},
            "zones.yard.room = 'yrd': floorplan 'school' has no such room; did you mean",
        ),
        (YARD | {"through_wall": True}, "unknown key zones.yard.through_wall; did you mean 'through_walls'?"),
        (
            {"name": "z", "c": 0.1, "polygon": [[0, 0], [4, 4], [4, 0], [0, 4]]},
            "polygon of 'z': crosses or touches itself",
        ),
        ({"name": "z", "c": 0.1, "polygon": [[0, 0], [4, 4], [0, 0]]}, "has 2 corners, needs at least 3"),
        ({"name": "z", "c": 0.1, "polygon": [[0, 0], [4, 4], [8, 8]]}, "polygon of 'z'"),
        (
            {"name": "z", "c": 0.1, "polygon": [[0.1, 0.1], [1.0, 0.1], [0.1, 1.0]]},
            "zones.z: has no waypoint in it that walls do not cut off: no agent can stay in it",
        ),
        ({"name": "z", "c": 0.1, "center": [15.0, 2.0], "radius": 1.0}, "lies in no level of 'school'"),
        (
            {"name": "z", "c": 0.1, "center": [1.5, 4.5], "radius": 1.0},
            "zones.z.radius = 1 m: but the nearest waypoint 'lab' is 2.12 m from its center",
        ),
        (
            {
                "name": "z",
                "c": 0.1,
                "polygon": [[0, 2.5], [4, 1.5], [4, 3.9], [0, 3.9]],
                "center": [0.2, 3.0],
            },
            None,
        ),
    ],
)
def test_zones_that_cannot_be(zone: Toml, part: str | None) -> None:
    if part is None:
        loaded({"zones": [zone]})
        return
    with pytest.raises(InputError, match=re.escape(part)):
        loaded({"zones": [zone]})


def without(table: str, name: str) -> Toml:
    return {table: [entry for entry in school().floorplan[table] if entry["name"] != name]}


def edges(*tables: Any) -> Toml:
    """The school's edges and some more."""
    return {"edges": [*school().floorplan["edges"], *tables]}


@pytest.mark.parametrize(
    ("plan", "part"),
    [
        ({"tiles": "room"}, "tiles = 'room': should be 'rooms' or 'waypoints'"),
        ({"rooms": []}, "tiles = 'rooms': but there are no [[rooms]]"),
        (edges(["hall", "yard"]), "edges: ['hall', 'yard'] stands 2 times"),
        (edges({"ends": ["hall", "yard"], "one_way": True}), "edges: ['hall', 'yard'] stands 2 times"),
        (
            edges(["yard", "attic"]),
            "edges[4] = ['yard', 'attic']: leads from one level to another; only a lift",
        ),
        (edges({"ends": ["yard", "attic"], "lift": "B"}), "the lift 'B' needs a length"),
        (
            edges({"ends": ["lab", "yard"], "one_way": True, "lift": "B", "length": 2.0}),
            "edges[4] = ['lab', 'yard']: the lift 'B' must join two levels",
        ),
        (edges({"ends": ["lab", "yard"], "length": 0.0}), "length = 0.0"),
        (edges({"ends": ["lab", "yard"], "length": -1.0}), "length = -1.0"),
        (edges({"ends": ["lab"]}), "ends[1] is missing"),
        (edges({"ends": ["lab", "roof"]}), "edges[4] = ['lab', 'roof']: there is no waypoint 'roof'"),
        (
            edges({"ends": ["lab", "yard"], "oneway": True}),
            "unknown key edges.4.oneway; did you mean 'one_way'",
        ),
        (without("levels", "upstairs"), "waypoints: 'attic': lies in no level"),
        (
            {"levels": [{"name": n, "rectangle": [-1.0, -1.0, 29.0, 9.0]} for n in "AB"]},
            "levels: 'A' and 'B' overlap",
        ),
        (
            {"levels": [{"name": "A", "rectangle": [0.0, 0.0, 0.0, 1.0]}]},
            "rectangle = [0.0, 0.0, 0.0, 1.0] of 'A': must be [x_min, y_min, x_max, y_max]",
        ),
        (
            {"levels": [{"name": "A", "rectangle": [0, 0, 9, 9], "to_source": [1, 2, 0, 2, 4, 0]}]},
            "to_source = [1.0, 2.0, 0.0, 2.0, 4.0, 0.0] of 'A': has no way back",
        ),
        (
            {"rooms": [*school().floorplan["rooms"], {"name": "x", "polygon": [[3, 1], [5, 1], [5, 2]]}]},
            "rooms: 'hall' and 'x' overlap; they may only touch; rooms: 'yard' and 'x' overlap",
        ),
        ({"doors": [{"name": "d", "points": [[2.0, 4.0]]}]}, "doors.d.points[1] is missing"),
        (
            {"edges": [*school().floorplan["edges"][:2], school().floorplan["edges"][3]]},
            "along its one-way edges no way leads to zones.top from yard, lab; every waypoint must reach",
        ),
        (
            {"tiles": [{"name": "t", "polygon": [[0, 0], [8, 0], [8, 7], [0, 7]]}]},
            "waypoints: 'attic' at [22.0, 2.0]: lies on no tile",
        ),
        ({"tiles": [{"name": "t"}]}, "'t' needs either a rectangle or a polygon"),
    ],
)
def test_plans_that_cannot_be(plan: Toml, part: str) -> None:
    with pytest.raises(InputError, match=re.escape(part)):
        loaded(plan=plan)


def test_all_that_is_wrong_with_the_geometry_is_told_at_once() -> None:
    walls = [{"points": [[x, 0.0], [x, 4.0]]} for x in (5.0, 6.0)] + [{"points": [[1.0, 5.0], [8.0, 5.0]]}]
    with pytest.raises(InputError) as caught:
        loaded(plan={"walls": walls} | without("levels", "upstairs"))
    for part in ("'attic': lies in no level", "['hall', 'yard']: passes", "['yard', 'lab']: passes"):
        assert part in str(caught.value)


# --- files ---


def test_plans_are_written_as_they_were_read() -> None:
    """Also by a scenario that is saved with its plan; plain edges are pairs, and defaults are left out."""
    case = school()
    plan = FloorPlan.model_validate(case.floorplan)
    assert FloorPlan.model_validate(tomllib.loads(plan.to_toml())) == plan
    assert tomllib.loads(plan.to_toml()) == case.floorplan
    plain = {"edges": [["hall", "yard"]]} | {key: [] for key in ("levels", "rooms", "doors")}
    simple = case.floorplan | plain | without("waypoints", "attic") | {"tiles": "waypoints"}
    written = tomllib.loads(FloorPlan.model_validate(simple).to_toml())
    assert written["edges"] == [["hall", "yard"]]
    assert not {"levels", "rooms", "doors", "source", "units"} & set(written)


def test_scenarios_are_written_as_they_were_read() -> None:
    case, scenario = school(), scenario_of(school())
    assert tomllib.loads(scenario.to_toml("school")) == case.scenario
    assert Scenario.from_toml(scenario.to_toml(), scenario.floorplan.to_toml(), "again") == scenario


def test_the_documented_building_loads(tmp_path: Path) -> None:
    """What the page shows as files: every kind of table, and a scenario whose places are numbered."""
    page = (ROOT / "docs" / "floor-plans.md").read_text("utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    for name, text in zip(("school-plan.toml", "school.toml"), blocks, strict=True):
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.warns(UserWarning, match="without signal"):
        scenario = Scenario.load(tmp_path / "school.toml")
    fields = FloorPlan.model_fields.keys() - {"units", "source"}
    assert all(getattr(scenario.floorplan, field) for field in fields)
    assert len(scenario.numbered.tile) > 0


# --- training ---


def test_a_policy_can_be_trained_there() -> None:
    """With rooms as tiles, in both stages; it runs, and is the same when it is trained again."""
    recipe = Recipe().model_copy(update=QUICK | {"loop_iterations": 10, "loop_runs": 8, "teams": 1})
    scenario = scenario_of(school())
    first, second = (learn(scenario, 3, recipe=recipe) for _ in range(2))
    assert first.sha256 == second.sha256
    recording = execute(scenario, first, steps=200)
    assert set(np.unique(recording.tile)) <= set(range(4))
    assert recording.satisfaction()[-1].max() > 0


def test_the_twins_simulation_is_that_of_the_school() -> None:
    """The twin sees agents in zones of every shape, on both levels."""
    reward = simulated(school(), 1, 8)["reward"]
    assert reward.any(axis=0).all()
