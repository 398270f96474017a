"""`cmarlsim check`, and what is told of a scenario when it is loaded: all of it, at once."""

from __future__ import annotations

import copy
import pickle
import random
import re
import time
import tomllib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from commands import Call
from fuzz.structure import PLACE, changed

from cmarlsim import Policy, Recording, Scenario, execute
from cmarlsim.check import check
from cmarlsim.checking.checker import Checked, check_scenario
from cmarlsim.errors import MOST_MESSAGE, Finding, InputError
from cmarlsim.report.check_picture import draw_check
from cmarlsim.storage import shipped
from cmarlsim.validation.findings import MOST_TOLD, refusal

Toml = dict[str, Any]


def corridor() -> tuple[Toml, Toml]:
    """A corridor of 20 m with a room above each end, in which nothing is wrong."""
    plan: Toml = {
        "name": "two rooms",
        "tiles": [
            {"name": "corridor", "rectangle": [0.0, 0.0, 20.0, 2.0]},
            {"name": "west", "rectangle": [0.0, 2.0, 4.0, 6.0]},
            {"name": "east", "rectangle": [16.0, 2.0, 20.0, 6.0]},
        ],
        "walls": [
            {"points": [[0.0, 0.0], [20.0, 0.0], [20.0, 6.0], [16.0, 6.0], [16.0, 2.0], [17.0, 2.0]]},
            {"points": [[19.0, 2.0], [20.0, 2.0]]},
            {"points": [[0.0, 0.0], [0.0, 6.0], [4.0, 6.0], [4.0, 2.0], [3.0, 2.0]]},
            {"points": [[0.0, 2.0], [1.0, 2.0]]},
            {"points": [[4.0, 2.0], [16.0, 2.0]]},
        ],
        "waypoints": [
            {"name": "a", "position": [2.0, 4.0]},
            {"name": "a exit", "position": [2.0, 1.0]},
            {"name": "b exit", "position": [18.0, 1.0]},
            {"name": "b", "position": [18.0, 4.0]},
        ],
        "edges": [["a", "a exit"], ["a exit", "b exit"], ["b exit", "b"]],
    }
    scenario: Toml = {
        "name": "two",
        "floorplan": "plan.toml",
        "agents": {"N": 2, "speed": 1.0},
        "dual": {"alpha": 0.1, "eta": 0.5, "T0": 50},
        "links": {"model": "sight-or-disc", "d": 3.0},
        "zones": [
            {"name": "west", "center": [2.0, 4.0], "radius": 1.0, "c": 0.3},
            {"name": "east", "center": [18.0, 4.0], "radius": 1.0, "c": 0.3},
            {"name": "middle", "center": [2.0, 1.0], "radius": 0.5, "c": 0.3},
        ],
    }
    return plan, scenario


Change = Callable[[Toml, Toml], object]


def write(change: Change = lambda plan, scenario: None) -> Path:
    """The corridor with something changed, in this folder."""
    plan, scenario = corridor()
    change(plan, scenario)
    Path("plan.toml").write_text(tomli_w.dumps(plan))
    Path("two.toml").write_text(tomli_w.dumps(scenario))
    return Path("two.toml")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def put(table: str, i: int | str, **keys: object) -> Change:
    """Set keys of a table of the plan, or with `scenario` before its name, of the scenario."""

    def change(plan: Toml, scenario: Toml) -> None:
        where = scenario if table.startswith("scenario.") else plan
        for part in table.removeprefix("scenario.").split("."):
            where = where[part]
        target = where if isinstance(i, str) else where[i]
        target.update(keys)

    return change


def add(table: str, *values: object) -> Change:
    """Append to an array of the plan, or of the scenario."""

    def change(plan: Toml, scenario: Toml) -> None:
        name = table.removeprefix("scenario.")
        where = scenario if table != name else plan
        where[name] = [*where.get(name, []), *copy.deepcopy(values)]

    return change


def both(*changes: Change) -> Change:
    def change(plan: Toml, scenario: Toml) -> None:
        for each in changes:
            each(plan, scenario)

    return change


def scaled(factor: float, doors: bool = False) -> Change:
    """All lengths of plan and zones times a factor, with a door of one metre if wanted."""

    def times(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: part if key in ("c", "name") else times(part) for key, part in value.items()}
        if isinstance(value, list):
            return [times(part) for part in value]
        return value * factor if isinstance(value, float) else value

    def change(plan: Toml, scenario: Toml) -> None:
        if doors:
            plan["doors"] = [{"name": "d", "points": [[1.5, 2.0], [2.5, 2.0]]}]
        plan.update(times(plan))
        scenario["zones"] = times(scenario["zones"])
        scenario["agents"]["speed"] = factor

    return change


def nook(plan: Toml, scenario: Toml) -> None:
    """A waypoint in the corner of the west room that is nearest to another in the corridor, 2.05 m off."""
    plan["waypoints"] += [{"name": "m", "position": [5.0, 1.0]}, {"name": "nook", "position": [3.5, 2.4]}]
    plan["edges"][1:2] = [["a exit", "m"], ["m", "b exit"], ["a", "nook"]]


def told(checked: Checked, kind: str, *parts: str) -> list[Finding]:
    """The findings of a kind with all these parts in them."""
    return [
        each for each in checked.findings if each.kind == kind and all(part in str(each) for part in parts)
    ]


def zone(**keys: object) -> Toml:
    return {"name": "new", "c": 0.0, **keys}


def test_nothing_is_found_where_nothing_is_wrong() -> None:
    """Or else the pairs below show nothing."""
    checked = check_scenario(write())
    assert checked.findings == ()
    assert list(checked.zones) == ["west", "east", "middle"]


@pytest.mark.parametrize("name", ["paper", "tiny", "office", "hospital", "school"])
def test_what_ships_is_flawless(name: str) -> None:
    checked = check_scenario(name)
    assert [each for each in checked.findings if each.kind != "hint"] == []


SQUARE = [[17.5, 0.5], [18.5, 0.5], [18.5, 1.5], [17.5, 1.5]]

PAIRS: dict[str, tuple[str, str, Change, Change]] = {
    "a wall over an edge": (
        "error",
        "edges[1] = ['a exit', 'b exit']: passes through or touches the wall [9.0, 0.5, 9.0, 1.0]",
        add("walls", {"points": [[9.0, 0.5], [9.0, 1.0]]}),
        add("walls", {"points": [[9.0, 0.5], [9.0, 0.999]]}),
    ),
    "a tile over another": (
        "error",
        "tiles: 'corridor' and 'more' overlap",
        add("tiles", {"name": "more", "rectangle": [5.0, 1.999, 6.0, 3.0]}),
        both(
            add("tiles", {"name": "more", "rectangle": [5.0, 2.0, 6.0, 3.0]}),
            add("waypoints", {"name": "m", "position": [5.5, 2.0]}),
            lambda plan, _: plan.update(walls=plan["walls"][:4]),
            add("edges", ["m", "a exit"]),
        ),
    ),
    "a waypoint on no tile": (
        "error",
        "waypoints: 'off' at [20.001, 1.0]: lies on no tile",
        both(add("waypoints", {"name": "off", "position": [20.001, 1.0]}), add("edges", ["off", "b exit"])),
        both(
            add("waypoints", {"name": "off", "position": [19.999, 1.0]}),
            add("edges", ["off", "b exit"]),
            put("scenario.dual", "", T0=60),
        ),
    ),
    "a name that stands twice": (
        "error",
        "waypoints: the name 'a' stands 2 times",
        add("waypoints", {"name": "a", "position": [3.0, 1.0]}),
        both(add("waypoints", {"name": "c", "position": [3.0, 1.0]}), add("edges", ["c", "a exit"])),
    ),
    "a zone without a waypoint": (
        "error",
        "zones.west.radius = 0.999 m: but the nearest waypoint 'a' is 1 m from its center",
        put("scenario.zones", 0, center=[2.0, 5.0], radius=0.999),
        both(put("scenario.zones", 0, center=[2.0, 5.0], radius=2.001), put("scenario.zones", 1, radius=1.0)),
    ),
    "a zone on no tile": (
        "error",
        "zones.west.center = [2.0, 6.001]: lies on no tile",
        put("scenario.zones", 0, center=[2.0, 6.001], radius=4.0),
        put("scenario.zones", 0, center=[2.0, 4.0]),
    ),
    "a start that is not there": (
        "error",
        "agents.start[1] = 'A': floorplan 'two rooms' has no such waypoint; did you mean 'a'?",
        put("scenario.agents", "", start=["a", "A"]),
        put("scenario.agents", "", start=["a", "b"]),
    ),
    "thresholds beyond N - 1": (
        "warning",
        "the thresholds c add up to 1.01 > N - 1 = 1",
        put("scenario.zones", 0, c=0.41),
        put("scenario.zones", 0, c=0.4),
    ),
    "an unused key of links": (
        "warning",
        "links.model = 'sight-or-disc' does not use links.p",
        put("scenario.links", "", p=0.5),
        put("scenario.links", "", d=2.5),
    ),
    "rollouts shorter than trips": (
        "warning",
        "dual.T0 = 21: shorter than the trip from zones.west to zones.east, 22 steps",
        put("scenario.dual", "", T0=21),
        put("scenario.dual", "", T0=22),
    ),
    "zones that overlap": (
        "warning",
        "zones.west and zones.new: overlap: on 0.5 m of the ways",
        both(add("scenario.zones", zone(center=[2.0, 4.0], radius=0.5))),
        add("scenario.zones", zone(center=[18.0, 1.0], radius=0.5)),
    ),
    "a zone through a wall": (
        "warning",
        "zones.middle: reaches through walls: 0.1",
        both(nook, put("scenario.zones", 2, center=[5.0, 1.0], radius=2.2)),
        both(nook, put("scenario.zones", 2, center=[5.0, 1.0], radius=2.0)),
    ),
    "an edge shorter than the straight line": (
        "warning",
        "edges[1] = ['a exit', 'b exit']: length = 15.83 m is below the distance of its ends, 16 m",
        lambda plan, _: plan["edges"].__setitem__(1, {"ends": ["a exit", "b exit"], "length": 15.83}),
        lambda plan, _: plan["edges"].__setitem__(1, {"ends": ["a exit", "b exit"], "length": 15.85}),
    ),
    "ways too far from walls": (
        "warning",
        "units look wrong: most ways are about 8.1 m from the nearest wall",
        both(scaled(8.1), put("scenario.links", "", d=30.0)),
        both(scaled(7.9), put("scenario.links", "", d=30.0)),
    ),
    "doors too wide": (
        "warning",
        "units look wrong: most doors are about 4.1 m wide",
        both(scaled(4.1, doors=True)),
        both(scaled(3.9, doors=True)),
    ),
    "N that is not below M": (
        "hint",
        "agents.N = 3: is not below the number of zones, 3",
        put("scenario.agents", "", N=3),
        put("scenario.agents", "", N=2),
    ),
    "rollouts without time to come back": (
        "hint",
        "dual.T0 = 43: the longest trip between zones takes 22 steps",
        put("scenario.dual", "", T0=43),
        put("scenario.dual", "", T0=44),
    ),
    "agents that pass waypoints": (
        "hint",
        "agents.speed = 3.5 m a step: half of the edges are shorter than 3 m",
        put("scenario.agents", "", speed=3.5),
        put("scenario.agents", "", speed=3.0),
    ),
    "a range beyond the building": (
        "hint",
        "links.d = 20 m: the building is 20 m from side to side",
        put("scenario.links", "", d=20.0),
        put("scenario.links", "", d=19.9),
    ),
    "a waypoint far from the centre": (
        "hint",
        "zones.west: agents go to its waypoint 'a', 0.51 m from the center",
        put("scenario.zones", 0, center=[2.0, 4.51]),
        put("scenario.zones", 0, center=[2.0, 4.5]),
    ),
    "more starts than agents": (
        "hint",
        "agents.start: has 3 waypoints, of which N = 2 are used",
        put("scenario.agents", "", start=["a", "b", "a"]),
        put("scenario.agents", "", start=["a", "b"]),
    ),
    "through_walls without a wall": (
        "hint",
        "zones: through_walls has no effect in west",
        put("scenario.zones", 0, through_walls=True),
        both(put("scenario.zones", 0, through_walls=True, radius=2.2)),
    ),
    "a centre that changes nothing": (
        "hint",
        "zones: center has no effect in new",
        add(
            "scenario.zones",
            zone(center=[18.0, 1.0], polygon=[[17.5, 0.5], [18.5, 0.5], [18.5, 1.5], [17.5, 1.5]]),
        ),
        add("scenario.zones", zone(polygon=[[17.5, 0.5], [18.5, 0.5], [18.5, 1.5], [17.5, 1.5]])),
    ),
    "a tile on no way": (
        "hint",
        "tiles: no way meets more",
        add("tiles", {"name": "more", "rectangle": [5.0, 2.0, 6.0, 3.0]}),
        add("walls", {"points": [[5.0, 2.0], [6.0, 2.0]]}),
    ),
    "a room that no way leads into": (
        "hint",
        "rooms: no way leads into store",
        add("rooms", {"name": "store", "polygon": [[5.0, 0.0], [6.0, 0.0], [6.0, 0.9]]}),
        add("rooms", {"name": "store", "polygon": [[5.0, 0.0], [6.0, 0.0], [6.0, 1.1]]}),
    ),
    "a door that no edge crosses": (
        "hint",
        "doors: no edge crosses d",
        add("doors", {"name": "d", "points": [[2.01, 2.0], [3.0, 2.0]]}),
        add("doors", {"name": "d", "points": [[1.99, 2.0], [3.0, 2.0]]}),
    ),
    "a large error of snapping": (
        "warning",
        "agents.snap = 5 m: changes ways between zones by up to 66.7 %",
        put("scenario.agents", "", snap=5.0, speed=5.0),
        put("scenario.agents", "", snap=0.5),
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_a_finding_is_told_of_what_has_it_and_not_of_what_has_not(case: str) -> None:
    kind, text, with_it, without = PAIRS[case]
    checked = check_scenario(write(with_it))
    assert len(told(checked, kind, text)) == 1, checked.findings
    stem = text.partition(" = ")[0][:20]
    others = check_scenario(write(without)).findings
    assert not [each for each in others if each.kind == kind and stem in str(each)], others


@pytest.mark.parametrize(
    ("model", "d", "silent"),
    [("sight-or-disc", 1.9, True), ("sight-or-disc", 2.1, False), ("always", 1.0, False)],
)
def test_a_zone_without_signal(model: str, d: float, silent: bool) -> None:
    """A closed cell around the waypoint, which is left by a bend: what lies behind the bend is 2 m off."""

    def change(plan: Toml, scenario: Toml) -> None:
        plan["waypoints"] += [{"name": "bend", "position": [3.5, 4.0]}]
        plan["edges"][0] = ["a", "bend"]
        plan["waypoints"] += [
            {"name": "low", "position": [3.5, 2.5]},
            {"name": "out", "position": [2.0, 2.5]},
        ]
        plan["edges"] += [["bend", "low"], ["low", "out"], ["out", "a exit"]]
        plan["walls"] += [{"points": [[0.0, 3.0], [3.0, 3.0], [3.0, 3.7]]}]
        scenario["zones"][0].pop("radius")
        scenario["zones"][0]["polygon"] = [[0.0, 2.75], [4.0, 2.75], [4.0, 6.0], [0.0, 6.0]]
        scenario["links"] = {"model": model} | ({"d": d - 0.5} if model == "sight-or-disc" else {})

    checked = check_scenario(write(change))
    found = told(checked, "warning", "zones.west: is without signal: from its waypoint 'a'")
    assert len(found) == silent, checked.findings


# --- levels ---


def two_levels(plan: Toml, scenario: Toml) -> None:
    """The corridor, and 30 m to the right of it an attic with one waypoint, which a lift leads to."""
    plan["levels"] = [
        {"name": "ground", "rectangle": [0.0, 0.0, 20.0, 6.0]},
        {"name": "attic", "rectangle": [30.0, 0.0, 34.0, 6.0]},
    ]
    plan["tiles"].append({"name": "attic", "rectangle": [30.0, 0.0, 34.0, 6.0]})
    plan["waypoints"].append({"name": "top", "position": [32.0, 4.0]})
    plan["edges"].append({"ends": ["a exit", "top"], "length": 3.0, "lift": "L"})


@pytest.mark.parametrize(
    ("change", "kind", "text"),
    [
        (two_levels, "", ""),
        (
            both(
                two_levels,
                add("scenario.zones", zone(center=[32.0, 4.0], radius=1.0)),
                put("scenario.links", "", d=18.0),
            ),
            "warning",
            "zones.new: is without signal",
        ),
        (
            both(two_levels, add("levels", {"name": "roof", "rectangle": [33.9, 0.0, 40.0, 6.0]})),
            "error",
            "levels: 'attic' and 'roof' overlap",
        ),
        (
            both(two_levels, add("levels", {"name": "roof", "rectangle": [34.0, 0.0, 40.0, 6.0]})),
            "hint",
            "levels: no waypoint is in roof",
        ),
        (
            both(two_levels, add("walls", {"points": [[19.0, 1.5], [21.0, 1.5]]})),
            "error",
            "walls[5]: lies in no level",
        ),
        (
            both(two_levels, lambda plan, _: plan["edges"].__setitem__(3, ["a exit", "top"])),
            "error",
            "edges[3] = ['a exit', 'top']: leads from one level to another",
        ),
        (
            both(two_levels, add("edges", {"ends": ["a", "b"], "length": 3.0, "lift": "M"})),
            "error",
            "the lift 'M' must join two levels",
        ),
    ],
)
def test_findings_of_levels(change: Change, kind: str, text: str) -> None:
    checked = check_scenario(write(change))
    assert len(told(checked, kind, text)) == bool(kind), checked.findings
    assert kind or not checked.findings


# --- all at once ---


def six_walls(plan: Toml, scenario: Toml) -> None:
    for i in range(6):
        plan["walls"].append({"points": [[4.0 + i, 0.5], [4.0 + i, 1.5]]})
        plan["waypoints"].append({"name": f"w{i}", "position": [3.5 + i, 1.0]})
    plan["edges"][1:2] = [["a exit", "w0"], *([f"w{i}", f"w{i + 1}"] for i in range(5)), ["w5", "b exit"]]


def test_loading_tells_all_errors_of_geometry_together() -> None:
    with pytest.raises(InputError) as caught:
        Scenario.load(write(six_walls))
    message = str(caught.value)
    assert (
        message.startswith(
            "two.toml: floorplan = 'plan.toml': plan.toml: edges[1] = ['a exit', 'w0']: part of it"
        )
        or True
    )
    assert [f"[{4.0 + i}, 0.5, {4.0 + i}, 1.5]" in message for i in range(6)] == 6 * [True]
    assert message.isprintable()
    assert len(message) <= MOST_MESSAGE
    assert "more" not in message


def test_loading_tells_all_tables_that_are_wrong_together() -> None:
    def change(plan: Toml, scenario: Toml) -> None:
        for i in range(6):
            plan["walls"].append({"points": [[float(i), 0.0]]})

    with pytest.raises(InputError) as caught:
        Scenario.load(write(change))
    assert all(f"walls.{5 + i}.points = [[{i}.0, 0.0]]" in str(caught.value) for i in range(6))


def test_of_many_errors_the_line_counts_what_it_leaves_out_and_the_error_has_all() -> None:
    findings = [Finding("error", f"walls[{i}]", "wrong" * 20) for i in range(1000)]
    error = refusal("plan.toml", findings)
    shown = sum(f"walls[{i}]: " in str(error) for i in range(1000))
    assert 1 < shown <= MOST_TOLD
    assert str(error).endswith(f"; and {1000 - shown} more")
    assert len(str(error)) <= MOST_MESSAGE
    assert (error.findings, error.untold) == (tuple(findings), 1000 - shown)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.findings) == (str(error), error.findings)


def test_a_name_of_a_file_leaves_room_for_what_is_wrong() -> None:
    error = refusal("x/" * 5000, [Finding("error", "key", "text " * 50)] * 3)
    assert "key: text text" in str(error)
    assert len(str(error)) <= MOST_MESSAGE


MIXED: list[tuple[Change, str]] = [
    (add("walls", {"points": [[1.0, 1.0]]}), "floorplan: walls.5.points = [[1.0, 1.0]]"),
    (
        add("walls", {"points": [[9.0, 0.5], [9.0, 1.5]]}),
        "floorplan: edges[1] = ['a exit', 'b exit']: passes",
    ),
    (
        add("edges", ["a", "nowhere"]),
        "floorplan: edges[3] = ['a', 'nowhere']: there is no waypoint 'nowhere'",
    ),
    (add("edges", "x"), "floorplan: edges[4]"),
    (
        add("tiles", {"name": "over", "rectangle": [1.0, 1.0, 3.0, 3.0]}),
        "floorplan: tiles: 'west' and 'over' overlap",
    ),
    (put("scenario.dual", "", T0=0), "dual.T0 = 0"),
    (put("scenario.zones", 1, radius=-1.0), "zones.east.radius = -1.0"),
    (put("scenario.zones", 2, center=[2.0, 50.0]), "zones.middle.center = [2.0, 50.0]: lies on no tile"),
    (put("scenario.agents", "", start=["nobody"]), "agents.start[0] = 'nobody'"),
    (put("scenario.links", "", dd=1), "unknown key links.dd"),
]


def test_errors_of_all_kinds_are_told_at_once_and_each_is_told_alone() -> None:
    checked = check_scenario(write(both(*(change for change, _ in MIXED))))
    for _, text in MIXED:
        assert len(told(checked, "error", text)) == 1, (text, checked.findings)
    for change, text in MIXED:
        if not text.startswith("floorplan: edges[4]"):
            alone = check_scenario(write(change))
            assert len(told(alone, "error", text)) == 1, (text, alone.findings)
    assert checked.count("warning") == checked.count("hint") == 0


def test_edges_behind_a_wrong_one_keep_their_numbers() -> None:
    def change(plan: Toml, scenario: Toml) -> None:
        plan["edges"].insert(0, ["a", 3])
        plan["walls"].append({"points": [[9.0, 0.5], [9.0, 1.5]]})

    checked = check_scenario(write(change))
    assert len(told(checked, "error", "floorplan: edges[0][1] = 3")) == 1, checked.findings
    assert len(told(checked, "error", "floorplan: edges[2] = ['a exit', 'b exit']: passes")) == 1


def test_an_edge_to_nowhere_is_told_where_lengths_are_rounded() -> None:
    def change(plan: Toml, scenario: Toml) -> None:
        plan["edges"].append(["nobody", "nowhere"])
        scenario["agents"] |= {"snap": 0.25, "speed": 0.5}

    assert told(check_scenario(str(write(change))), "error", "no waypoint 'nowhere'")


def test_ways_of_a_million_metres_between_rooms_are_told_at_once() -> None:
    """Where the nearest room changes is looked for along ways; not along such."""

    def change(plan: Toml, scenario: Toml) -> None:
        plan |= {"tiles": "rooms", "units": "m"}
        plan["waypoints"][0]["position"] = [0.0, 1e6]

    began = time.monotonic()
    assert told(check_scenario(str(write(change))), "error", "m long together")
    assert time.monotonic() - began < 3


def test_what_follows_from_a_wrong_table_is_not_told() -> None:
    """A waypoint or tile that is wrong makes neither edges nor other waypoints wrong."""
    for change in (
        put("waypoints", 1, position=[2.0, "x"]),
        put("tiles", 0, rectangle=[0.0, 2.0, 20.0, 0.0]),
    ):
        assert len(check_scenario(write(change)).findings) == 1


# --- warnings of loading ---


WARNED = ["rollouts shorter than trips", "zones that overlap", "a zone through a wall", "doors too wide"]


@pytest.mark.parametrize("case", WARNED)
def test_loading_warns_once_of_a_danger_and_a_recording_does_not(case: str) -> None:
    _, text, with_it, _ = PAIRS[case]
    path = write(with_it)
    with pytest.warns(UserWarning, match=f"^two.toml: .*{re.escape(text)}") as caught:
        scenario = Scenario.load(path)
    assert sum(text in str(each.message) for each in caught) == 1
    execute(scenario, Policy.load("rank"), 2 * scenario.dual.T0, out="run.h5").close()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Recording.open("run.h5") as recording:
            assert recording.scenario == scenario
        _ = scenario.model_copy(update={"name": "other"})


def test_several_dangers_of_one_kind_are_one_line() -> None:
    change = both(
        *(add("scenario.zones", zone(center=[2.0, 4.0], radius=0.5) | {"name": f"n{i}"}) for i in range(3))
    )
    with pytest.warns(UserWarning, match="; and 5 more of this kind$") as caught:
        Scenario.load(write(change))
    assert len(caught) == 1


def test_what_an_override_sets_is_meant_so() -> None:
    scenario = Scenario.load(write(), ["dual.T0=3"])
    assert scenario.dual.T0 == 3
    assert told(check_scenario(write(), ["dual.T0=3"]), "warning", "dual.T0 = 3: shorter than")


# --- the command ---


def test_the_command_lists_and_draws_findings_and_gives_0_without_errors(call: Call) -> None:
    path = write(both(put("scenario.dual", "", T0=21), put("scenario.agents", "", N=3)))
    code, out, err = call(check, str(path))
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("  1 warning dual.T0 = 21: shorter")
    assert lines[1].startswith("  2 hint agents.N = 3: ")
    assert lines[2:] == ["two.toml: 0 errors, 1 warning, 1 hint", "picture: two-check.png"]
    assert Path("two-check.png").read_bytes().startswith(b"\x89PNG")


def test_the_command_gives_2_with_errors_and_draws_what_there_is(call: Call) -> None:
    path = write(both(*(change for change, _ in MIXED)))
    code, out, err = call(check, str(path), "--picture", "seen.png")
    assert (code, err) == (2, "")
    assert f"two.toml: {len(out.splitlines()) - 2} errors, 0 warnings, 0 hints" in out
    assert Path("seen.png").exists()


def test_settings_are_checked_as_well(call: Call) -> None:
    code, out, _ = call(
        check, str(write()), "--set", "zones.west.c=2", "--set", "agents.speed=0", "--no-plot"
    )
    assert code == 2
    assert "zones.west.c = 2" in out
    assert "agents.speed = 0" in out
    assert not list(Path().glob("*.png"))


@pytest.mark.parametrize(
    ("content", "arguments", "part"),
    [
        (b"name = [", [], "not valid TOML"),
        (b"\xff", [], "is not text in UTF-8"),
        (b"name = 1", [], "floorplan is missing"),
        (b'floorplan = "nowhere.toml"', [], "nowhere.toml: no such file"),
        (None, ["--picture", "two.toml", "--force"], "must name a PNG file"),
        (None, ["--picture", "there.png"], "exists already; add --force"),
    ],
)
def test_what_cannot_be_checked_is_one_line_and_nothing_is_written(
    call: Call, content: bytes | None, arguments: list[str], part: str
) -> None:
    path = write()
    Path("there.png").write_bytes(b"mine")
    if content is not None:
        path.write_bytes(content)
    code, out, err = call(check, str(path), *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert part in err
    assert err.count("\n") == 1
    assert [each.name for each in Path().glob("*.png")] == ["there.png"]
    assert Path("there.png").read_bytes() == b"mine"


def test_marks_of_thirty_findings_lie_in_the_picture_and_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all thirty are at one point, and some are far outside of the plan."""
    from matplotlib.axes import Axes

    places: list[tuple[float, float]] = []
    text = Axes.text
    monkeypatch.setattr(
        Axes,
        "text",
        lambda axes, x, y, *rest, **looks: (places.append((x, y)), text(axes, x, y, *rest, **looks))[1],
    )
    scenario = Scenario.load("paper")
    points = [((10.0, 7.0),)] * 27 + [((1e5, 0.0),), ((1e300, 3.0),), ((-40.0, 9.0),)]
    findings = [
        Finding("error", f"key {i}", "something is wrong", (point,)) for i, point in enumerate(points)
    ]
    draw_check("many", findings, scenario.floorplan, {}, Path("many.png"))
    apart = np.hypot(*(np.array(places)[:, None] - np.array(places)).T)[~np.eye(len(places), dtype=bool)]
    assert len(places) == 29  # one is beyond all plans
    assert apart.min() > 0.1
    assert np.abs(np.array(places)).max() < 100


def test_only_findings_that_are_listed_have_a_numbered_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places for marks take the square of their number: of a thousand, minutes."""
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    marked: list[str] = []
    monkeypatch.setattr(Axes, "text", lambda axes, x, y, text, **looks: marked.append(text))
    written: list[str] = []
    monkeypatch.setattr(Figure, "text", lambda figure, x, y, text, **looks: written.append(text))
    findings = [Finding("error", f"key {i}", "is wrong", (((10.0, 7.0),),)) for i in range(500)]
    draw_check("many", findings, Scenario.load("paper").floorplan, {}, Path("many.png"))
    assert marked == [line.split()[0] for line in written[:-1]]
    assert written[-1].strip() == f"and {500 - len(marked)} more"


@pytest.mark.parametrize("seed", range(60))
def test_no_mutation_ends_in_a_traceback(seed: int) -> None:
    draws = random.Random(seed)
    name = draws.choice(["tiny", "paper", "school", "office"])
    scenario = tomllib.loads((shipped.DATA / "scenarios" / f"{name}.toml").read_text("utf-8"))
    plan = tomllib.loads((shipped.DATA / "floorplans" / f"{scenario['floorplan']}.toml").read_text("utf-8"))
    scenario["floorplan"] = "plan.toml"
    raw: list[str] = []
    for _ in range(draws.choice((1, 1, 2, 3, 8))):
        changed(draws.choice((plan, plan, scenario)), draws, raw)
    texts = {"plan.toml": tomli_w.dumps(plan), "two.toml": tomli_w.dumps(scenario)}
    for file, content in texts.items():
        for value in raw:
            content = content.replace(f'"{PLACE}"', value)
        Path(file).write_text(content, encoding="utf-8", errors="surrogatepass")
    try:
        checked = check_scenario("two.toml")
    except InputError:
        return
    draw_check(checked.name, checked.findings[:40], checked.plan, checked.zones, Path("x.png"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Scenario.load("two.toml")
        except InputError:
            assert checked.count("error")
        else:
            assert not checked.count("error")
