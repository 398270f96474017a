"""Numbered places: what is said of them is what the kernels compute there."""

import math

import naive
import numpy as np
import pytest
import worlds
from cases import Case, scenario_of, shipped_case
from hypothesis import assume, given
from kernels import bools_of, no_numbers, numbered_places, packed, stretches

import cmarlsim.building.places
from cmarlsim.building.areas import Area
from cmarlsim.kernels.links import near_or_in_sight
from cmarlsim.kernels.motion import position_of
from cmarlsim.kernels.world import NumberedPlaces
from cmarlsim.scenario import Scenario

pytestmark = pytest.mark.kernels


def has_numbers(case: Case) -> bool:
    return len(scenario_of(case).numbered.tile) > 0


def check_places(case: Case) -> None:
    """Also that moves lead from numbered places to numbered places, and that each is there once."""
    scenario = scenario_of(case)
    world, numbered = scenario.world, scenario.numbered
    plan = naive.build_plan(case.scenario, case.floorplan)
    place_of = numbered_places(plan, numbered, scenario.speed_ticks)
    waypoints = len(world.waypoint)
    assert place_of[:waypoints] == [("node", p) for p in range(waypoints)]
    assert (numbered.position[:waypoints] == world.waypoint).all()
    zones = bools_of(numbered.zones, scenario.M)
    for q, place in enumerate(place_of):
        x, y = position_of(world, packed(place), 0)
        assert numbered.position[q].tolist() == [x, y]
        assert numbered.tile[q] == naive.tile_at(plan, case.floorplan, place)
        ends = stretches(world)[numbered.stretch[q]].tolist()
        assert naive.point_to_segment((x, y), ends[:2], ends[2:]) < 1e-12
        assert (ends[:2] == ends[2:]) == (place[0] == "node")
        assert zones[q].tolist() == naive.zones_of(case.scenario, (x, y), case.floorplan)


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


@pytest.mark.parametrize(("name", "places"), [("paper", 592), ("tiny", 4)])
def test_too_many_places_are_not_numbered(monkeypatch: pytest.MonkeyPatch, name: str, places: int) -> None:
    scenario = Scenario.load(name)
    discs = tuple(Area(zone.center, zone.radius) for zone in scenario.zones)
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
