"""Scenarios: what is shipped, what is refused and how, and that TOML survives a round trip."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest

from cmarlsim.errors import InputError
from cmarlsim.kernels.world import TICKS_PER_METRE
from cmarlsim.scenario import Scenario
from cmarlsim.storage import shipped
from cmarlsim.validation import apply_settings, dotted

ZONE = '[[zones]]\nname = "z"\ncenter = [0.5, 0.5]\nradius = 0.3\nc = 0.5\n'
SMALL = f"""
name = "small"
floorplan = "plan.toml"
[agents]
N = 2
[dual]
alpha = 0.1
eta = 0.5
T0 = 5
[links]
model = "always"
{ZONE}"""
PLAN = """
name = "plan"
edges = [["a", "b"]]
[[tiles]]
name = "left"
rectangle = [0.0, 0.0, 1.0, 1.0]
[[tiles]]
name = "right"
rectangle = [1.0, 0.0, 2.0, 1.0]
[[waypoints]]
name = "a"
position = [0.5, 0.5]
[[waypoints]]
name = "b"
position = [1.5, 0.5]
"""
WALL = "[[walls]]\npoints = [[1.2, 0.0], [1.2, {}]]\n"
ISLAND = '[[waypoints]]\nname = "island"\nposition = [1.9, 0.9]\n'
OVERLAP = '[[tiles]]\nname = "third"\nrectangle = [0.9, 0.5, 1.5, 2.0]\n'
OFF_TILES = '[[waypoints]]\nname = "off"\nposition = [3.0, 0.5]\n'


def write(folder: Path, scenario: str = SMALL, plan: str = PLAN) -> Path:
    (folder / "plan.toml").write_text(plan)
    path = folder / "small.toml"
    path.write_text(scenario)
    return path


def refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(InputError) as caught:
        Scenario.load(path, overrides)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_paper_is_section_v() -> None:
    scenario = Scenario.load("paper")
    assert (scenario.agents.N, scenario.M, scenario.dual.T0) == (5, 6, 100)
    assert (scenario.dual.alpha, scenario.dual.eta, scenario.links.d) == (0.01, 0.5, 5.0)
    assert np.allclose(scenario.c, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    plan = scenario.floorplan
    assert (len(plan.tiles), len(plan.waypoints), len(plan.edges)) == (12, 19, 18)
    assert len(plan.wall_segments()) == 20


def test_paper_distances_between_zones() -> None:
    world = Scenario.load("paper").world
    goals = [int(world.to_go[:, m].argmin()) for m in range(6)]
    metres = world.to_go[goals] / TICKS_PER_METRE
    door = 2 * (math.hypot(1.5, 1) + 1.75)
    office = math.hypot(1.5, 2.5) + 1.5
    red_to_magenta = office + 14 + 3.25 + 6 + 1.75 + math.hypot(1.5, 1)
    assert metres.max() == pytest.approx(red_to_magenta, abs=1e-12)
    assert metres[metres > 0].min() == pytest.approx(door + 4, abs=1e-12)
    assert np.array_equal(metres, metres.T)


def test_toml_round_trip() -> None:
    scenario = Scenario.load("paper")
    assert Scenario.from_toml(scenario.to_toml(), scenario.floorplan.to_toml(), "test") == scenario


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("links.d=4", "links.d", 4),
        ("dual.alpha=.5", "dual.alpha", 0.5),
        ("zones.0.c=0.25", "zones.0.c", 0.25),
        ("zones.top.c=0.25", "zones.2.c", 0.25),
        ("links.model=never", "links.model", "never"),
        ("name=other name", "name", "other name"),
    ],
)
def test_overrides_reach_every_key(override: str, key: str, value: object) -> None:
    target: object = Scenario.load("tiny", [override])
    for part in key.split("."):
        target = target[int(part)] if isinstance(target, tuple) else getattr(target, part)
    assert target == value


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("dual.alhpa=0.1", ["unknown key dual.alhpa", "'alpha'"]),
        ("agent.N=3", ["unknown key agent", "'agents'"]),
        ("zones.0.centre=[0, 0]", ["zones.z.centre", "'center'"]),
        ("zones.0.center=[0, 'x']", ["zones.z.center[1] = 'x'"]),
        ("zones.0.name=7", ["zones.0.name = 7"]),
        ("dual.alpha=1", ["dual.alpha = 1", "less than 1"]),
        ("dual.eta=0", ["dual.eta = 0", "greater than or equal to 0.000000000001"]),
        ("dual.eta=1e308", ["dual.eta = 1e+308", "less than or equal to 1000000000000"]),
        ("dual.T0=0", ["dual.T0 = 0"]),
        ("dual.T0=2.5", ["dual.T0 = 2.5", "integer"]),
        ("agents.N=true", ["agents.N = True"]),
        ("agents.speed=1e-9", ["agents.speed = 1e-09", "0.000001"]),
        ("agents.speed=nan", ["agents.speed = nan"]),
        ("zones.0.c=1.0", ["zones.z.c = 1.0", "less than 1"]),
        ("zones.0.radius=0", ["zones.z.radius = 0"]),
        ("zones.0.center=[9, 9]", ["zones.z.center = [9.0, 9.0]", "no tile"]),
        ("zones.0.center=[1.0, 0.9]", ["nearest waypoint 'a'", "put a waypoint inside"]),
        ("zones.y.c=0", ["zones.y", "one of z"]),
        ("zones.7.c=0", ["zones.7", "below 1"]),
        ("links.p=0", ["links.p = 0"]),
        ("links.p=1.5", ["links.p = 1.5"]),
        ("links.model=allways", ["links.model = 'allways'", "'always'"]),
        ("links.model='sight-or-disc'", ["d is missing", "sight-or-disc"]),
        (
            "links.model=bernoulli",
            ["p is missing", "footprint: a list of pairs of agents, or complete:N, path:N"],
        ),
        ("floorplan=3", ["floorplan = 3"]),
        ("floorplan=nowhere", ["floorplan = 'nowhere'", "no such file", "pittsburgh"]),
        ("nonsense", ["overrides = 'nonsense'", "KEY=VALUE"]),
    ],
)
def test_bad_values_name_file_key_and_value(tmp_path: Path, override: str, parts: list[str]) -> None:
    message = refusal(write(tmp_path), override)
    for part in [*parts, override if "small.toml" not in message else "small.toml"]:
        assert part in message


@pytest.mark.parametrize(
    ("footprint", "part"),
    [
        ("'cicle'", "links.footprint = 'cicle': must be a list of pairs of agents, or complete:N, path:N, "),
        ("'cicle:2'", "did you mean 'cycle'?"),
        ("'star:3'", "links.footprint = 'star:3': is for 3 agents, must be for agents.N = 2: write star"),
        ("'grid'", "links.footprint = 'grid': must be grid:ROWSxCOLUMNS, for example grid:3x4"),
        ("'erdos-renyi:2'", "must be erdos-renyi:N:PROBABILITY, for example erdos-renyi:8:0.4"),
        ("'erdos-renyi:2:1.5'", "must be erdos-renyi:N:PROBABILITY"),
        ("'random-geometric:2:1e-9'", "not connected, its components are [0], [1]"),
        ("[[0, 2]]", "[0, 2] must be two different agents of 0 to 1"),
        ("[[0, 1], [1, 0]]", "listed once"),
        ("[]", "links.footprint: not connected, its components are [0], [1]"),
    ],
)
def test_bad_footprints(tmp_path: Path, footprint: str, part: str) -> None:
    overrides = ("links.model=bernoulli", "links.p=0.5", f"links.footprint={footprint}")
    assert part in refusal(write(tmp_path), *overrides)


@pytest.mark.parametrize(
    "footprint", ["path", "path:2", "star:2", "grid:1x2", "erdos-renyi:2:0.5", "random-geometric:2:0.5"]
)
def test_footprints_by_name(footprint: str) -> None:
    settings = ["links.model=bernoulli", "links.p=0.5", f"links.footprint={footprint}"]
    scenario = Scenario.load("tiny", settings)
    assert scenario.rules().links.footprint.tolist() == [[0, 1]]
    assert Scenario.from_toml(scenario.to_toml(), scenario.floorplan.to_toml(), "again") == scenario


@pytest.mark.parametrize(
    ("plan", "parts"),
    [
        (PLAN + WALL.format(1.0), ["edges[0] = ['a', 'b']", "wall"]),
        (PLAN + WALL.format(0.5), ["edges[0] = ['a', 'b']", "touches the wall"]),
        (PLAN + ISLAND, ["2 parts", "'island'"]),
        (PLAN + OVERLAP, ["'left' and 'third' overlap"]),
        (PLAN + OFF_TILES, ["'off' at [3.0, 0.5]", "no tile"]),
        (
            PLAN.replace("[1.0, 0.0, 2.0, 1.0]", "[1.1, 0.0, 2.0, 1.0]"),
            ["edges[0]", "part of it lies on no tile"],
        ),
        (PLAN.replace("[1.0, 0.0, 2.0, 1.0]", "[2.0, 0.0, 1.0, 1.0]"), ["rectangle = [2.0, 0.0, 1.0, 1.0]"]),
        (PLAN.replace('["a", "b"]', '["a", "c"]'), ["edges[0] = ['a', 'c']", "no waypoint 'c'"]),
        (PLAN.replace('["a", "b"]', '["a", "b"], ["b", "a"]'), ["['a', 'b'] stands 2 times"]),
        (PLAN.replace('["a", "b"]', '["a", "a"]'), ["edges[0]", "apart"]),
        (PLAN.replace('name = "right"', 'name = "left"'), ["tiles", "'left' stands 2 times"]),
        (PLAN.replace("tiles", "tils"), ["unknown key tils", "'tiles'"]),
        (PLAN.replace("0.5]", "1e400]"), ["finite"]),
        (
            'units = "m"\n' + PLAN.replace("1.5,", "150000.0,").replace("2.0,", "200000.0,"),
            ["150000 m long together", "metres?"],
        ),
        (PLAN.replace("2.0,", "2002.0,"), ["2002 m from side to side", "millimetres", 'units = "m"']),
        (PLAN.replace("2.0,", "2e6,"), ["2e+06 m from the origin", "subtract"]),
        ('units = "mm"\n' + PLAN, ["units = 'mm'", "'m'"]),
        ("name = ", ["plan.toml", "not valid TOML"]),
    ],
)
def test_impossible_floor_plans(tmp_path: Path, plan: str, parts: list[str]) -> None:
    message = refusal(write(tmp_path, plan=plan))
    for part in ["plan", *parts]:
        assert part in message


def test_too_many_ways_for_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cmarlsim.building.worlds.MOST_WAYS", 1)
    message = refusal(write(tmp_path, plan=PLAN.replace('"plan"', '"a large one"')))
    assert "floorplan 'a large one': 2 waypoints times 1 zones are more than 1 ways" in message
    assert "use fewer waypoints or zones" in message


def test_a_wall_beside_the_edge_is_fine(tmp_path: Path) -> None:
    Scenario.load(write(tmp_path, plan=PLAN + WALL.format(0.49)))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("agents.start='a'", "should be an array"),
        ("agents.start=[]", "should have at least 1 item, not 0"),
        ("links=3", "should be a table"),
        ("zones.z.through_walls=1", "should be true or false"),
        ("zones.z.room=''", "should have at least 1 character"),
        ("name=3", "should be a text in quotes"),
    ],
)
def test_what_should_be_is_told_in_words_of_toml(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Scenario.load(write(tmp_path), [override])


def test_two_zones_of_one_name(tmp_path: Path) -> None:
    assert "'z' stands 2 times" in refusal(write(tmp_path, SMALL + ZONE))


def test_thresholds_beyond_theorem_1_are_a_warning() -> None:
    with pytest.warns(UserWarning, match=re.escape("1.3 > N - 1 = 1: Theorem 1 does not apply")):
        Scenario.load("tiny", ["zones.top.c=0.8"])


def test_files_that_are_not_scenarios(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "missing.toml")
    assert "is a folder" in refusal(tmp_path)
    broken = tmp_path / "broken.toml"
    for content, told in ((b"name = [", "not valid TOML"), (b"\xff\xfe", "is not text in UTF-8")):
        broken.write_bytes(content)
        assert f"broken.toml: {told}" in refusal(broken)
    broken.write_text("")
    assert refusal(broken).endswith(
        "broken.toml: floorplan is missing: must be a path relative to this file or a shipped name"
    )


def test_shipped_things_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Scenario.load("paper").name == "paper"
    with pytest.raises(InputError, match="did you mean 'paper'"):
        shipped.find("policies", "papr", ".h5")


# --- another range ---


def arrays_of(scenario: Scenario) -> list[np.ndarray]:
    site = scenario.site
    parts = [*site.world, *site.numbered, *site.visibility]
    return [array for part in parts for array in (part if isinstance(part, tuple) else [part])]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("speed", [1.0, 0.73])
def test_a_scenario_at_another_range_is_one_that_was_loaded_with_it(before: bool, speed: float) -> None:
    """Whether or not the range's consequences were known before, and with numbered places or without."""
    overrides = ["links.d=5.0", f"agents.speed={speed}"]
    scenario = Scenario.load("paper", overrides)
    known = arrays_of(scenario) if before else []
    other, loaded = scenario.at_range(1.0), Scenario.load("paper", [*overrides, "links.d=1.0"])
    assert other == loaded
    for array, wanted in zip(arrays_of(other), arrays_of(loaded), strict=True):
        np.testing.assert_array_equal(array, wanted)
    assert all(array is kept for array, kept in zip(arrays_of(scenario), known, strict=False))
    pairs = zip(arrays_of(scenario), arrays_of(other), strict=True)
    assert not all(np.array_equal(one, another) for one, another in pairs)
    assert other.at_range(5.0) == scenario


@pytest.mark.parametrize("d", [-1.0, float("nan"), "far", None])
def test_a_range_that_cannot_be_is_refused(d: float) -> None:
    with pytest.raises(InputError, match=r"links\.d|d is missing"):
        Scenario.load("tiny").at_range(d)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (("red", "blue"), ("zones.red.c", "zones.blue.c")),
        (("red", "red"), ("zones.0.c", "zones.1.c")),
        (("1", "no. 2"), ("zones.0.c", "zones.1.c")),
    ],
)
def test_keys_in_messages_can_be_set(names: tuple[str, str], keys: tuple[str, str]) -> None:
    """By name where that finds the table, else by index: as `apply_settings` reads them."""
    for i in (0, 1):
        data = {"zones": [{"name": name, "c": 0.1} for name in names]}
        assert dotted(("zones", i, "c"), data) == keys[i]
        apply_settings(data, f"{keys[i]}=0.2")
        assert [zone["c"] for zone in data["zones"]] == [0.2 if i == 0 else 0.1, 0.2 if i == 1 else 0.1]
    assert dotted(("zones", 2, "c"), data) == "zones[2].c"
