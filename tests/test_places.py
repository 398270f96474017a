"""Numbered places: what is said of them is what the kernels compute there, and they never show in a run."""

import math

import naive
import numpy as np
import pytest
import worlds
from cases import COMPILED, LINK_MODELS, Case, corridor, policy_of, scenario_of, shipped_case
from hypothesis import assume, given
from kernels import (
    bools_of,
    no_numbers,
    numbered_places,
    packed,
    run_on,
    sites,
    stretches,
    unpacked,
    unset_words,
)

import cmarlsim.building.places
from cmarlsim.kernels.bits import words_for
from cmarlsim.kernels.links import near_or_in_sight
from cmarlsim.kernels.motion import advance, position_of
from cmarlsim.kernels.observing import observe_zones, tile_of
from cmarlsim.kernels.world import NumberedPlaces
from cmarlsim.policies.policy import Policy
from cmarlsim.scenario import Scenario
from cmarlsim.simulation.execution import Run

pytestmark = pytest.mark.kernels

ROLLOUTS = 40 if COMPILED else 3


def has_numbers(case: Case) -> bool:
    return len(scenario_of(case).numbered.tile) > 0


def check_places(case: Case) -> None:
    """Also that moves lead from numbered places to numbered places, and that each is there once."""
    scenario = scenario_of(case)
    world, numbered, speed = scenario.world, scenario.numbered, scenario.speed_ticks
    place_of = numbered_places(naive.build_plan(case.scenario, case.floorplan), numbered, speed)
    waypoints = len(world.waypoint)
    assert place_of[:waypoints] == [("node", p) for p in range(waypoints)]
    assert (numbered.position[:waypoints] == world.waypoint).all()
    zones = unset_words(words_for(scenario.M))
    for q, place in enumerate(place_of):
        x, y = position_of(world, packed(place), 0)
        assert numbered.position[q].tolist() == [x, y]
        assert numbered.tile[q] == tile_of(world, x, y) >= 0
        ends = stretches(world)[numbered.stretch[q]].tolist()
        assert naive.point_to_segment((x, y), ends[:2], ends[2:]) < 1e-12
        assert (ends[:2] == ends[2:]) == (place[0] == "node")
        observe_zones(world, x, y, zones)
        assert numbered.zones[q].tolist() == zones.tolist()
        for zone in range(scenario.M):
            after = packed(place)
            advance(world, after, 0, zone, speed)
            assert place_of[numbered.after[q, zone]] == unpacked(after)


@pytest.mark.parametrize(
    ("name", "speed"), [("paper", 1.0), ("paper", 2.5), ("paper", 30.0), ("tiny", 1.0), ("tiny", 0.3)]
)
def test_places_of_shipped_plans_are_what_the_kernels_compute(name: str, speed: float) -> None:
    case = shipped_case(name)
    case.scenario["agents"]["speed"] = speed
    check_places(case)


@given(worlds.random_cases())
def test_places_of_random_worlds_are_what_the_kernels_compute(case: Case) -> None:
    assume(has_numbers(case))
    check_places(case)


def test_places_in_more_than_64_zones_are_what_the_kernels_compute() -> None:
    case = corridor(cells=70, agents=2)
    for zone in case.scenario["zones"]:
        zone["radius"] = 80.0
    check_places(case)
    assert (scenario_of(case).numbered.zones == [2**64 - 1, 2**6 - 1]).all()


@pytest.mark.parametrize(("name", "places"), [("paper", 592), ("tiny", 4)])
def test_too_many_places_are_not_numbered(monkeypatch: pytest.MonkeyPatch, name: str, places: int) -> None:
    scenario = Scenario.load(name)
    discs = tuple((zone.center, zone.radius) for zone in scenario.zones)
    build = cmarlsim.building.places.number_places.__wrapped__  # not the remembered one
    for most in (places, places - 1, 1):
        monkeypatch.setattr(cmarlsim.building.places, "MOST_PLACES", most)
        numbered: NumberedPlaces = build(scenario.floorplan, discs, scenario.speed_ticks, 0.0)
        assert len(numbered.tile) == (places if places <= most else 0)
        if places > most:
            for found, expected in zip(numbered, no_numbers(scenario.M), strict=True):
                assert (found.shape, found.dtype) == (expected.shape, expected.dtype)


# --- who is near ---


def check_near(case: Case, pairs: int, seed: int) -> None:
    """Which places are in reach of each other: by looking at all walls, and for some pairs by the twin."""
    scenario, walls = scenario_of(case), naive.wall_segments(case.floorplan)
    numbered, d = scenario.numbered, float(scenario.links.d or 0.0)
    near, position = bools_of(numbered.near, len(numbered.tile)), numbered.position.tolist()
    assert (near == near.T).all()
    assert near.diagonal().all()
    some = np.random.default_rng(seed).integers(len(near), size=(pairs, 2)).tolist()
    for q, (a, b) in enumerate(some):
        up = near_or_in_sight(scenario.world, d, *position[a], *position[b])
        assert near[a, b] == up
        if q % 8 == 0:
            near_by = math.dist(position[a], position[b]) <= d + naive.TOLERANCE
            assert up == (near_by or naive.sight(walls, position[a], position[b]))


@given(worlds.random_cases("sight-or-disc"), worlds.seeds)
def test_those_near_each_other_are_what_the_kernels_compute(case: Case, seed: int) -> None:
    assume(has_numbers(case))
    check_near(case, 100, seed)


@pytest.mark.parametrize("d", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("name", ["paper", "tiny"])
def test_those_near_each_other_on_shipped_plans_are_what_the_kernels_compute(name: str, d: float) -> None:
    case = shipped_case(name)
    case.scenario["links"]["d"] = d
    check_near(case, 4000, 3)


@pytest.mark.compiled
def test_who_is_near_depends_on_the_range() -> None:
    near, far = (Scenario.load("paper", [f"links.d={d}"]).numbered for d in (2.0, 9.0))
    assert near is not far
    few, many = (bools_of(numbered.near, len(numbered.tile)) for numbered in (near, far))
    assert (few <= many).all()
    assert few.sum() < many.sum()


# --- runs ---


def check_same_bits(case: Case, policy: Policy, rollouts: int) -> None:
    """The same run with numbered places and without, with visibility sets and without, over all arrays."""
    scenario = scenario_of(case)
    runs = [Run(scenario, policy, 12), *(run_on(scenario, policy, site, 12) for site in sites(scenario))]
    for _ in range(2):
        expected, *chunks = (run.advance(rollouts, keep_steps=True) for run in runs)
        for chunk in chunks:
            for name, found, wanted in zip(chunk._fields, chunk, expected, strict=True):
                assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype), name
                assert found.tobytes() == wanted.tobytes(), name


@pytest.mark.parametrize(
    "links", [*LINK_MODELS, {"model": "sight-or-disc", "d": 0.0}], ids=lambda links: links["model"]
)
@pytest.mark.parametrize(("name", "policy"), [("paper", "rank"), ("paper", "paper"), ("tiny", "rank")])
def test_numbering_does_not_show_on_shipped_plans(links: naive.Toml, name: str, policy: str) -> None:
    case = shipped_case(name)
    case = case._replace(scenario=case.scenario | {"links": links})
    check_same_bits(case, Policy.load(policy), ROLLOUTS)


@pytest.mark.parametrize("model", worlds.MODELS)
@given(seed=worlds.seeds)
def test_numbering_does_not_show_on_random_worlds(model: str, seed: int) -> None:
    case = worlds.random_case(seed, model)
    assume(has_numbers(case))
    check_same_bits(case, policy_of(case), 4)


@pytest.mark.compiled
def test_numbering_does_not_show_with_sets_of_more_than_64() -> None:
    case = corridor(cells=70, agents=68)
    for links in (case.scenario["links"], {"model": "sight-or-disc", "d": 1.0}):
        check_same_bits(case._replace(scenario=case.scenario | {"links": links}), policy_of(case), 1)
